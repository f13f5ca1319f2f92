import { basename, join } from 'node:path';
import { objectNameOf } from '../kernel/compression.ts';
import type { Kernel } from '../request.ts';
import { hashFile, readDirectory, readText } from '../system/files.ts';
import { copyAtomic, makeDirectory, remove, removeEmpty, writeAtomic } from '../system/publish.ts';
import { originalsDirectory } from './tree.ts';

/** The place in the dkms tree where files that ours replaced are kept, each with a note of where it came from. */

/** The note of where a saved copy came from. */
export const originFile = (saved: string): string => `${saved}.origin`;

/** Copy an in-tree module aside, durably; one that was saved before is replaced, for a package brought a new one. */
export const saveOriginal = (dkmsTree: string, name: string, kernel: Kernel, path: string): void => {
  const directory = originalsDirectory(dkmsTree, name, kernel);
  makeDirectory(directory);
  const saved = join(directory, basename(path));
  writeAtomic(originFile(saved), `${path}\n`);
  copyAtomic(path, saved, hashFile(path));
};

export interface SavedOriginal {
  /** The copy. */
  readonly saved: string;
  /** Where it came from; undefined if nobody wrote that down. */
  readonly origin?: string;
}

/** Saved in-tree modules of a module name on a kernel. */
export const savedOriginals = (dkmsTree: string, name: string, kernel: Kernel): SavedOriginal[] => {
  const directory = originalsDirectory(dkmsTree, name, kernel);
  return readDirectory(directory)
    .filter((file) => objectNameOf(file))
    .map((file) => {
      const saved = join(directory, file);
      const origin = readText(originFile(saved))?.trim();
      return origin ? { saved, origin } : { saved };
    });
};

/** Throw a saved copy away. */
export const forgetOriginal = (dkmsTree: string, name: string, original: SavedOriginal): void => {
  remove(original.saved);
  remove(originFile(original.saved));
  removeEmpty(join(original.saved, '..'), join(dkmsTree, name));
};
