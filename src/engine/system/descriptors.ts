import fs from 'node:fs';
import { dirname } from 'node:path';
import { errnoOf } from './files.ts';
import { makeDirectory } from './publish.ts';

/** Open descriptors that children inherit: logs, locks, the jobserver's FIFO. */

/** Open a file for appending a log; the descriptor is the caller's to close. */
export const openLog = (path: string): number => {
  makeDirectory(dirname(path));
  return fs.openSync(path, 'a', 0o644);
};

const lastingLimit = 1 << 20;

/** The same for a log that every run adds to: one that has grown beyond a mebibyte begins anew. */
export const openLastingLog = (path: string): number => {
  const descriptor = openLog(path);
  if (fs.fstatSync(descriptor).size > lastingLimit) fs.ftruncateSync(descriptor, 0);
  return descriptor;
};

export const appendTo = (fd: number, text: string): void => {
  fs.writeSync(fd, text);
};

export const openToRead = (path: string): number => fs.openSync(path, 'r');

/** Open a lock file (0600, made if needed) for reading and writing. */
export const openLockFile = (path: string): number => {
  makeDirectory(dirname(path));
  return fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o600);
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

/** Replace the text of an open file. */
export const rewrite = (fd: number, text: string): void => {
  fs.ftruncateSync(fd, 0);
  fs.writeSync(fd, text, 0);
};

export const close = (fd: number): void => fs.closeSync(fd);
