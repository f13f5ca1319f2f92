import { dirname, join } from 'node:path';
import type { Failure } from '../errors.ts';
import { lstat, realPath, stat } from './files.ts';

/**
 * Which files we trust: what is read or run as root must not be writable by everybody. A file that its group may
 * write is told of, for people do share trees in a group.
 */

const modeOf = (path: string): number => stat(path)?.mode ?? 0;

/** Whether everybody may write what a path leads to; no for what is not there. */
export const isWorldWritable = (path: string): boolean => (modeOf(path) & 0o002) !== 0;

/** Whether the group may write what a path leads to; no for what is not there. */
export const isGroupWritable = (path: string): boolean => (modeOf(path) & 0o020) !== 0;

/** Why a file of settings or a dkms.conf must not be read as root; undefined if it may be. */
export const distrustedConf = (path: string): Failure | undefined =>
  isWorldWritable(path) ? { kind: 'conf-unsafe', at: path } : undefined;

/** Why a source directory must not be built as root; undefined if it may be. */
export const distrustedDirectory = (directory: string): Failure | undefined =>
  isWorldWritable(directory) ? { kind: 'source-unsafe', at: directory } : undefined;

const isOurs = (uid: number): boolean => uid === 0 || uid === process.getuid?.();

/** In a directory such as /tmp everybody makes names, and only their owner takes them away again. */
const mayBeMadeByAnybody = (path: string): boolean => {
  const parent = stat(dirname(path));
  if (!parent || (parent.mode & 0o002) === 0) return false;
  const made = lstat(path);
  return (parent.mode & 0o1000) === 0 || !made || !isOurs(made.uid);
};

const wayTo = (path: string): string[] => (dirname(path) === path ? [] : [...wayTo(dirname(path)), path]);

/**
 * Whether what stands at an absolute path may have been put there by anybody: root named it once, and where it is gone
 * others may make it anew. What is not there counts as theirs.
 */
export const mayBeAnybodys = (path: string): boolean => {
  const real = realPath(path);
  return real === undefined || isWorldWritable(real) || [...wayTo(path), ...wayTo(real)].some(mayBeMadeByAnybody);
};

/** Why a source that nobody registered must not be read as root; undefined if it may be. */
export const distrustedSource = (directory: string): Failure | undefined =>
  distrustedConf(join(directory, 'dkms.conf')) ?? distrustedDirectory(directory);
