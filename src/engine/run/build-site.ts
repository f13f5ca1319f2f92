import type { KernelFacts } from '../kernel/kernel.ts';
import { makeUname } from '../kernel/uname.ts';
import type { Kernel, Module } from '../request.ts';
import type { Environment } from '../settings.ts';
import type { Inheritable } from '../system/lock.ts';
import type { Confines } from './confinement.ts';
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
  /** The Module's lock, for children to inherit; none where there is nothing to build yet. */
  readonly lock?: Inheritable;
  /** What a build gets besides: the compiler's name and the admin's exports. */
  readonly building?: Environment;
  /** What PRE_BUILD, MAKE and POST_BUILD are confined to; nothing where they are not. */
  readonly confines?: Confines;
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
 * @param lock the Module's lock, which its children inherit
 */
export const siteOf = (
  run: Run,
  { module, directory, source }: Entry,
  kernel: Kernel,
  lock?: Inheritable,
): BuildSite => ({
  module,
  kernel,
  facts: run.factsOf(kernel),
  entry: directory,
  source,
  ...(lock ? { lock } : {}),
  unameDirectory: makeUname(run.programs, kernel.release, run.environment.PATH ?? ''),
});
