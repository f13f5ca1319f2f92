import { join } from 'node:path';
import { exportsOf } from '../kernel/symvers.ts';
import type { Kernel } from '../request.ts';
import type { Run } from '../run/run.ts';
import { readRecord } from '../state/record.ts';
import type { DependencyNow } from './fingerprint.ts';
import { builtDirectory, installedVersion } from './tree.ts';

/** What each dependency exports on this Kernel, by the version that is installed there. */
export const dependenciesNow = (run: Run, kernel: Kernel, names: readonly string[]): Map<string, DependencyNow> => {
  const { dkmsTree, stateDir } = run.settings;
  const now = new Map<string, DependencyNow>();
  for (const name of names) {
    const version = installedVersion(dkmsTree, name, kernel);
    if (version === undefined) continue;
    const exported = exportsOf(join(builtDirectory(dkmsTree, { name, version }, kernel), 'module'));
    const result = readRecord(stateDir, { name, version }, kernel).build?.result;
    now.set(name, { version, exported, ...(result === undefined ? {} : { result }) });
  }
  return now;
};
