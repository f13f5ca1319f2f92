import { join } from 'node:path';
import type { OpenDue, OpenFailure } from '../answers.ts';
import type { Diagnosis } from '../diagnoses.ts';
import { type Kernel, type Module, sameKernel, sameModule } from '../request.ts';
import type { Run } from '../run/run.ts';
import type { Settings } from '../settings.ts';
import { type Journal, openJournals } from '../state/journal.ts';
import { runLockFile, trialsDirectory } from '../state/paths.ts';
import { type EntryRecord, readRecord, recordedEntries } from '../state/record.ts';
import { isDirectory, readDirectory, readLink } from '../system/files.ts';
import { liveHolder, ownMark } from '../system/lock.ts';
import { processFacts } from '../system/proc.ts';
import { installedVersion, readTree, type TreeEntry } from '../tree/tree.ts';

/** What the checks look at: read once for all of them, before anything is repaired. */

/** What is remembered of a Module on a Kernel. */
export interface Recorded {
  readonly module: Module;
  readonly kernel: Kernel;
  readonly record: EntryRecord;
}

/** A link `kernel-RELEASE-ARCH`: the version that is installed on a Kernel, or was. */
export interface InstalledLink {
  readonly path: string;
  readonly module: Module;
  readonly kernel: Kernel;
  readonly leadsNowhere: boolean;
}

export interface View {
  readonly run: Run;
  readonly settings: Settings;
  readonly entries: readonly TreeEntry[];
  readonly links: readonly InstalledLink[];
  readonly records: readonly Recorded[];
  readonly journals: readonly Journal[];
  /** Releases that have a directory in the install tree. */
  readonly releases: readonly string[];
  /** Another run or a trial is at work: what is half done is its own. */
  readonly isBusy: boolean;
  readonly openFailures: readonly OpenFailure[];
  readonly openDue: readonly OpenDue[];
}

/** What a check found, and how it is repaired where that is safe. */
export interface Found {
  readonly diagnosis: Diagnosis;
  readonly repair?: () => void | Promise<void>;
}

/** A group of rules. It changes nothing. */
export type Check = (view: View) => readonly Found[] | Promise<readonly Found[]>;

/** `VERSION/RELEASE/ARCH`, as dkms and we write it. */
const linkIn = (dkmsTree: string, name: string, file: string): InstalledLink[] => {
  const path = join(dkmsTree, name, file);
  const parts = (readLink(path) ?? '').split('/').filter((part) => part !== '' && part !== '.');
  const [version, release, arch] = parts;
  if (parts.length !== 3 || version === undefined || release === undefined || arch === undefined) return [];
  return [{ path, module: { name, version }, kernel: { release, arch }, leadsNowhere: !isDirectory(path) }];
};

const linksOf = (dkmsTree: string): InstalledLink[] =>
  readDirectory(dkmsTree)
    .filter((name) => !name.startsWith('.') && isDirectory(join(dkmsTree, name)))
    .flatMap((name) =>
      readDirectory(join(dkmsTree, name))
        .filter((file) => file.startsWith('kernel-'))
        .flatMap((file) => linkIn(dkmsTree, name, file)),
    );

const isForeignRun = (stateDir: string): boolean => {
  const holder = liveHolder(runLockFile(stateDir));
  return holder !== undefined && holder !== ownMark();
};

/** Trials take no lock, and put what they build into the Store: each has a directory that starts with its process. */
const isTrialAtWork = (stateDir: string): boolean =>
  readDirectory(trialsDirectory(stateDir)).some((name) => processFacts(Number.parseInt(name, 10)) !== undefined);

/** Look at everything once. */
export const viewOf = (run: Run, open: Pick<View, 'openFailures' | 'openDue'>): View => {
  const { dkmsTree, sourceTree, stateDir, installTree } = run.settings;
  return {
    run,
    settings: run.settings,
    entries: readTree(dkmsTree, sourceTree),
    links: linksOf(dkmsTree),
    records: recordedEntries(stateDir).map((one) => ({
      ...one,
      record: readRecord(stateDir, one.module, one.kernel),
    })),
    journals: openJournals(stateDir),
    releases: readDirectory(installTree).filter((name) => isDirectory(join(installTree, name))),
    isBusy: isForeignRun(stateDir) || isTrialAtWork(stateDir),
    ...open,
  };
};

/** Whether there is anything of a kernel. With no kernel at all the tree is not mounted, or this is no machine that boots. */
export const isGone = ({ releases }: View, release: string): boolean =>
  releases.length > 0 && !releases.includes(release);

/** The entry of a Module. */
export const entryOf = ({ entries }: View, module: Module): TreeEntry | undefined =>
  entries.find((entry) => sameModule(entry.module, module));

/** Whether the tree says that this version is installed on that Kernel. */
export const isInstalledOn = ({ settings }: View, module: Module, kernel: Kernel): boolean =>
  installedVersion(settings.dkmsTree, module.name, kernel) === module.version;

/** Whether a job for a module's name on a Kernel was interrupted: its files are the journal's. */
export const isInterrupted = ({ journals }: View, name: string, kernel: Kernel): boolean =>
  journals.some((journal) => journal.module.name === name && sameKernel(journal.kernel, kernel));
