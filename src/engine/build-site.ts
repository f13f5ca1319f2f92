import { join } from 'node:path';
import type { Kernel, Module } from './request.ts';
import type { BuildSite, Run } from './run.ts';
import { makeUname } from './uname.ts';

/** What a Module's place in the dkms tree and its source are. */
interface Entry {
  readonly module: Module;
  readonly directory: string;
  readonly source: string;
}

/**
 * Where a Job, or a script of a Module, works.
 *
 * @param lock an open descriptor that its children inherit: the Module's lock
 */
export const siteOf = (run: Run, { module, directory, source }: Entry, kernel: Kernel, lock: number): BuildSite => ({
  module,
  kernel,
  facts: run.factsOf(kernel),
  entry: directory,
  source,
  lock,
  unameDirectory: makeUname(join(run.scratch, 'uname'), kernel.release, run.environment.PATH ?? ''),
});
