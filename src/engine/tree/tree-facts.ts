import { join } from 'node:path';
import { type FileFacts, hashText, isDirectory, lstat, readLink, walk } from '../system/files.ts';

/** What stands below a directory, to see whether it is still the same. */

/** One path below a directory. */
export interface PathFacts {
  readonly kind: 'file' | 'link' | 'other';
  readonly isExecutable: boolean;
  /** Where a link leads. */
  readonly target: string;
  /** Path, size, time, mode and target in one text. */
  readonly line: string;
  /** Bytes. */
  readonly size: number;
  /** When the inode changed, in ms. */
  readonly changedMs: number;
}

/** Every path below a directory that is none itself; undefined for what is no directory. */
export type TreeFacts = ReadonlyMap<string, PathFacts> | undefined;

/** Facts of a path, by what was found there. */
export const pathFacts = (path: string, facts: FileFacts | undefined, target = ''): PathFacts => ({
  kind: facts?.kind === 'file' || facts?.kind === 'link' ? facts.kind : 'other',
  isExecutable: ((facts?.mode ?? 0) & 0o111) !== 0,
  target,
  line: [path, facts?.size, facts?.mtimeMs, facts?.mode, target].join('\0'),
  size: facts?.size ?? 0,
  changedMs: facts?.ctimeMs ?? 0,
});

/** Look at a directory. */
export const treeFacts = (directory: string): TreeFacts => {
  if (!isDirectory(directory)) return undefined;
  return new Map(
    walk(directory).map((path) => {
      const facts = lstat(join(directory, path));
      const target = facts?.kind === 'link' ? readLink(join(directory, path)) : '';
      return [path, pathFacts(path, facts, target)];
    }),
  );
};

/** One text for all of them, less some paths; empty for what is no directory. */
export const factsHash = (facts: TreeFacts, except: readonly string[] = []): string => {
  if (!facts) return '';
  const left = except.length > 0 ? [...facts].filter(([path]) => !except.includes(path)) : [...facts];
  return hashText(...left.map(([, { line }]) => line));
};

/** Path, size, time and mode of every file below a directory, as one text. */
export const treeHash = (directory: string): string => factsHash(treeFacts(directory));

/** Paths that are new, gone or not the same. */
export const changedPaths = (before: TreeFacts, now: TreeFacts): string[] =>
  [...new Set([...(before?.keys() ?? []), ...(now?.keys() ?? [])])].filter(
    (path) => before?.get(path)?.line !== now?.get(path)?.line,
  );
