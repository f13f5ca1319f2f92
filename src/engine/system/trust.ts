import { join } from 'node:path';
import type { Failure } from '../errors.ts';
import { stat } from './files.ts';

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

/** Why a source that nobody registered must not be read as root; undefined if it may be. */
export const distrustedSource = (directory: string): Failure | undefined =>
  distrustedConf(join(directory, 'dkms.conf')) ?? distrustedDirectory(directory);
