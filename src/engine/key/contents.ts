import { basename, join } from 'node:path';
import type { Memory } from '../run/run.ts';
import { contentsDirectory } from '../state/paths.ts';
import { hashFile, hashText, isDirectory, readBytes, readDirectory, readText, stat } from '../system/files.ts';
import { lookOr } from '../system/look.ts';
import { remove, writeAtomic } from '../system/publish.ts';
import type { PathFacts } from '../tree/tree-facts.ts';

/**
 * What stands in the files of some directories, as one hash. Files are read when one of them has changed; as long as
 * sizes, times and modes are the same, what was read then counts.
 */

/** Part of what is hashed. */
export interface Place {
  /** What its paths begin with in a manifest; empty for a source, whose paths are its own. */
  readonly label: string;
  /** Absolute path of the directory. */
  readonly at: string;
  readonly facts: ReadonlyMap<string, PathFacts>;
}

/** Empty for what cannot be a conf or be read: reading a directory fails, and reading a FIFO never ends. */
export const confText = (file: string): string =>
  lookOr(
    () => (stat(file)?.kind === 'file' ? (readText(file) ?? '') : ''),
    () => '',
  );

/** One file that cannot be read is told when it is copied or compiled. */
const hashOrWhy = (path: string): string =>
  lookOr(
    () => hashFile(path),
    ({ kind }) => `unreadable ${kind}`,
  );

/** What could not be read is no fact of the file: it is tried again at the next look. */
const isWhole = (text: string): boolean => !text.includes('\tunreadable ');

const whatStands = (path: string, { kind, isExecutable, target }: PathFacts): string => {
  if (kind === 'link') return `-> ${target}`;
  if (kind === 'other') return 'special';
  return `${hashOrWhy(path)}${isExecutable ? ' x' : ''}`;
};

/** A line for each path, in the order of the facts: the path, a tab, what stands there. */
const manifestText = (places: readonly Place[]): string =>
  places
    .flatMap(({ label, at, facts }) =>
      [...facts].map(([path, one]) => `${JSON.stringify(label + path)}\t${whatStands(join(at, path), one)}\n`),
    )
    .join('');

const pathOf = (line: string): string => {
  const path: unknown = JSON.parse(line.slice(0, line.indexOf('\t')));
  return typeof path === 'string' ? path : '';
};

const without = (text: string, paths: readonly string[]): string =>
  text
    .split('\n')
    .filter((line) => line !== '' && !paths.includes(pathOf(line)))
    .map((line) => `${line}\n`)
    .join('');

const manifestFile = (stateDir: string, hash: string): string => join(contentsDirectory(stateDir), `${hash}.gz`);

/** What is remembered of the places that a manifest was made from. */
interface Memo {
  /** Hash of the facts that were true then. */
  readonly facts: string;
  /** Of the manifest. */
  readonly hash: string;
  /** Absolute paths. */
  readonly places: readonly string[];
}

const isMemo = (value: unknown): value is Memo =>
  value instanceof Object &&
  'facts' in value &&
  typeof value.facts === 'string' &&
  'hash' in value &&
  typeof value.hash === 'string' &&
  'places' in value &&
  Array.isArray(value.places);

const memoFile = (stateDir: string, places: readonly Place[]): string =>
  join(contentsDirectory(stateDir), `${hashText(...places.flatMap(({ label, at }) => [label, at])).slice(0, 32)}.json`);

const readMemo = (file: string): Memo | undefined => {
  try {
    const value: unknown = JSON.parse(readText(file) ?? 'null');
    return isMemo(value) ? value : undefined;
  } catch {
    return undefined;
  }
};

const factsOf = (places: readonly Place[]): string =>
  hashText(
    ...places.flatMap(({ label, facts }) => [label, ...[...facts].map(([, one]) => `${one.line}\0${one.changedMs}`)]),
  );

const zlib = () => process.getBuiltinModule('node:zlib');

const readManifest = (stateDir: string, hash: string): string | undefined => {
  try {
    const text = zlib()
      .gunzipSync(readBytes(manifestFile(stateDir, hash)))
      .toString();
    return hashText(text) === hash ? text : undefined;
  } catch {
    return undefined;
  }
};

/** Where it cannot be written it is made again the next time. */
const keep = ({ stateDir, writes }: Memory, text: string): string => {
  const hash = hashText(text);
  if (!writes) return hash;
  lookOr(
    () => {
      if (stat(manifestFile(stateDir, hash))) return;
      writeAtomic(manifestFile(stateDir, hash), zlib().gzipSync(text, { level: 1 }));
    },
    () => undefined,
  );
  return hash;
};

const remember = (file: string, memo: Memo): void =>
  lookOr(
    () => writeAtomic(file, `${JSON.stringify(memo)}\n`),
    () => undefined,
  );

/** Path to what stands there. */
export type Manifest = ReadonlyMap<string, string>;

const parsed = (text: string): Manifest =>
  new Map(
    text
      .split('\n')
      .filter(Boolean)
      .map((line) => [pathOf(line), line.slice(line.indexOf('\t') + 1)]),
  );

/** What stands in some places. */
export interface Contents {
  /** SHA-256 over all paths and what stands there, less some of the paths. */
  readonly hashWithout: (paths: readonly string[]) => string;
  readonly manifest: () => Manifest;
}

/** Look at what stands in some places, read anew only where something has changed. */
export const contentsOf = (memory: Memory, places: readonly Place[]): Contents => {
  const { stateDir, writes } = memory;
  const file = memoFile(stateDir, places);
  const facts = factsOf(places);
  const known = readMemo(file);
  const make = (): string => {
    const text = manifestText(places);
    const hash = keep(memory, text);
    if (writes && isWhole(text)) remember(file, { facts, hash, places: places.map(({ at }) => at) });
    return text;
  };
  const all = known?.facts === facts ? known.hash : hashText(make());
  const text = (): string => readManifest(stateDir, all) ?? make();
  return {
    hashWithout: (paths) => (paths.length === 0 ? all : keep(memory, without(text(), paths))),
    manifest: () => parsed(text()),
  };
};

/** What stands for the hash of no files. */
const noContents = 'none';

/** The same of a few places that are read each time. */
export const smallContents = (memory: Memory, places: readonly Place[]): Contents => {
  const text = manifestText(places);
  return {
    hashWithout: (paths) => (text === '' ? noContents : keep(memory, without(text, paths))),
    manifest: () => parsed(text),
  };
};

/** What stood there, of a hash that was made before; undefined where that is not known any more. */
export const manifestOf = (stateDir: string, hash: string): Manifest | undefined => {
  const text = hash === noContents ? '' : readManifest(stateDir, hash);
  return text === undefined ? undefined : parsed(text);
};

/** A memo of places none of which is there any more. Absolute paths. */
export const memosOfGone = (stateDir: string): { readonly path: string; readonly places: readonly string[] }[] =>
  readDirectory(contentsDirectory(stateDir))
    .filter((name) => name.endsWith('.json'))
    .map((name) => join(contentsDirectory(stateDir), name))
    .map((path) => ({ path, places: readMemo(path)?.places ?? [] }))
    .filter(({ places }) => places.length > 0 && !places.some(isDirectory));

/**
 * Forget what stood in places that are gone, and in others what nothing was built from.
 *
 * @param kept hashes that something was built from
 */
export const forgetContents = (stateDir: string, kept: ReadonlySet<string>): void => {
  const directory = contentsDirectory(stateDir);
  const files = readDirectory(directory).map((name) => join(directory, name));
  const stay = new Set(kept);
  for (const file of files.filter((path) => path.endsWith('.json'))) {
    const memo = readMemo(file);
    if (memo?.places.some(isDirectory)) stay.add(memo.hash);
    else remove(file);
  }
  for (const file of files.filter((path) => !path.endsWith('.json'))) {
    if (!stay.has(basename(file, '.gz'))) remove(file);
  }
};
