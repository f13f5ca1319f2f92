import { join } from 'node:path';
import type { Failure } from '../errors.ts';
import type { Kernel, Module } from '../request.ts';
import type { Run } from '../run/run.ts';
import { confOf, confScope } from './conf.ts';
import { readConfs } from './reader.ts';

/** What a source directory says that it is. */
export interface Identified {
  readonly module: Module;
  readonly directory: string;
  /** Names in BUILD_DEPENDS. */
  readonly needs: readonly string[];
  readonly postAdd?: string;
}

/**
 * Read the dkms.conf of directories that nobody registered.
 *
 * @returns for each what it is, or why its conf cannot be used
 */
export const identify = async (
  run: Run,
  directories: readonly string[],
  kernel: Kernel,
): Promise<(Identified | Failure)[]> => {
  const { settings } = run;
  const headers = run.factsOf(kernel).headers ?? join(settings.installTree, kernel.release, 'build');
  const questions = directories.map((directory) => ({
    files: [run.switches.conf ?? join(directory, 'dkms.conf')],
    release: kernel.release,
    scope: confScope(kernel, headers, settings, undefined, settings.variables),
    directives: [],
  }));
  const readings = await readConfs(run, questions);
  return directories.map((directory, index) => {
    const at = join(directory, 'dkms.conf');
    const reading = readings[index];
    if (!reading || reading.kind === 'failed') return reading?.failure ?? { kind: 'conf-broken', at };
    const result = confOf(reading.raw, undefined, run.factsOf(kernel));
    if ('invalid' in result) return { ...result.invalid, at };
    const { module, scripts, depends } = result.conf;
    return { module, directory, needs: depends, ...(scripts.POST_ADD ? { postAdd: scripts.POST_ADD } : {}) };
  });
};
