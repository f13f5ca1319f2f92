import { dirname, join } from 'node:path';
import { FailureError } from '../errors.ts';
import { isLeftByDepmod, runDepmod } from '../install/depmod.ts';
import { finishRemoval } from '../install/finish-removal.ts';
import { makeUpWeakModules } from '../install/weak-modules.ts';
import { closeJournal } from '../state/journal.ts';
import {
  dueFile,
  journalFile,
  moduleLockFile,
  programsDirectory,
  runLockFile,
  trialsDirectory,
} from '../state/paths.ts';
import { entriesIn, readDirectory, readText } from '../system/files.ts';
import { liveHolder, takeLock } from '../system/lock.ts';
import { processFacts } from '../system/proc.ts';
import { isTemporary, remove, sweepTemporary } from '../system/publish.ts';
import { type Check, type Found, isGone, type View } from './view.ts';

/** What runs that were killed have left: the next run makes up for it, and so does --fix. */

/** Temporary names below a directory, to a depth of so many levels, as sweepTemporary finds them. */
const temporaryBelow = (directory: string, depth: number): string[] =>
  entriesIn(directory).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (isTemporary(entry.name)) return [path];
    return entry.isDirectory() && depth > 0 ? temporaryBelow(path, depth - 1) : [];
  });

/** Directories in which each name starts with the number of a process that has ended. */
const ofDeadProcesses = (parent: string): string[] =>
  readDirectory(parent)
    .filter((name) => /^\d/.test(name) && processFacts(Number.parseInt(name, 10)) === undefined)
    .map((name) => join(parent, name));

const temporaryLeft = ({ settings, releases }: View): Found[] => {
  const { dkmsTree, sourceTree, stateDir, installTree } = settings;
  const inKernels = releases.flatMap((release) => [
    ...['kernel', 'updates', 'extra'].flatMap((place) => temporaryBelow(join(installTree, release, place), 8)),
  ]);
  const temporary = [
    ...temporaryBelow(dkmsTree, 4),
    ...temporaryBelow(stateDir, 4),
    ...temporaryBelow(sourceTree, 0),
    ...inKernels,
  ];
  const whole = [
    ...releases.flatMap((release) =>
      readDirectory(join(installTree, release))
        .filter(isLeftByDepmod)
        .map((name) => join(installTree, release, name)),
    ),
    ...ofDeadProcesses(programsDirectory(stateDir)),
    ...ofDeadProcesses(trialsDirectory(stateDir)),
  ];
  const diagnosisOf = (path: string) => ({ code: 'temporary-left', path }) as const;
  return [
    // What had to make room for something may have to be put back.
    ...temporary.map((path) => ({ diagnosis: diagnosisOf(path), repair: () => sweepTemporary(dirname(path), 0) })),
    ...whole.map((path) => ({ diagnosis: diagnosisOf(path), repair: () => remove(path) })),
  ];
};

/** A removal is finished; an install is made whole by the run that builds, which knows from the journal what is ours. */
const journalsOpen = (view: View): Found[] => {
  const { stateDir } = view.settings;
  return view.journals.map((journal) => {
    const { module, kernel, action } = journal;
    const path = journalFile(stateDir, module.name, kernel);
    const diagnosis = { code: 'journal-open', path, module, kernel, action } as const;
    if (action === 'uninstall') return { diagnosis, repair: () => finishRemoval(view.run, journal) };
    if (!isGone(view, kernel.release)) return { diagnosis };
    return { diagnosis, repair: () => closeJournal(stateDir, module.name, kernel) };
  });
};

const isStale = (path: string): boolean => (readText(path) ?? '').trim() !== '' && liveHolder(path) === undefined;

/** Who takes a lock and frees it again leaves nothing in it; of the run's own that is whoever repairs. */
const freeLock = async ({ run }: View, path: string): Promise<void> => {
  const lock = await takeLock({ path, owner: 'kmodsort doctor', wait: 0, onBusy: () => undefined }, run.processes);
  await lock.release();
};

const staleLocks = (view: View): Found[] => {
  const { stateDir } = view.settings;
  const runLock = runLockFile(stateDir);
  const locks = readDirectory(dirname(moduleLockFile(stateDir, 'x'))).map((name) => moduleLockFile(stateDir, name));
  return [runLock, ...locks].filter(isStale).map((path) => {
    const holder = (readText(path) ?? '').split('\n')[0] ?? '';
    const repair = path === runLock ? () => undefined : () => freeLock(view, path);
    return { diagnosis: { code: 'lock-stale', path, holder }, repair };
  });
};

/** What depmod and weak-modules(8) owe is made up for here; what else is due takes a run. */
const dueOpen = (view: View): Found[] =>
  view.openDue.map(({ release, steps }) => {
    const path = dueFile(view.settings.stateDir, release);
    const diagnosis = { code: 'due-open', path, release, steps } as const;
    if (!steps.includes('depmod') && !steps.includes('weak-modules')) return { diagnosis };
    const repair = async (): Promise<void> => {
      const failure = steps.includes('depmod') ? await runDepmod(view.run, release) : undefined;
      if (failure) throw new FailureError(failure);
      await makeUpWeakModules(view.run);
    };
    return { diagnosis, repair };
  });

export const checkInterrupted: Check = (view) =>
  view.isBusy ? [] : [...staleLocks(view), ...temporaryLeft(view), ...journalsOpen(view), ...dueOpen(view)];
