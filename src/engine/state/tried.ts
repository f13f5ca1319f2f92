import { join } from 'node:path';
import type { Failure } from '../errors.ts';
import type { Kernel, Module } from '../request.ts';
import { readDirectory, readText } from '../system/files.ts';
import { isCleanName } from '../system/names.ts';
import { remove, removeEmpty, writeAtomic } from '../system/publish.ts';
import { triedDirectory } from './paths.ts';

/** What the last trial found for kernels that are not installed yet: a file for each. */

/** One Module on one of them. */
export interface TriedModule {
  readonly module: Module;
  readonly kernel: Kernel;
  /** Why it will not build; missing where it is ready. */
  readonly failure?: Failure;
}

/** What is known of one Kernel. */
export interface Tried {
  /** ISO 8601. */
  readonly at: string;
  readonly modules: readonly TriedModule[];
}

const fileOf = (stateDir: string, release: string): string => join(triedDirectory(stateDir), `${release}.json`);

const isTried = (value: unknown): value is Tried =>
  value instanceof Object &&
  'at' in value &&
  typeof value.at === 'string' &&
  'modules' in value &&
  Array.isArray(value.modules);

const parse = (text: string): Tried | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    return isTried(value) ? value : undefined;
  } catch {
    return undefined;
  }
};

/** Releases that were tried. */
export const triedReleases = (stateDir: string): string[] =>
  readDirectory(triedDirectory(stateDir)).flatMap((name) =>
    name.endsWith('.json') && isCleanName(name) ? [name.slice(0, -'.json'.length)] : [],
  );

/** What a trial found for a release; undefined if nothing is remembered, or it cannot be read. */
export const readTried = (stateDir: string, release: string): Tried | undefined =>
  parse(readText(fileOf(stateDir, release)) ?? '');

/** Remember it, in place of what was remembered of these Modules there. */
export const writeTried = (stateDir: string, release: string, { at, modules }: Tried): void => {
  const names = new Set(modules.map(({ module }) => module.name));
  const others = readTried(stateDir, release)?.modules.filter(({ module }) => !names.has(module.name)) ?? [];
  writeAtomic(fileOf(stateDir, release), `${JSON.stringify({ at, modules: [...others, ...modules] })}\n`);
};

/** A kernel that was installed meanwhile has states of its own. */
export const forgetTried = (stateDir: string, release: string): void => {
  remove(fileOf(stateDir, release));
  removeEmpty(triedDirectory(stateDir), stateDir);
};
