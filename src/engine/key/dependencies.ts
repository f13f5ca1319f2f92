import { join } from 'node:path';
import { type Exports, exportsIdentity, exportsOf } from '../kernel/symvers.ts';
import type { Kernel } from '../request.ts';
import type { Run } from '../run/run.ts';
import { type BuildRecord, readRecord, type UsedSymbols } from '../state/record.ts';
import { builtDirectory, installedVersion } from '../tree/tree.ts';
import { keyOf } from './key.ts';

/** What a build takes from the Modules that it needs. */

/** What is there of a dependency now. */
export interface DependencyNow {
  readonly version: string;
  readonly exported: Exports;
  /** As in its own record. */
  readonly result?: string;
  /** Of its build; unknown of what dkms built. */
  readonly key?: string;
}

/** What each dependency exports on this Kernel, by the version that is installed there. */
export const dependenciesNow = (
  { settings: { dkmsTree, stateDir } }: Pick<Run, 'settings'>,
  kernel: Kernel,
  names: readonly string[],
): Map<string, DependencyNow> => {
  const now = new Map<string, DependencyNow>();
  for (const name of names) {
    const version = installedVersion(dkmsTree, name, kernel);
    if (version === undefined) continue;
    const exported = exportsOf(join(builtDirectory(dkmsTree, { name, version }, kernel), 'module'));
    const { result, parts, adopted } = readRecord(stateDir, { name, version }, kernel).build ?? {};
    const key = parts && !adopted ? keyOf(parts) : undefined;
    now.set(name, {
      version,
      exported,
      ...(result === undefined ? {} : { result }),
      ...(key === undefined ? {} : { key }),
    });
  }
  return now;
};

/**
 * Each dependency as a part of a Key: the names and CRCs of what it exports. Where the kernel has no MODVERSIONS these
 * say nothing of what a function takes or a structure holds: there it is its own Key.
 */
export const dependencyParts = (
  now: ReadonlyMap<string, DependencyNow>,
  hasModversions: boolean,
): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [...now].map(([name, { version, exported, result, key }]) => [
      name,
      hasModversions ? exportsIdentity(exported) : (key ?? `${version} ${result ?? exportsIdentity(exported)}`),
    ]),
  );

/** Symbols of one dependency that the objects use, to be remembered with the build. */
export const usedSymbols = (
  { version, exported, result }: DependencyNow,
  imports: ReadonlyMap<string, string>,
): UsedSymbols => ({
  version,
  crcs: Object.fromEntries([...imports].filter(([symbol]) => exported.has(symbol))),
  identity: exportsIdentity(exported),
  ...(result === undefined ? {} : { result }),
});

const hasCrcs = (used: UsedSymbols): boolean => Object.values(used.crcs).some((crc) => !/^0x0+$/.test(crc));

/** Names say nothing of what a function takes or a structure holds: only the same build again is the same. */
const differsWithoutCrcs = (used: UsedSymbols, current: DependencyNow): boolean =>
  current.version !== used.version ||
  current.result !== used.result ||
  exportsIdentity(current.exported) !== used.identity;

/**
 * Dependencies whose symbols, as far as they were used, are not what they were at build time. Where the
 * kernel has no MODVERSIONS any build of a dependency with another result counts.
 */
export const changedDependencies = (
  build: BuildRecord,
  now: ReadonlyMap<string, DependencyNow>,
  options: { readonly hasModversions: boolean; readonly onVersion: boolean },
): string[] =>
  Object.entries(build.dependencies)
    .filter(([name, used]) => {
      const current = now.get(name);
      if (!current) return false;
      if (options.onVersion && current.version !== used.version) return true;
      if (!options.hasModversions || (!hasCrcs(used) && Object.keys(used.crcs).length > 0)) {
        return differsWithoutCrcs(used, current);
      }
      return Object.entries(used.crcs).some(([symbol, crc]) => current.exported.get(symbol) !== crc);
    })
    .map(([name]) => name);
