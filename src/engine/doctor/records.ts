import { basename, dirname, join } from 'node:path';
import {
  failureLogFile,
  journalsDirectory,
  kernelOfRecord,
  logDirectory,
  recordFile,
  recordsDirectory,
  supersededDirectory,
  supersededMark,
  triedDirectory,
  vetoesDirectory,
} from '../state/paths.ts';
import { forgetRecord, isAsInstalled, readRecord, recordedEntries } from '../state/record.ts';
import { readTried, triedReleases } from '../state/tried.ts';
import { readDirectory, readText, stat, walk } from '../system/files.ts';
import { remove, removeEmpty } from '../system/publish.ts';
import { isOfAnother } from '../tree/shared-files.ts';
import {
  type Check,
  entryOf,
  type Found,
  isGone,
  isInstalledOn,
  isInterrupted,
  type Recorded,
  type View,
} from './view.ts';

/** What is remembered in the state directory, against what the dkms tree says. */

/** Files that a record calls installed, that stand there unchanged, and that the tree knows nothing of. */
const filesLeft = (view: View, { module, kernel, record }: Recorded): Found[] => {
  if (isGone(view, kernel.release) || isInterrupted(view, module.name, kernel)) return [];
  const isReplaced = view.links.some(
    (link) => link.module.name === module.name && link.kernel.release === kernel.release,
  );
  if (isReplaced) return [];
  const isTheirs = isOfAnother(view.run, module.name, kernel);
  return (record.installed ?? [])
    .filter((file) => !file.differs && isAsInstalled(file) && !isTheirs(file.path))
    .map(({ path }) => ({
      diagnosis: { code: 'files-left', path, module, kernel, isKnown: entryOf(view, module) !== undefined },
    }));
};

const recordLeft = (view: View, { module, kernel }: Recorded): Found[] => {
  const { stateDir } = view.settings;
  const entry = entryOf(view, module);
  const isKernelGone = isGone(view, kernel.release);
  const isBuilt = entry?.built.some(({ release }) => release === kernel.release) ?? false;
  if (isBuilt || isInstalledOn(view, module, kernel) || isInterrupted(view, module.name, kernel)) return [];
  if (entry && !isKernelGone) return [];
  const path = recordFile(stateDir, module, kernel);
  const gone = entry ? 'kernel' : 'module';
  return [
    {
      diagnosis: { code: 'record-left', path, module, kernel, gone },
      repair: () => forgetRecord(stateDir, module, kernel),
    },
  ];
};

/** A record with files that stand is the last that knows of them. */
const orphans = (view: View, recorded: Recorded): Found[] => {
  const files = filesLeft(view, recorded);
  return files.length > 0 ? files : recordLeft(view, recorded);
};

const isObject = (text: string | undefined): boolean => {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return value instanceof Object && !Array.isArray(value);
  } catch {
    return false;
  }
};

/** A file that cannot be read counts as none anyway: nothing is lost with it. */
const unreadable = (code: 'record-unreadable' | 'journal-unreadable', path: string): Found => ({
  diagnosis: { code, path },
  repair: () => remove(path),
});

const unreadableRecords = ({ settings: { stateDir } }: View): Found[] => {
  const records = [recordsDirectory(stateDir), recordsDirectory(vetoesDirectory(stateDir))].flatMap((top) =>
    walk(top).map((path) => join(top, path)),
  );
  const tried = readDirectory(triedDirectory(stateDir)).map((name) => join(triedDirectory(stateDir), name));
  const all = [...records, ...tried].filter((path) => path.endsWith('.json') && !basename(path).startsWith('.'));
  const broken = all.filter((path) => !isObject(readText(path)));
  const journals = readDirectory(journalsDirectory(stateDir)).filter((name) => !name.startsWith('.'));
  const brokenJournals = journals
    .map((name) => join(journalsDirectory(stateDir), name))
    .filter((path) => !isObject(readText(path)));
  return [
    ...broken.map((path) => unreadable('record-unreadable', path)),
    ...brokenJournals.map((path) => unreadable('journal-unreadable', path)),
  ];
};

/** Logs that a record, a trial or a guard knows of. */
const knownLogs = (view: View): ReadonlySet<string> => {
  const { stateDir } = view.settings;
  const vetoes = vetoesDirectory(stateDir);
  const failed = [
    ...view.records.filter(({ record }) => record.failure),
    ...recordedEntries(vetoes).filter(({ module, kernel }) => readRecord(vetoes, module, kernel).failure),
    ...triedReleases(stateDir).flatMap((release) => readTried(stateDir, release)?.modules ?? []),
  ];
  return new Set(failed.map(({ module, kernel }) => failureLogFile(stateDir, module, kernel)));
};

const logsLeft = (view: View): Found[] => {
  const top = logDirectory(view.settings.stateDir);
  const known = knownLogs(view);
  return walk(top)
    .map((path) => join(top, path))
    .filter((path) => {
      const [, release] = /^initramfs-(.+)\.log$/.exec(basename(path)) ?? [];
      if (release !== undefined) return isGone(view, release);
      return kernelOfRecord(basename(path).replace(/\.log$/, '.json')) !== undefined && !known.has(path);
    })
    .map((path) => ({
      diagnosis: { code: 'log-left', path },
      repair: () => {
        remove(path);
        removeEmpty(dirname(path), top);
      },
    }));
};

/** Marks of versions that wait to be replaced, and are gone. */
const marksLeft = (view: View): Found[] => {
  const { stateDir } = view.settings;
  const known = new Set(view.entries.map(({ module }) => supersededMark(stateDir, module)));
  return readDirectory(supersededDirectory(stateDir))
    .map((name) => join(supersededDirectory(stateDir), name))
    .filter((path) => !known.has(path))
    .map((path) => ({ diagnosis: { code: 'mark-left', path }, repair: () => remove(path) }));
};

/** Long enough for a kernel that was tried to come, ms. */
const trialLife = 90 * 24 * 3600 * 1000;

const trialsOutdated = (view: View): Found[] => {
  const { stateDir } = view.settings;
  const isOld = (path: string): boolean => Date.now() - (stat(path)?.mtimeMs ?? Date.now()) > trialLife;
  const tried = triedReleases(stateDir).map((release) => ({
    path: join(triedDirectory(stateDir), `${release}.json`),
    release,
  }));
  const vetoes = recordedEntries(vetoesDirectory(stateDir)).map(({ module, kernel }) => ({
    path: recordFile(vetoesDirectory(stateDir), module, kernel),
    release: kernel.release,
  }));
  return [...tried, ...vetoes]
    .filter(({ path }) => isOld(path))
    .map(({ path, release }) => ({
      diagnosis: { code: 'trial-outdated', path, release },
      repair: () => {
        remove(path);
        removeEmpty(dirname(path), stateDir);
      },
    }));
};

export const checkRecords: Check = (view) => {
  if (view.isBusy) return [];
  return [
    ...view.records.flatMap((recorded) => orphans(view, recorded)),
    ...unreadableRecords(view),
    ...logsLeft(view),
    ...marksLeft(view),
    ...trialsOutdated(view),
  ];
};
