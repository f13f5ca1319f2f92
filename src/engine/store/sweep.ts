import { join } from 'node:path';
import { keyOf } from '../key/key.ts';
import type { Settings } from '../settings.ts';
import { storeDirectory } from '../state/paths.ts';
import { readRecord, recordedEntries } from '../state/record.ts';
import { isDirectory } from '../system/files.ts';
import { dropArtifact, findArtifact, type StoredArtifact, storedArtifacts } from './artifacts.ts';

/** What goes out of the Store. */

/** Keys of what is built for kernels that are there: these stay, for they are what a machine goes back to. */
export const keptKeys = ({ stateDir, installTree }: Settings): ReadonlySet<string> => {
  const here = recordedEntries(stateDir).filter(({ kernel }) => isDirectory(join(installTree, kernel.release)));
  const parts = here.map(({ module, kernel }) => readRecord(stateDir, module, kernel).build?.parts);
  return new Set(parts.flatMap((one) => (one ? [keyOf(one)] : [])));
};

const sweep = (stateDir: string, limit: number, kept: ReadonlySet<string>): StoredArtifact[] => {
  const stored = storedArtifacts(stateDir);
  let bytes = stored.reduce((sum, one) => sum + one.bytes, 0);
  const gone: StoredArtifact[] = [];
  for (const one of stored.filter(({ key }) => !kept.has(key))) {
    if (bytes <= limit) break;
    dropArtifact(stateDir, one.name, one.key);
    bytes -= one.bytes;
    gone.push(one);
  }
  return gone;
};

/**
 * Take out what was unused for the longest time, until the Store is no larger than it may be; never what is built for a
 * kernel that is there.
 *
 * @returns what went
 */
export const sweepStore = (settings: Settings): StoredArtifact[] => {
  const { stateDir, storeSize } = settings;
  return isDirectory(storeDirectory(stateDir)) ? sweep(stateDir, storeSize, keptKeys(settings)) : [];
};

/**
 * Look at every byte of the Store; what is damaged is dropped.
 *
 * @returns what went
 */
export const verifyStore = (stateDir: string): StoredArtifact[] => {
  const damaged = storedArtifacts(stateDir).filter(({ name, key }) => findArtifact(stateDir, name, key) === undefined);
  // What others may have written was left as it is.
  for (const { name, key } of damaged) dropArtifact(stateDir, name, key);
  return damaged;
};
