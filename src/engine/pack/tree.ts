import { basename, join } from 'node:path';
import { FailureError, saidFailure } from '../errors.ts';
import type { Argv, Processes } from '../system/exec.ts';
import { copyFile, makeDirectory } from '../system/publish.ts';

/** The files of a package in a directory, and the tools that put them together. */

/** What making packages takes. */
export interface Workshop {
  readonly processes: Processes;
  /** A private directory of one package. */
  readonly directory: string;
  /** The command that installs a program where it is known. */
  readonly installs: (program: string) => string | undefined;
}

/** Run a tool to its end. Throws tool-missing, or what it said (FailureError). */
export const make = async (
  { processes, installs }: Pick<Workshop, 'processes' | 'installs'>,
  argv: Argv,
  options: Parameters<Processes['ask']>[1] = {},
): Promise<string> => {
  const [program] = argv;
  const ended = await processes.ask(argv, { limit: 600, ...options });
  if (ended.code === 0) return ended.output;
  if (ended.unstartable) {
    const install = installs(program);
    throw new FailureError({ kind: 'tool-missing', at: program, ...(install === undefined ? {} : { install }) });
  }
  if (ended.code === 130) throw new FailureError({ kind: 'interrupted' });
  const failure = saidFailure(ended.errors === '' ? ended.output : ended.errors);
  throw new FailureError({ ...failure, at: program, detail: failure.detail ?? ended.problem });
};

/** Put objects where a node has them, below a directory. */
export const placeObjects = (root: string, directory: string, objects: readonly string[]): void => {
  makeDirectory(join(root, directory));
  for (const path of objects) copyFile(path, join(root, directory, basename(path)));
};

/** The same modes and times whoever packs: all that is not executable for its owner may be read by everybody. */
export const settle = async (
  workshop: Pick<Workshop, 'processes' | 'installs'>,
  root: string,
  seconds: number,
): Promise<void> => {
  await make(workshop, ['chmod', '-R', 'u=rwX,go=rX', root]);
  await make(workshop, ['find', root, '-exec', 'touch', '-h', '-d', `@${seconds}`, '{}', '+']);
};
