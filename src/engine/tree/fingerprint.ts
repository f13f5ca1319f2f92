import { identityMark } from '../kernel/compiler.ts';
import type { KernelFacts } from '../kernel/kernel.ts';
import { type Exports, exportsIdentity } from '../kernel/symvers.ts';
import type { Module } from '../request.ts';
import type { BuildRecord, Fingerprint, UsedSymbols } from '../state/record.ts';
import { hashText, readText, stat } from '../system/files.ts';
import { lookOr } from '../system/look.ts';
import { treeHash } from './tree-facts.ts';

/** What a build depends on, as hashes: a difference names what changed. */

/** Empty for what cannot be a conf or be read: reading a directory fails, and reading a FIFO never ends. */
const confText = (file: string): string =>
  lookOr(
    () => (stat(file)?.kind === 'file' ? (readText(file) ?? '') : ''),
    () => '',
  );

/**
 * @param sources treeHash of the source directory
 * @param confFiles dkms.conf's overrides for this kernel, in order
 * @param localDirectory /etc/dkms/<name>: local patches and scripts
 * @param compiler its identity
 */
export const fingerprintOf = (
  sources: string,
  confFiles: readonly string[],
  localDirectory: string,
  facts: KernelFacts,
  compiler: string,
): Fingerprint => ({
  sources,
  conf: hashText(...confFiles.flatMap((file) => [file, confText(file)]), treeHash(localDirectory)),
  headers: facts.headersHash,
  compiler,
  ...(facts.generatedHash === '' ? {} : { generated: facts.generatedHash }),
});

const parts = ['sources', 'conf', 'headers', 'compiler'] as const;

/** Earlier versions of ours knew the compiler by its file. */
const isComparable = ({ compiler }: Fingerprint): boolean => compiler === '' || compiler.startsWith(identityMark);

const isGeneratedAnew = (before: Fingerprint, now: Fingerprint): boolean =>
  before.generated !== undefined && now.generated !== undefined && before.generated !== now.generated;

/** Names of the parts that differ. Without headers nothing can be said about these, so they do not count. */
export const changedParts = (before: Fingerprint, now: Fingerprint): string[] => {
  const changed = parts.filter(
    (part) => before[part] !== now[part] && now[part] !== '' && (part !== 'compiler' || isComparable(before)),
  );
  return isGeneratedAnew(before, now) && !changed.includes('headers') ? [...changed, 'headers'] : changed;
};

const hasCrcs = (used: UsedSymbols): boolean => Object.values(used.crcs).some((crc) => !/^0x0+$/.test(crc));

/** What is there of a dependency now. */
export interface DependencyNow {
  readonly version: string;
  readonly exported: Exports;
  /** As in its own record. */
  readonly result?: string;
}

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

/** One text for all inputs of a build: a failure is remembered under it. */
export const inputsKey = (
  module: Module,
  fingerprint: Fingerprint,
  dependencies: ReadonlyMap<string, DependencyNow>,
): string =>
  hashText(
    module.name,
    module.version,
    ...parts.map((part) => fingerprint[part]),
    ...[...dependencies]
      .map(([name, { version, exported, result = '' }]) => `${name}/${version}:${exportsIdentity(exported)}${result}`)
      .sort(),
  );
