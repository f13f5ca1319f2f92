import { type Kernel, type Module, moduleLabel } from '../request.ts';
import { appendTo, boundFile, close, openLog, readPart, sizeOf } from '../system/descriptors.ts';

/** The log of one Job: a file that commands write into directly, with a head and a foot for each step. */
export interface Log {
  readonly descriptor: number;
  readonly path: string;
  /** Write a step's title and command; the answer writes its end. */
  step(title: string, command: string): (code: number) => void;
  /** How much has been written so far, bytes. */
  size(): number;
  /** What was written from there on; of very much its beginning and its end. */
  since(size: number): string;
  /** Cut it down to what is kept of a log. */
  bound(): void;
  /** Cut it down and let go of it. */
  close(): void;
}

const mebibyte = 1 << 20;

/** What is read at each end, to find out why a step failed. */
const readAtEnds = mebibyte;

/** What is kept at each end. */
const keptAtEnds = 8 * mebibyte;

const textSince = (descriptor: number, start: number): string => {
  const end = sizeOf(descriptor);
  // A build may have written over it.
  const from = start > end ? 0 : start;
  if (end - from <= 2 * readAtEnds) return readPart(descriptor, from, end);
  return `${readPart(descriptor, from, from + readAtEnds)}\n${readPart(descriptor, end - readAtEnds, end)}`;
};

const ruler = '-'.repeat(64);

const clock = (milliseconds: number): string => new Date(milliseconds).toISOString().slice(11, 19);

/** Begin the log of a Job. */
export const openJobLog = (path: string, module: Module, kernel: Kernel): Log => {
  const descriptor = openLog(path);
  appendTo(descriptor, `kmodsort make.log for ${moduleLabel(module)} for kernel ${kernel.release} (${kernel.arch})\n`);
  appendTo(descriptor, `${new Date().toString()}\n`);
  const bound = (): void => boundFile(path, keptAtEnds, (bytes) => `\n# ${bytes} bytes are left out here\n`);
  return {
    descriptor,
    path,
    step: (title, command) => {
      const start = Date.now();
      appendTo(descriptor, `\n${title}\n# command: ${command}\n`);
      return (code) =>
        appendTo(descriptor, `\n# exit code: ${code}\n# elapsed time: ${clock(Date.now() - start)}\n${ruler}\n`);
    },
    size: () => sizeOf(descriptor),
    since: (size) => textSince(descriptor, size),
    bound,
    close: () => {
      close(descriptor);
      bound();
    },
  };
};
