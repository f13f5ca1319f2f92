import fs from 'node:fs';
import { dirname, join } from 'node:path';

/** Questions about files; nothing here changes one. What is not there is undefined, any other error is thrown. */

export interface FileFacts {
  readonly kind: 'file' | 'directory' | 'link' | 'other';
  readonly size: number;
  readonly mtimeMs: number;
  /** When bytes, name, mode or owner changed last. */
  readonly ctimeMs: number;
  /** Permission bits only. */
  readonly mode: number;
  /** The owner. */
  readonly uid: number;
}

const missing = new Set(['ENOENT', 'ENOTDIR']);

/** The errno name of a system error (`ENOSPC`), undefined for anything else. */
export const errnoOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;

/** Whether an error says that a path leads to nothing. */
export const isMissing = (error: unknown): boolean => missing.has(errnoOf(error) ?? '');

const orUndefined = <T>(ask: () => T): T | undefined => {
  try {
    return ask();
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
};

const factsOf = (stats: fs.Stats): FileFacts => ({
  kind: stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : stats.isSymbolicLink() ? 'link' : 'other',
  size: stats.size,
  mtimeMs: stats.mtimeMs,
  ctimeMs: stats.ctimeMs,
  mode: stats.mode & 0o7777,
  uid: stats.uid,
});

/** Facts about what a path leads to; undefined if there is nothing (also for a link to nothing). */
export const stat = (path: string): FileFacts | undefined => orUndefined(() => factsOf(fs.statSync(path)));

/** Facts about the path itself, a link not followed. */
export const lstat = (path: string): FileFacts | undefined => orUndefined(() => factsOf(fs.lstatSync(path)));

export const isDirectory = (path: string): boolean => stat(path)?.kind === 'directory';
export const exists = (path: string): boolean => stat(path) !== undefined;

/** The text of a file, undefined if there is none. */
export const readText = (path: string): string | undefined => orUndefined(() => fs.readFileSync(path, 'utf8'));

/** The bytes of a file; throws where there is none. */
export const readBytes = (path: string): Buffer => fs.readFileSync(path);

/** The target text of a symbolic link, undefined if the path is none. */
export const readLink = (path: string): string | undefined => {
  try {
    return fs.readlinkSync(path);
  } catch (error) {
    if (errnoOf(error) === 'EINVAL' || isMissing(error)) return undefined;
    throw error;
  }
};

/** The path with all links resolved, undefined if it leads nowhere. */
export const realPath = (path: string): string | undefined => orUndefined(() => fs.realpathSync(path));

/** The names in a directory in byte order (as a shell glob in the C locale), none if it is missing. */
export const readDirectory = (path: string): string[] => (orUndefined(() => fs.readdirSync(path)) ?? []).sort(byBytes);

/** The same in no order, for directories of many files. */
export const namesIn = (path: string): string[] => orUndefined(() => fs.readdirSync(path)) ?? [];

/** What is in a directory, with the kind of each; none if it is missing. */
export const entriesIn = (path: string): fs.Dirent[] =>
  orUndefined(() => fs.readdirSync(path, { withFileTypes: true })) ?? [];

/** C order of text: by bytes, not by language. */
export const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** Every regular file and link below a directory, as paths relative to it, in byte order. */
export const walk = (directory: string): string[] => {
  const found: string[] = [];
  const visit = (relative: string): void => {
    for (const entry of entriesIn(join(directory, relative))) {
      const path = relative ? `${relative}/${entry.name}` : entry.name;
      if (entry.isDirectory()) visit(path);
      else found.push(path);
    }
  };
  visit('');
  return found.sort(byBytes);
};

/** Loaded with the first hash: it takes a sixth of the time in which a question is answered. */
const sha256 = () => process.getBuiltinModule('node:crypto').createHash('sha256');

/** SHA-256 of a file's bytes in hex; the file is read in pieces, so its size does not matter. */
export const hashFile = (path: string): string => {
  const hash = sha256();
  const fd = fs.openSync(path, 'r');
  try {
    // Most files are small, and of some (in /proc) nobody knows.
    const piece = Buffer.allocUnsafe(Math.min(Math.max(fs.fstatSync(fd).size + 1, 4096), 1 << 20));
    const read = (): number => fs.readSync(fd, piece, 0, piece.length, null);
    for (let n = read(); n > 0; n = read()) hash.update(piece.subarray(0, n));
  } finally {
    fs.closeSync(fd);
  }
  return hash.digest('hex');
};

/** SHA-256 of some bytes, or of text as UTF-8, in hex: as sha256sum(1) says it. */
export const hashBytes = (bytes: string | Uint8Array): string => sha256().update(bytes).digest('hex');

/** SHA-256 in hex of several texts, each ended by NUL. */
export const hashText = (...parts: readonly string[]): string => {
  const hash = sha256();
  return (parts.length > 0 ? hash.update(`${parts.join('\0')}\0`) : hash).digest('hex');
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

/** Bytes that are free for users where a path is. */
export const freeBytes = (path: string): number => {
  const { bavail, bsize } = fs.statfsSync(path);
  return bavail * bsize;
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
