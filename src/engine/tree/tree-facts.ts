import { join } from 'node:path';
import { hashText, isDirectory, lstat, readLink, walk } from '../system/files.ts';

/** What stands below a directory, to see whether it is still the same. */

/** Path to size, time, mode and target of every file below a directory; undefined for what is no directory. */
export type TreeFacts = ReadonlyMap<string, string> | undefined;

/** Look at a directory. */
export const treeFacts = (directory: string): TreeFacts => {
  if (!isDirectory(directory)) return undefined;
  return new Map(
    walk(directory).map((path) => {
      const facts = lstat(join(directory, path));
      const target = facts?.kind === 'link' ? readLink(join(directory, path)) : '';
      return [path, [path, facts?.size, facts?.mtimeMs, facts?.mode, target].join('\0')];
    }),
  );
};

/** One text for all of them, less some paths; empty for what is no directory. */
export const factsHash = (facts: TreeFacts, except: readonly string[] = []): string => {
  if (!facts) return '';
  const left = except.length > 0 ? [...facts].filter(([path]) => !except.includes(path)) : [...facts];
  return hashText(...left.map(([, line]) => line));
};

/** Path, size, time and mode of every file below a directory, as one text. */
export const treeHash = (directory: string): string => factsHash(treeFacts(directory));

/** Paths that are new, gone or not the same. */
export const changedPaths = (before: TreeFacts, now: TreeFacts): string[] =>
  [...new Set([...(before?.keys() ?? []), ...(now?.keys() ?? [])])].filter(
    (path) => before?.get(path) !== now?.get(path),
  );
