import type { KernelFacts } from '../kernel/kernel.ts';
import { makeUname } from '../kernel/uname.ts';
import type { Kernel, Module } from '../request.ts';
import type { Environment } from '../settings.ts';
import type { Run } from './run.ts';

/** Where one Job works. */
export interface BuildSite {
  readonly module: Module;
  readonly kernel: Kernel;
  readonly facts: KernelFacts;
  /** `<dkms tree>/<name>/<version>`. */
  readonly entry: string;
  /** The source directory, links resolved. */
  readonly source: string;
  /** Open descriptor of the Module's lock, for children to inherit. */
  readonly lock: number;
  /** What a build gets besides: the compiler's name and the admin's exports. */
  readonly building?: Environment;
  /** Makes `uname` answer for the Kernel; first on PATH of what evaluates or builds. */
  readonly unameDirectory: string;
}

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
  unameDirectory: makeUname(run.programs, kernel.release, run.environment.PATH ?? ''),
});
