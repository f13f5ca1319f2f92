import { type Kernel, type Module, moduleLabel } from '../request.ts';
import { appendTo, close, openLog } from '../system/descriptors.ts';
import { readText } from '../system/files.ts';

/** The log of one Job: a file that commands write into directly, with a head and a foot for each step. */
export interface Log {
  readonly descriptor: number;
  readonly path: string;
  /** Write a step's title and command; the answer writes its end. */
  step(title: string, command: string): (code: number) => void;
  /** The text written so far. */
  text(): string;
  close(): void;
}

const ruler = '-'.repeat(64);

const clock = (milliseconds: number): string => new Date(milliseconds).toISOString().slice(11, 19);

export const openJobLog = (path: string, module: Module, kernel: Kernel): Log => {
  const descriptor = openLog(path);
  appendTo(descriptor, `kmodsort make.log for ${moduleLabel(module)} for kernel ${kernel.release} (${kernel.arch})\n`);
  appendTo(descriptor, `${new Date().toString()}\n`);
  return {
    descriptor,
    path,
    step: (title, command) => {
      const start = Date.now();
      appendTo(descriptor, `\n${title}\n# command: ${command}\n`);
      return (code) =>
        appendTo(descriptor, `\n# exit code: ${code}\n# elapsed time: ${clock(Date.now() - start)}\n${ruler}\n`);
    },
    text: () => readText(path) ?? '',
    close: () => close(descriptor),
  };
};
