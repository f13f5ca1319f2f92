import { join, normalize } from 'node:path';
import { lookupIn } from './lookup.ts';

/** What one call of make is about: which Makefile, with which variables, for which goals. Pure. */

/** Where a build happens, as its commands name it. */
export interface BuildPlaces {
  /** Absolute paths of the build directory: the dkms tree's, by all its names. */
  readonly build: readonly string[];
  /** Absolute paths of the kernel's headers. */
  readonly headers: readonly string[];
}

/** A directory of a build: below the source (`''` is its top), the kernel's headers, or nobody knows. */
export type Directory = { readonly kind: 'source'; readonly path: string } | { readonly kind: 'kernel' | 'unknown' };

export interface MakeCall {
  readonly directory: Directory;
  /** Of -f; the usual names without it. */
  readonly file?: string;
  /** Where kbuild looks for the module: M= or SUBDIRS=. */
  readonly module?: Directory;
  readonly goals: readonly string[];
  readonly given: ReadonlyMap<string, string>;
  /** -j as it is said. */
  readonly jobs?: string;
}

/** Whether a word starts make. */
export const isMake = (word: string): boolean => /^(?:\S*\/)?g?make$|^\$[({]MAKE[)}]$/.test(word);

const here =
  /^(?:\$\(shell\s+pwd\s*\)|\$\(pwd\)|`pwd`|\$\{?PWD\}?|\$\(PWD\)|\$\(CURDIR\)|\$\(?src\)?|\$\(?obj\)?)(?=\/|$)/;

/** Where a word leads from a directory. */
export const directoryOf = (word: string, from: Directory, places: BuildPlaces): Directory => {
  const text = word.replace(here, '.').replace(/\/+$/, '') || word;
  const isBelow = (path: string): boolean => text === path || text.startsWith(`${path}/`);
  if (places.headers.some(isBelow) || /^\/(?:usr\/)?lib\/modules\//.test(text) || lookupIn(text) !== undefined)
    return { kind: 'kernel' };
  const own = places.build.find(isBelow);
  if (own !== undefined) return { kind: 'source', path: normalize(`.${text.slice(own.length)}`).replace(/^\.$/, '') };
  if (text.startsWith('/') || /[$`]/.test(text) || from.kind !== 'source') return { kind: 'unknown' };
  const path = normalize(join(from.path || '.', text)).replace(/^\.$/, '');
  return path.startsWith('..') ? { kind: 'unknown' } : { kind: 'source', path };
};

const assignment = /^([A-Za-z_][\w.-]*)\s*(?::?:?:|\+|\?)?=([\s\S]*)$/;

/** Options of make that take the next word. Source: make(1). */
const withValue = new Set(['-C', '-f', '-I', '-o', '-W', '--directory', '--file', '--makefile', '--eval']);

interface Said {
  readonly options: Map<string, string>;
  readonly rest: string[];
}

const optionsIn = (words: readonly string[]): Said => {
  const [options, rest] = [new Map<string, string>(), [] as string[]];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? '';
    const [, long, value] = /^(--[a-z-]+)=(.*)$/.exec(word) ?? [];
    const [, short, joined] = /^(-[CfIoW])(.+)$/.exec(word) ?? [];
    const [, jobs] = /^(?:-\w*j|--jobs)(.*)$/.exec(word) ?? [];
    if (withValue.has(word)) options.set(word, words[++i] ?? '');
    else if (short !== undefined) options.set(short, joined ?? '');
    else if (jobs !== undefined) {
      const hasNumber = jobs === '' && /^(?:\d+|[$`].*)$/.test(words[i + 1] ?? '');
      options.set('-j', hasNumber ? `${word} ${words[++i]}` : word);
    } else if (long !== undefined) options.set(long, value ?? '');
    else if (!word.startsWith('-')) rest.push(word);
  }
  return { options, rest };
};

/**
 * Read the words of a call.
 *
 * @param words all after make itself
 * @param from where it is started
 */
export const makeCallOf = (words: readonly string[], from: Directory, places: BuildPlaces): MakeCall => {
  const { options, rest } = optionsIn(words);
  const given = new Map<string, string>();
  for (const word of rest) {
    const [, name, value = ''] = assignment.exec(word) ?? [];
    if (name !== undefined) given.set(name, value);
  }
  const to = options.get('-C') ?? options.get('--directory');
  const file = options.get('-f') ?? options.get('--file') ?? options.get('--makefile');
  const module = given.get('M') ?? given.get('SUBDIRS');
  const jobs = options.get('-j');
  return {
    directory: to === undefined ? from : directoryOf(to, from, places),
    goals: rest.filter((word) => !assignment.test(word)),
    given,
    ...(file === undefined ? {} : { file }),
    ...(module === undefined ? {} : { module: directoryOf(module, from, places) }),
    ...(jobs === undefined ? {} : { jobs }),
  };
};
