import { join } from 'node:path';
import { type Failure, failureOf } from '../errors.ts';
import { isLeftByDepmod } from '../install/depmod.ts';
import { finishRemoval } from '../install/finish-removal.ts';
import { moduleLabel } from '../request.ts';
import type { Run } from '../run/run.ts';
import { dueFor, dueReleases, strikeDue } from '../state/due.ts';
import { openJournals } from '../state/journal.ts';
import { recordsDirectory } from '../state/paths.ts';
import { isDirectory, readDirectory } from '../system/files.ts';
import { remove, removeEmpty, sweepTemporary } from '../system/publish.ts';

/** What a run makes up for before it begins: what one before it was killed in, and what that left. */

/** What was made up for. */
export interface Recovered {
  /** Releases for which depmod is due. */
  readonly releases: readonly string[];
  /** What could not be: each is the failure of one module on one kernel, and stands open. */
  readonly failures: readonly Failure[];
}

/** Kernels for which an earlier run owes depmod; of one that is gone nothing is due. */
const owed = (run: Run): string[] => {
  const { stateDir, installTree } = run.settings;
  const gone = dueReleases(stateDir).filter((release) => !isDirectory(join(installTree, release)));
  for (const release of gone) strikeDue(stateDir, release, dueFor(stateDir, release));
  return dueReleases(stateDir).filter((release) => dueFor(stateDir, release).includes('depmod'));
};

/** Directories of modules and versions that a removal had emptied and not taken away yet. */
const sweepEmpty = (tree: string): void => {
  const names = readDirectory(tree).map((name) => join(tree, name));
  for (const name of names.filter(isDirectory)) {
    for (const version of readDirectory(name)) removeEmpty(join(name, version), tree);
    removeEmpty(name, tree);
  }
};

const sweepDepmod = (directory: string): void => {
  for (const name of readDirectory(directory).filter(isLeftByDepmod)) remove(join(directory, name));
};

const sweep = (run: Run): void => {
  const { dkmsTree, sourceTree, stateDir, installTree } = run.settings;
  sweepTemporary(dkmsTree, 4);
  sweepTemporary(stateDir, 4);
  sweepTemporary(sourceTree, 0);
  for (const tree of [dkmsTree, recordsDirectory(stateDir)]) sweepEmpty(tree);
  for (const release of readDirectory(installTree)) {
    for (const place of ['kernel', 'updates', 'extra']) sweepTemporary(join(installTree, release, place), 8);
    sweepDepmod(join(installTree, release));
  }
};

/** One thing of many: what fails is a failure of its own and keeps nothing else from being done. */
const attempt = (failures: Failure[], what: string, work: () => void): void => {
  try {
    work();
  } catch (error) {
    const { detail, ...failure } = failureOf(error);
    failures.push({ ...failure, detail: detail === undefined ? what : `${what}: ${detail}` });
  }
};

/** Finish what a killed run began to take away, and sweep away what it left half written. */
export const recover = (run: Run, afterDeath: boolean): Recovered => {
  const failures: Failure[] = [];
  if (afterDeath) attempt(failures, 'what a killed run left', () => sweep(run));
  const begun = openJournals(run.settings.stateDir).filter(({ action }) => action === 'uninstall');
  for (const journal of begun) {
    const what = `${moduleLabel(journal.module)} on ${journal.kernel.release}, whose removal was interrupted`;
    attempt(failures, what, () => finishRemoval(run, journal));
  }
  return { releases: [...begun.map(({ kernel }) => kernel.release), ...owed(run)], failures };
};
