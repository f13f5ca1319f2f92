import { join } from 'node:path';
import { compressionOf } from '../kernel/compression.ts';
import type { Kernel, Module } from '../request.ts';
import type { Run } from '../run/run.ts';
import { close, openToRead } from '../system/descriptors.ts';
import { exists } from '../system/files.ts';
import { writeText } from '../system/publish.ts';
import { weakProgram } from './weak-program.ts';

/**
 * Distributions with a stable kernel interface let one build serve other kernels: their own programs make the
 * links. They take the list of files on stdin.
 */

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
  if (!program || named.length === 0 || !exists(program.path)) return;
  const list = join(run.scratch, `weak-${module.name}-${kernel.release}`);
  writeText(list, `${named.join('\n')}\n`);
  const input = openToRead(list);
  const ended = await run.processes.ask([program.path, ...program[action]], { input, limit: 300 });
  close(input);
  if (ended.code !== 0) run.note({ note: 'script-failed', path: program.path, code: ended.code });
};
