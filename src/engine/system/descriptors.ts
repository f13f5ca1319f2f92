import fs from 'node:fs';
import { dirname } from 'node:path';
import { errnoOf, exists, readLink } from './files.ts';
import { makeDirectory } from './publish.ts';

/** Open descriptors that children inherit: logs, locks, the jobserver's FIFO. */

/** Open a file for appending a log, and for reading it; the descriptor is the caller's to close. */
export const openLog = (path: string): number => {
  makeDirectory(dirname(path));
  return fs.openSync(path, 'a+', 0o644);
};

const lastingLimit = 1 << 20;

/** The same for a log that every run adds to: one that has grown beyond a mebibyte begins anew. */
export const openLastingLog = (path: string): number => {
  const descriptor = openLog(path);
  if (fs.fstatSync(descriptor).size > lastingLimit) fs.ftruncateSync(descriptor, 0);
  return descriptor;
};

/** An error of a write does not say where: the system knows which file the descriptor is of (proc(5)). */
const sayingWhere = (fd: number, write: () => void): void => {
  try {
    write();
  } catch (error) {
    const path = readLink(`/proc/self/fd/${fd}`);
    if (error instanceof Error && path !== undefined) Object.assign(error, { path });
    throw error;
  }
};

export const appendTo = (fd: number, text: string): void =>
  sayingWhere(fd, () => {
    fs.writeSync(fd, text);
  });

export const sizeOf = (fd: number): number => fs.fstatSync(fd).size;

const readBytes = (fd: number, from: number, to: number): Buffer => {
  const bytes = Buffer.alloc(to - from);
  let count = 0;
  while (count < bytes.length) {
    const more = fs.readSync(fd, bytes, count, bytes.length - count, from + count);
    if (more === 0) break;
    count += more;
  }
  return bytes.subarray(0, count);
};

/** The text of an open file between two offsets. */
export const readPart = (fd: number, from: number, to: number): string => readBytes(fd, from, to).toString('utf8');

/** Take the middle out of an open file. */
const cutMiddle = (fd: number, atEnds: number, say: (bytes: number) => string): void => {
  const size = sizeOf(fd);
  if (size <= 2 * atEnds) return;
  const kept = Buffer.concat([Buffer.from(say(size - 2 * atEnds)), readBytes(fd, size - atEnds, size)]);
  for (let done = 0; done < kept.length; ) done += fs.writeSync(fd, kept, done, kept.length - done, atEnds + done);
  fs.ftruncateSync(fd, atEnds + kept.length);
};

/**
 * Leave so many bytes at each end of a file, and between them a word about those that went. A file that is not there
 * stays so.
 */
export const boundFile = (path: string, atEnds: number, say: (bytes: number) => string): void => {
  if (!exists(path)) return;
  const fd = fs.openSync(path, 'r+');
  try {
    cutMiddle(fd, atEnds, say);
  } finally {
    fs.closeSync(fd);
  }
};

export const openToRead = (path: string): number => fs.openSync(path, 'r');

/** Open a lock file (0600, made if needed) for reading and writing; what is written comes after what is there. */
export const openLockFile = (path: string): number => {
  makeDirectory(dirname(path));
  return fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_APPEND, 0o600);
};

/** Open a FIFO in both directions, so that it never ends and opening never waits. */
export const openFifo = (path: string, nonBlocking: boolean): number =>
  fs.openSync(path, nonBlocking ? fs.constants.O_RDWR | fs.constants.O_NONBLOCK : fs.constants.O_RDWR);

/** Take one byte from a non-blocking descriptor; undefined if there is none now. */
export const takeByte = (fd: number): number | undefined => {
  const byte = Buffer.alloc(1);
  try {
    return fs.readSync(fd, byte, 0, 1, null) === 1 ? byte[0] : undefined;
  } catch (error) {
    if (errnoOf(error) === 'EAGAIN') return undefined;
    throw error;
  }
};

/** Replace the text of a file that is open for appending. */
export const rewrite = (fd: number, text: string): void =>
  sayingWhere(fd, () => {
    fs.ftruncateSync(fd, 0);
    fs.writeSync(fd, text);
  });

export const close = (fd: number): void => fs.closeSync(fd);
