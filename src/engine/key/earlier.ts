import { join } from 'node:path';
import { identityMark } from '../kernel/compiler.ts';
import type { KernelFacts } from '../kernel/kernel.ts';
import { exportsIdentity } from '../kernel/symvers.ts';
import type { Module } from '../request.ts';
import type { EarlierParts } from '../state/record.ts';
import { hashFile, hashText, stat } from '../system/files.ts';
import { treeHash } from '../tree/tree-facts.ts';
import { confText } from './contents.ts';
import type { DependencyNow } from './dependencies.ts';

/**
 * What versions of ours before 0.2 remembered in place of a Key: hashes of sizes and times, and of three files of the
 * headers. Their records are compared by it once and taken over, so that an upgrade of ours builds nothing.
 */

const hashOfFiles = (headers: string, files: readonly string[]): string =>
  hashText(
    ...files.map((file) => join(headers, file)).map((path) => (stat(path)?.kind === 'file' ? hashFile(path) : '-')),
  );

const headersHash = ({ headers }: KernelFacts): string =>
  headers ? hashOfFiles(headers, ['Module.symvers', 'include/config/auto.conf', 'include/generated/utsrelease.h']) : '';

/** Options, and the number and time of the build, where there are no CRCs that would show a change. */
const generatedHash = ({ headers, config }: KernelFacts): string => {
  if (!headers || config.has('CONFIG_MODVERSIONS')) return '';
  const names = ['autoconf.h', 'compile.h', 'utsversion.h'];
  return hashOfFiles(
    headers,
    names.map((file) => join('include/generated', file)),
  );
};

/**
 * @param sources factsHash of the source directory
 * @param confFiles dkms.conf and its overrides for this kernel, in order
 * @param localDirectory /etc/dkms/<name>: local patches and scripts
 * @param compiler its identity, without what is said of it
 */
export const earlierParts = (
  sources: string,
  confFiles: readonly string[],
  localDirectory: string,
  facts: KernelFacts,
  compiler: string,
): EarlierParts => {
  const generated = generatedHash(facts);
  return {
    sources,
    conf: hashText(...confFiles.flatMap((file) => [file, confText(file)]), treeHash(localDirectory)),
    headers: headersHash(facts),
    compiler,
    ...(generated === '' ? {} : { generated }),
  };
};

const names = ['sources', 'conf', 'headers', 'compiler'] as const;

/** The first versions knew the compiler by its file. */
const isComparable = ({ compiler }: EarlierParts): boolean => compiler === '' || compiler.startsWith(identityMark);

const isGeneratedAnew = (before: EarlierParts, now: EarlierParts): boolean =>
  before.generated !== undefined && now.generated !== undefined && before.generated !== now.generated;

/** Names of the parts that differ. Without headers nothing can be said about these, so they do not count. */
export const changedEarlier = (before: EarlierParts, now: EarlierParts): string[] => {
  const changed = names.filter(
    (part) => before[part] !== now[part] && now[part] !== '' && (part !== 'compiler' || isComparable(before)),
  );
  return isGeneratedAnew(before, now) && !changed.includes('headers') ? [...changed, 'headers'] : changed;
};

/** What they remembered a failure under. */
export const earlierInputs = (
  module: Module,
  parts: EarlierParts,
  dependencies: ReadonlyMap<string, DependencyNow>,
): string =>
  hashText(
    module.name,
    module.version,
    ...names.map((part) => parts[part]),
    ...[...dependencies]
      .map(([name, { version, exported, result = '' }]) => `${name}/${version}:${exportsIdentity(exported)}${result}`)
      .sort(),
  );
