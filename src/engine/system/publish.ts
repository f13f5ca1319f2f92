import { randomBytes } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import fs from 'fs-extra';
import { entriesIn, errnoOf, hashFile, isDirectory, isMissing, lstat } from './files.ts';

/**
 * Changes to files: everything that must survive a kill -9 or a full disk is written beside its target,
 * checked, fsynced and renamed. Nothing here overwrites in place.
 */

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

/** Remove a file or a whole directory; no error if it is not there. Of a file that must stay, what unlink(2) says. */
export const remove = (path: string): void => {
  const isTree = lstat(path)?.kind === 'directory';
  try {
    if (isTree) fs.removeSync(path);
    else fs.unlinkSync(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
};

/** Remove directories from `path` upward while they are empty; never `stop` itself nor anything above it. */
export const removeEmpty = (path: string, stop: string): void => {
  for (let directory = path; directory.startsWith(`${stop}/`); directory = dirname(directory)) {
    try {
      fs.rmdirSync(directory);
    } catch (error) {
      if (!isMissing(error)) return;
    }
  }
};

export const chmod = (path: string, mode: number): void => fs.chmodSync(path, mode);

/** Give a file or directory to a user and a group, by number. */
export const chown = (path: string, uid: number, gid: number): void => fs.chownSync(path, uid, gid);

/** Cut a file off after so many bytes. */
export const truncate = (path: string, size: number): void => fs.truncateSync(path, size);

/** Add bytes at the end of a file. */
export const append = (path: string, bytes: Uint8Array): void => fs.appendFileSync(path, bytes);

/** Give a file the time of its last change, seconds since 1970. */
export const setTime = (path: string, seconds: number): void => fs.utimesSync(path, seconds, seconds);

/** Say that something was used now. */
export const touch = (path: string): void => {
  const now = new Date();
  fs.utimesSync(path, now, now);
};

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

const asideMark = '.tmp_old_';

/** What had to make room for something goes, or returns where nothing has come in its place. */
const putBack = (parent: string, aside: string): void => {
  const place = join(parent, aside.slice(asideMark.length));
  if (lstat(place)) fs.removeSync(join(parent, aside));
  else fs.renameSync(join(parent, aside), place);
};

/**
 * Put a directory in the place of another one, which is moved aside first and then removed: whoever is killed in
 * between leaves one of them, and sweepTemporary puts the old one back.
 */
export const replaceDirectory = (from: string, to: string): void => {
  const parent = dirname(to);
  const aside = `${asideMark}${basename(to)}`;
  if (lstat(join(parent, aside))) putBack(parent, aside);
  if (lstat(to)) fs.renameSync(to, join(parent, aside));
  try {
    fs.renameSync(from, to);
  } catch (error) {
    if (lstat(join(parent, aside))) putBack(parent, aside);
    throw error;
  }
  syncPath(parent);
  fs.removeSync(join(parent, aside));
};

/** Put back or remove what a killed run left half written below a directory, to a depth of so many levels. */
export const sweepTemporary = (directory: string, depth: number): void => {
  for (const entry of entriesIn(directory)) {
    const path = join(directory, entry.name);
    if (entry.name.startsWith(asideMark)) putBack(directory, entry.name);
    else if (isTemporary(entry.name)) fs.removeSync(path);
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
    if (lstat(temporary)?.kind === 'file') syncPath(temporary);
    fs.renameSync(temporary, target);
  } catch (error) {
    fs.removeSync(temporary);
    // A write that failed does not say where.
    if (error instanceof Error && !('path' in error)) Object.assign(error, { path: target });
    throw error;
  }
  syncPath(dirname(target));
};

/** Put text or bytes at a path: there is the old file or the whole new one, never a part. */
export const writeAtomic = (target: string, text: string | Uint8Array, mode = 0o644): void =>
  publishWith(target, (temporary) => fs.writeFileSync(temporary, text, { mode, flag: 'wx' }));

/** Put a copy of a file at a path (mode 0644); the copy is compared with `hash` (SHA-256) before it is published. */
export const copyAtomic = (source: string, target: string, hash: string): void =>
  publishWith(target, (temporary) => {
    fs.copyFileSync(source, temporary, fs.constants.COPYFILE_EXCL | fs.constants.COPYFILE_FICLONE);
    fs.chmodSync(temporary, 0o644);
    if (hashFile(temporary) !== hash) throw new Error(`${source} changed while it was copied to ${target}`);
  });

/** Make or replace a symbolic link in one step. */
export const symlinkAtomic = (target: string, path: string): void =>
  publishWith(path, (temporary) => fs.symlinkSync(target, temporary));

export const copyFile = (from: string, to: string): void => {
  makeDirectory(dirname(to));
  fs.copyFileSync(from, to);
};

export const writeText = (path: string, text: string, mode = 0o644): void => {
  makeDirectory(dirname(path));
  fs.writeFileSync(path, text, { mode });
};
