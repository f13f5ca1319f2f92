import { basename, dirname, join } from 'node:path';
import { objectNameOf } from '../kernel/compression.ts';
import type { Kernel } from '../request.ts';
import type { Run } from '../run/run.ts';
import { readJournal } from '../state/journal.ts';
import { readRecord } from '../state/record.ts';
import { byBytes, exists, hashFile, readDirectory, readText, walk } from '../system/files.ts';
import { copyAtomic, remove, removeEmpty } from '../system/publish.ts';
import { forgetOriginal, originFile, type SavedOriginal, savedOriginals } from './saved-originals.ts';
import { isOfAnother } from './shared-files.ts';
import { builtDirectory, builtFiles, originalsDirectory } from './tree.ts';

/** In-tree modules that ours replace: kept with the place that they came from, and put back. */

/** Module files of one kernel by object name, as absolute paths. */
export type ModuleFiles = ReadonlyMap<string, readonly string[]>;

/** Every module file below a kernel's directory. */
export const moduleFiles = (kernelDirectory: string): ModuleFiles => {
  const found = new Map<string, string[]>();
  for (const top of readDirectory(kernelDirectory).filter((name) => name !== 'build' && name !== 'source')) {
    for (const path of walk(join(kernelDirectory, top))) {
      const name = objectNameOf(basename(path));
      if (name) found.set(name, [...(found.get(name) ?? []), join(kernelDirectory, top, path)]);
    }
  }
  return found;
};

/** extra/, then updates/, then the destination, then the rest by name: what dkms saves of several. */
const rank = (kernelDirectory: string, destination: string, path: string): number => {
  const relative = path.slice(kernelDirectory.length + 1);
  if (relative.startsWith('extra/')) return 0;
  if (relative.startsWith('updates/')) return 1;
  return path.startsWith(`${destination}/`) ? 2 : 3;
};

/** The file that is to be saved out of several of one object name, and those that are left. */
export const chooseOriginal = (
  kernelDirectory: string,
  destination: string,
  paths: readonly string[],
): { readonly saved?: string; readonly left: readonly string[] } => {
  const order = [...paths].sort(
    (a, b) => rank(kernelDirectory, destination, a) - rank(kernelDirectory, destination, b) || byBytes(a, b),
  );
  const [saved, ...left] = order;
  return saved === undefined ? { left } : { saved, left };
};

/** Where an original belongs that an older dkms saved without a note: where the kernel's own list has it, else updates/. */
export const usualPlace = (kernelDirectory: string, saved: string): string => {
  const file = basename(saved);
  const list = (readText(join(kernelDirectory, 'modules.order')) ?? '').split('\n');
  const listed = list.find((path) => objectNameOf(basename(path)) === objectNameOf(file));
  return join(kernelDirectory, listed ? dirname(listed) : 'updates', file);
};

/** Put an original back, unless a file of the package stands there again; then forget the copy. */
export const restoreOriginal = (dkmsTree: string, name: string, original: SavedOriginal, origin: string): void => {
  if (!exists(origin)) copyAtomic(original.saved, origin, hashFile(original.saved));
  forgetOriginal(dkmsTree, name, original);
};

/** Remove what a killed run has left of originals that it had thrown away: the notes of where they came from. */
export const sweepOrigins = (dkmsTree: string, name: string, kernel: Kernel): void => {
  const directory = originalsDirectory(dkmsTree, name, kernel);
  const saved = new Set(savedOriginals(dkmsTree, name, kernel).map((original) => originFile(original.saved)));
  const notes = readDirectory(directory).filter((file) => file.endsWith('.origin'));
  for (const note of notes.map((file) => join(directory, file))) if (!saved.has(note)) remove(note);
  removeEmpty(directory, join(dkmsTree, name));
};

/** Hashes of every file that we may have put on this kernel under this name, in any version. */
export const knownHashes = (run: Run, name: string, kernel: Kernel): Set<string> => {
  const { dkmsTree, stateDir } = run.settings;
  const known = new Set<string>(readJournal(stateDir, name, kernel)?.ours);
  for (const version of readDirectory(join(dkmsTree, name))) {
    const directory = builtDirectory(dkmsTree, { name, version }, kernel);
    for (const file of builtFiles(directory)) known.add(hashFile(join(directory, 'module', file)));
    for (const file of readRecord(stateDir, { name, version }, kernel).installed ?? []) known.add(file.hash);
  }
  return known;
};

/**
 * Whether a file on a kernel is ours: by its bytes, or because we put one there, whatever became of it since. Below
 * kernel/ bytes alone count, for there the kernel's own package may have put its file back. What another module has
 * installed over it since is not ours.
 *
 * @param ours SHA-256 of every file of ours that may stand there
 */
export const ownership = (
  run: Run,
  name: string,
  kernel: Kernel,
  ours: readonly string[],
): ((path: string) => boolean) => {
  const { dkmsTree, stateDir, installTree } = run.settings;
  const hashes = new Set(ours);
  const paths = new Set(
    readDirectory(join(dkmsTree, name)).flatMap((version) =>
      (readRecord(stateDir, { name, version }, kernel).installed ?? []).map((file) => file.path),
    ),
  );
  const ofKernel = `${join(installTree, kernel.release, 'kernel')}/`;
  const isTheirs = isOfAnother(run, name, kernel);
  return (path) => ((paths.has(path) && !path.startsWith(ofKernel)) || hashes.has(hashFile(path))) && !isTheirs(path);
};
