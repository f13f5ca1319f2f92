import { createHash, randomBytes } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import fs from 'fs-extra';

/**
 * Files: everything that must survive a kill -9 or a full disk is written beside its target,
 * checked, fsynced and renamed. Nothing here overwrites in place.
 */

export interface FileFacts {
  readonly kind: 'file' | 'directory' | 'link' | 'other';
  readonly size: number;
  readonly mtimeMs: number;
  /** Permission bits only. */
  readonly mode: number;
  readonly inode: number;
}

const missing = new Set(['ENOENT', 'ENOTDIR']);

/** The errno name of a system error (`ENOSPC`), undefined for anything else. */
export const errnoOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;

const orUndefined = <T>(look: () => T): T | undefined => {
  try {
    return look();
  } catch (error) {
    if (missing.has(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
};

const factsOf = (stats: fs.Stats): FileFacts => ({
  kind: stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : stats.isSymbolicLink() ? 'link' : 'other',
  size: stats.size,
  mtimeMs: stats.mtimeMs,
  mode: stats.mode & 0o7777,
  inode: stats.ino,
});

/** Facts about what a path leads to; undefined if there is nothing (also for a link to nothing). */
export const look = (path: string): FileFacts | undefined => orUndefined(() => factsOf(fs.statSync(path)));

/** Facts about the path itself, a link not followed. */
export const lookAtLink = (path: string): FileFacts | undefined => orUndefined(() => factsOf(fs.lstatSync(path)));

export const isDirectory = (path: string): boolean => look(path)?.kind === 'directory';
export const exists = (path: string): boolean => look(path) !== undefined;

/** The text of a file, undefined if there is none. */
export const readText = (path: string): string | undefined => orUndefined(() => fs.readFileSync(path, 'utf8'));

/** The target text of a symbolic link, undefined if the path is none. */
export const readLink = (path: string): string | undefined => {
  try {
    return fs.readlinkSync(path);
  } catch (error) {
    if (errnoOf(error) === 'EINVAL' || missing.has(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
};

/** The path with all links resolved, undefined if it leads nowhere. */
export const realPath = (path: string): string | undefined => orUndefined(() => fs.realpathSync(path));

/** The names in a directory in byte order (as a shell glob in the C locale), none if it is missing. */
export const list = (path: string): string[] => (orUndefined(() => fs.readdirSync(path)) ?? []).sort(byBytes);

/** C order of text: by bytes, not by language. */
export const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** Every regular file and link below a directory, as paths relative to it, in byte order. */
export const walk = (directory: string): string[] => {
  const found: string[] = [];
  const visit = (relative: string): void => {
    const entries = orUndefined(() => fs.readdirSync(join(directory, relative), { withFileTypes: true })) ?? [];
    for (const entry of entries) {
      const path = relative ? `${relative}/${entry.name}` : entry.name;
      if (entry.isDirectory()) visit(path);
      else found.push(path);
    }
  };
  visit('');
  return found.sort(byBytes);
};

/** SHA-256 of a file's bytes in hex; the file is read in pieces, so its size does not matter. */
export const hashFile = (path: string): string => {
  const hash = createHash('sha256');
  const piece = Buffer.allocUnsafe(1 << 20);
  const fd = fs.openSync(path, 'r');
  try {
    const read = (): number => fs.readSync(fd, piece, 0, piece.length, null);
    for (let n = read(); n > 0; n = read()) hash.update(piece.subarray(0, n));
  } finally {
    fs.closeSync(fd);
  }
  return hash.digest('hex');
};

/** SHA-256 of text in hex. */
export const hashText = (...parts: readonly string[]): string => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('hex');
};

/** Make a directory and all above it. One at a time: Node's own way says ENOENT of a read-only file system. */
export const makeDirectory = (path: string, mode = 0o755): void => {
  if (isDirectory(path)) return;
  if (dirname(path) !== path) makeDirectory(dirname(path), mode);
  try {
    fs.mkdirSync(path, mode);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST' || !isDirectory(path)) throw error;
  }
};

/** A new directory below `parent` with a name of its own that starts with `prefix`; private unless a mode is given. */
export const makeTemporary = (parent: string, prefix: string, mode = 0o700): string => {
  makeDirectory(parent);
  const path = fs.mkdtempSync(join(parent, prefix));
  fs.chmodSync(path, mode);
  return path;
};

/** Remove a file or a whole directory; no error if it is not there. */
export const remove = (path: string): void => fs.removeSync(path);

/** Remove directories from `path` upward while they are empty; never `stop` itself nor anything above it. */
export const removeEmpty = (path: string, stop: string): void => {
  for (let directory = path; directory.startsWith(`${stop}/`); directory = dirname(directory)) {
    try {
      fs.rmdirSync(directory);
    } catch (error) {
      if (!missing.has(errnoOf(error) ?? '')) return;
    }
  }
};

/** Device and inode: the same text for two paths that lead to the same thing; undefined if one may not look. */
export const identityOf = (path: string): string | undefined => {
  try {
    const stats = fs.statSync(path);
    return `${stats.dev}:${stats.ino}`;
  } catch {
    return undefined;
  }
};

export const chmod = (path: string, mode: number): void => fs.chmodSync(path, mode);

export const rename = (from: string, to: string): void => fs.renameSync(from, to);

/** Make a file's bytes, or a directory's entries (renames in it), durable. */
export const syncPath = (path: string): void => {
  const fd = fs.openSync(path, 'r');
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
};

/** Remove what a killed run left half written below a directory, to a depth of so many levels. */
export const sweepTemporary = (directory: string, depth: number): void => {
  const entries = orUndefined(() => fs.readdirSync(directory, { withFileTypes: true })) ?? [];
  for (const entry of entries) {
    const path = join(directory, entry.name);
    if (isTemporary(entry.name)) fs.removeSync(path);
    else if (entry.isDirectory() && depth > 0) sweepTemporary(path, depth - 1);
  }
};

/** Whether a name in a directory is one of our temporary files, left by a killed run. */
export const isTemporary = (name: string): boolean => name.startsWith('.tmp_');

const besides = (target: string): string =>
  join(dirname(target), `.tmp_${basename(target)}.${randomBytes(6).toString('hex')}`);

/** Fill a temporary file beside the target, make it durable, then rename it over the target. */
const publishWith = (target: string, fill: (temporary: string) => void): void => {
  makeDirectory(dirname(target));
  const temporary = besides(target);
  try {
    fill(temporary);
    if (lookAtLink(temporary)?.kind === 'file') syncPath(temporary);
    fs.renameSync(temporary, target);
  } catch (error) {
    fs.removeSync(temporary);
    // A write that failed does not say where.
    if (error instanceof Error && !('path' in error)) Object.assign(error, { path: target });
    throw error;
  }
  syncPath(dirname(target));
};

/** Put text at a path: there is the old file or the whole new one, never a part. */
export const publishText = (target: string, text: string, mode = 0o644): void =>
  publishWith(target, (temporary) => fs.writeFileSync(temporary, text, { mode, flag: 'wx' }));

/** Put a copy of a file at a path (mode 0644); the copy is compared with `hash` (SHA-256) before it is published. */
export const publishCopy = (source: string, target: string, hash: string): void =>
  publishWith(target, (temporary) => {
    fs.copyFileSync(source, temporary, fs.constants.COPYFILE_EXCL | fs.constants.COPYFILE_FICLONE);
    fs.chmodSync(temporary, 0o644);
    if (hashFile(temporary) !== hash) throw new Error(`${source} changed while it was copied to ${target}`);
  });

/** Make or replace a symbolic link in one step. */
export const relink = (target: string, path: string): void =>
  publishWith(path, (temporary) => fs.symlinkSync(target, temporary));

export const copyFile = (from: string, to: string): void => {
  makeDirectory(dirname(to));
  fs.copyFileSync(from, to);
};

export const writeText = (path: string, text: string, mode = 0o644): void => {
  makeDirectory(dirname(path));
  fs.writeFileSync(path, text, { mode });
};

/** Whether this process may create and remove entries in a directory (or in the nearest parent that exists). */
export const isWritable = (path: string): boolean => {
  for (let directory = path; ; directory = dirname(directory)) {
    try {
      fs.accessSync(directory, fs.constants.W_OK | fs.constants.X_OK);
      return true;
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT' || directory === dirname(directory)) return false;
    }
  }
};

export const isExecutable = (path: string): boolean => {
  try {
    fs.accessSync(path, fs.constants.X_OK);
    return fs.statSync(path).isFile();
  } catch {
    return false;
  }
};
