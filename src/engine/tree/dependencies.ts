import { join } from 'node:path';
import { exportsOf } from '../kernel/symvers.ts';
import type { Kernel } from '../request.ts';
import type { Run } from '../run/run.ts';
import type { DependencyNow } from './fingerprint.ts';
import { builtDirectory, installedVersion } from './tree.ts';

/** What each dependency exports on this Kernel, by the version that is installed there. */
export const dependenciesNow = (run: Run, kernel: Kernel, names: readonly string[]): Map<string, DependencyNow> => {
  const { dkmsTree } = run.settings;
  const now = new Map<string, DependencyNow>();
  for (const name of names) {
    const version = installedVersion(dkmsTree, name, kernel);
    if (version === undefined) continue;
    const exported = exportsOf(join(builtDirectory(dkmsTree, { name, version }, kernel), 'module'));
    now.set(name, { version, exported });
  }
  return now;
};
