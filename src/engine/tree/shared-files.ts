import type { Kernel } from '../request.ts';
import type { Run } from '../run/run.ts';
import { type InstalledFile, isAsInstalled, readRecord } from '../state/record.ts';
import { hashFile, readDirectory } from '../system/files.ts';
import { forgetOriginal, savedOriginals } from './saved-originals.ts';
import { installedVersion } from './tree.ts';

/** Objects that two modules install at one place: the last one is in use, and what it replaced is kept as its original. */

const otherNames = (run: Run, name: string): string[] =>
  readDirectory(run.settings.dkmsTree).filter((other) => other !== name);

/** What a module's record says that it has installed on a kernel. */
const installedBy = (run: Run, name: string, kernel: Kernel): readonly InstalledFile[] => {
  const version = installedVersion(run.settings.dkmsTree, name, kernel);
  if (version === undefined) return [];
  const files = readRecord(run.settings.stateDir, { name, version }, kernel).installed ?? [];
  // What somebody changed before we saw it first is nobody's.
  return files.filter((file) => !file.differs);
};

/** Whether a file on a kernel is what another module than `name` has installed there. */
export const isOfAnother = (run: Run, name: string, kernel: Kernel): ((path: string) => boolean) => {
  let theirs: readonly InstalledFile[] | undefined;
  return (path) => {
    theirs ??= otherNames(run, name).flatMap((other) => installedBy(run, other, kernel));
    return theirs.some((file) => file.path === path && isAsInstalled(file));
  };
};

/**
 * Forget what other modules keep of a module that goes: it must not come back when they go.
 *
 * @param hashes SHA-256 of every file of the module that goes
 */
export const forgetWithOthers = (run: Run, name: string, kernel: Kernel, hashes: ReadonlySet<string>): void => {
  const { dkmsTree } = run.settings;
  for (const other of otherNames(run, name)) {
    for (const original of savedOriginals(dkmsTree, other, kernel))
      if (hashes.has(hashFile(original.saved))) forgetOriginal(dkmsTree, other, original);
  }
};
