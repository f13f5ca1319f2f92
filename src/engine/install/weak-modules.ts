import { join } from 'node:path';
import { compressionOf } from '../kernel/compression.ts';
import { type Kernel, kernelKey, type Module } from '../request.ts';
import type { Run } from '../run/run.ts';
import type { Settings } from '../settings.ts';
import { dueFor, dueReleases, strikeDue } from '../state/due.ts';
import { close, openToRead } from '../system/descriptors.ts';
import { exists } from '../system/files.ts';
import { writeText } from '../system/publish.ts';
import { filesOnKernel } from '../tree/installed-files.ts';
import { installedVersion, readTree, type TreeEntry } from '../tree/tree.ts';
import { weakProgram } from './weak-program.ts';

/**
 * Distributions with a stable kernel interface let one build serve other kernels: their own programs make the
 * links. They take the list of files on stdin.
 */

/** Whether the distribution has such a program. */
export const hasWeakModules = ({ distribution }: Settings): boolean =>
  weakProgram(distribution, { release: '', arch: '' }) !== undefined;

/**
 * Tell the distribution's program about files that were installed or are gone. Its failure is a remark: the
 * kernel that we built for is served.
 *
 * @param files absolute paths in the install tree
 */
export const tellWeakModules = async (
  run: Run,
  module: Module,
  kernel: Kernel,
  action: 'add' | 'remove',
  files: readonly string[],
): Promise<void> => {
  const program = weakProgram(run.settings.distribution, kernel);
  const named = files.filter((file) => compressionOf(file));
  if (!program || named.length === 0 || !exists(program.path) || run.settings.isTrial) return;
  const list = join(run.scratch, `weak-${module.name}-${kernel.release}`);
  writeText(list, `${named.join('\n')}\n`);
  const input = openToRead(list);
  const ended = await run.processes.ask([program.path, ...program[action]], { input, limit: 300 });
  close(input);
  if (ended.code !== 0) run.note({ note: 'script-failed', path: program.path, code: ended.code });
};

const kernelsOf = (entries: readonly TreeEntry[], release: string): Kernel[] => {
  const kernels = new Map(entries.flatMap(({ built }) => built).map((kernel) => [kernelKey(kernel), kernel]));
  return [...kernels.values()].filter((kernel) => kernel.release === release);
};

/** Tell it of all that is installed on a Kernel whose run was killed before it had told it of everything. */
export const makeUpWeakModules = async (run: Run): Promise<void> => {
  const { stateDir, dkmsTree, sourceTree } = run.settings;
  const releases = dueReleases(stateDir).filter((release) => dueFor(stateDir, release).includes('weak-modules'));
  const entries = releases.length > 0 ? readTree(dkmsTree, sourceTree) : [];
  for (const release of releases) {
    for (const kernel of kernelsOf(entries, release)) {
      const installed = entries.filter(
        ({ module }) => installedVersion(dkmsTree, module.name, kernel) === module.version,
      );
      for (const { module } of installed) {
        const files = filesOnKernel(run, module, kernel).map(({ path }) => path);
        await tellWeakModules(run, module, kernel, 'add', files);
      }
    }
    if (!run.abort.aborted) strikeDue(stateDir, release, ['weak-modules']);
  }
};
