import { basename, join } from 'node:path';
import type { Module } from '../request.ts';
import type { Run } from '../run/run.ts';
import { supersededDirectory, supersededMark } from '../state/paths.ts';
import { forgetRecord } from '../state/record.ts';
import { exists, readDirectory } from '../system/files.ts';
import { remove, writeText } from '../system/publish.ts';
import { forgetEntry, unbuildModule } from './forget.ts';
import { installedVersion, readTree, type TreeEntry } from './tree.ts';

/**
 * A version that its package takes away because a newer one follows: it stays where it is installed until the newer
 * one is, and for good if that fails. A machine is never without a module that it had.
 */

/** Whether a Module waits for its successor. */
export const isSuperseded = (stateDir: string, module: Module): boolean => exists(supersededMark(stateDir, module));

/** Whether another version of a Module is registered and has its source. */
export const hasOtherVersion = ({ module }: TreeEntry, entries: readonly TreeEntry[]): boolean =>
  entries.some(
    (other) => other.module.name === module.name && other.module.version !== module.version && !other.broken,
  );

/**
 * Whether another version of a Module is there in place of its source, or comes: a source directory of its name that
 * is no other Module's.
 *
 * @param coming names of source directories
 */
export const hasSuccessor = (entry: TreeEntry, entries: readonly TreeEntry[], coming: readonly string[]): boolean => {
  if (entry.broken && hasOtherVersion(entry, entries)) return true;
  const { name } = entry.module;
  const foreign = new Set(entries.filter(({ module }) => module.name !== name).map(({ source }) => basename(source)));
  return coming.some(
    (source) => source.startsWith(`${name}-`) && source !== basename(entry.source) && !foreign.has(source),
  );
};

/** Let a Module stay until its successor is installed. */
export const markSuperseded = (run: Run, module: Module): void => {
  if (isSuperseded(run.settings.stateDir, module)) return;
  writeText(supersededMark(run.settings.stateDir, module), '');
  run.note({ note: 'superseded', module });
};

/** The same version came again: it is nobody's predecessor. */
export const cancelReplacement = (stateDir: string, module: Module): void => remove(supersededMark(stateDir, module));

/** What was built of it goes from the kernels on which another version is installed by now. */
const dropWhereReplaced = (run: Run, entry: TreeEntry): boolean => {
  const { dkmsTree, stateDir } = run.settings;
  const { module } = entry;
  const replaced = entry.built.filter((kernel) => installedVersion(dkmsTree, module.name, kernel) !== module.version);
  for (const kernel of replaced) {
    unbuildModule(run, module, kernel);
    forgetRecord(stateDir, module, kernel);
  }
  return replaced.length === entry.built.length;
};

/**
 * Forget the versions whose successors are installed everywhere.
 *
 * @param isEnd the transaction is over: a version whose source is still there was not replaced after all
 */
export const removeSuperseded = (run: Run, isEnd: boolean): void => {
  const { dkmsTree, sourceTree, stateDir } = run.settings;
  if (readDirectory(supersededDirectory(stateDir)).length === 0) return;
  const entries = readTree(dkmsTree, sourceTree);
  for (const entry of entries.filter(({ module }) => isSuperseded(stateDir, module))) {
    const { name, version } = entry.module;
    const hasSuccessor = entries.some(({ module }) => module.name === name && module.version !== version);
    if (hasSuccessor && dropWhereReplaced(run, entry)) forgetEntry(run, entry);
    if (!hasSuccessor && isEnd && !entry.broken) cancelReplacement(stateDir, entry.module);
  }
  const known = new Set(readTree(dkmsTree, sourceTree).map(({ module }) => supersededMark(stateDir, module)));
  for (const mark of readDirectory(supersededDirectory(stateDir)).map((name) =>
    join(supersededDirectory(stateDir), name),
  )) {
    if (!known.has(mark)) remove(mark);
  }
};

/**
 * Versions without a source beside one that has it: packages that only lay a source down (and rpm, which does not say
 * what it removed) leave no other sign of an upgrade. Of a source tree that is not mounted no version has a source.
 */
export const replacedInPlace = (entries: readonly TreeEntry[]): TreeEntry[] => {
  const isGone = ({ source, unreadable }: TreeEntry): boolean => !unreadable && !exists(join(source, 'dkms.conf'));
  return entries.filter(
    (entry) =>
      isGone(entry) &&
      hasOtherVersion(
        entry,
        entries.filter((one) => !isGone(one)),
      ),
  );
};

/**
 * Modules that a package took away without bringing another version: after the transaction they leave. A source that
 * merely cannot be used is a version that failed.
 */
export const removedWithoutReplacement = (run: Run, entries: readonly TreeEntry[]): TreeEntry[] => {
  const { sourceTree, stateDir } = run.settings;
  const sources = readDirectory(sourceTree);
  return entries.filter(
    ({ module, broken, unreadable }) =>
      broken &&
      !unreadable &&
      isSuperseded(stateDir, module) &&
      !sources.some((name) => name.startsWith(`${module.name}-`)) &&
      !entries.some((other) => other.module.name === module.name && other.module.version !== module.version),
  );
};
