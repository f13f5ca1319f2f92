import { basename, resolve } from 'node:path';
import type { Kernel, Operand } from '../engine/request.ts';
import { isCleanName } from '../engine/system/names.ts';
import { adding, type DkmsAction, type Given } from './dkms-options.ts';
import { UsageError } from './usage.ts';

/** Which modules and kernels a dkms command line is about. */

/** What a dkms command line is read against. */
export interface CliContext {
  readonly cwd: string;
  readonly columns: number;
  readonly isRoot: boolean;
  readonly runningKernel: string;
  readonly arch: string;
  /** Whether a path is a file, a directory, or nothing. */
  readonly look: (path: string) => 'file' | 'directory' | undefined;
}

export const emptyKernel = 'an empty kernel or architecture';

/** One -a serves all -k; else as many of one as of the other. */
export const kernelsOf = (given: Given, context: CliContext): Kernel[] => {
  const named = (given.kernelver ?? []).map((one) => one.split('/'));
  const arches = given.arch ?? [];
  const releases = named.length > 0 ? named : [[context.runningKernel]];
  if (arches.length > 1 && arches.length !== releases.length) {
    throw new UsageError('give one -a for all -k, or as many -a as -k', 1);
  }
  return releases.map(([release = '', arch], index) => {
    const kernel = { release, arch: arch ?? arches[index] ?? arches[0] ?? context.arch };
    if (!kernel.release || !kernel.arch) throw new UsageError(emptyKernel, 16);
    for (const word of [kernel.release, kernel.arch]) {
      if (!isCleanName(word)) throw new UsageError(`invalid kernel or architecture '${word}'`, 16);
    }
    return kernel;
  });
};

const moduleOperand = (name: string, version: string | undefined): Operand => {
  const [plain = '', ...rest] = name.split('/');
  const said = rest.length > 0 ? rest.join('/') : version;
  for (const word of [plain, ...(said === undefined ? [] : [said])]) {
    if (!isCleanName(word)) throw new UsageError(`invalid module name or version '${word}'`, 1);
  }
  return { kind: 'module', name: plain, ...(said === undefined ? {} : { version: said }) };
};

/** A word that can only be a path: no module's name starts like this. */
const isPlainPath = (word: string): boolean => /^(\/|\.{1,2}(\/|$))/.test(word);

/** A file that is there and is no dkms.conf; without a path before it, only by an archive's ending. */
const isArchive = (word: string, path: string, context: CliContext): boolean =>
  basename(path) !== 'dkms.conf' &&
  (isPlainPath(word) || /\.(tar(\.\w+)?|t[bgx]z|tzst)$/.test(word)) &&
  context.look(path) === 'file';

/**
 * -m and -v, or the word after the action: NAME/VERSION, and for those that add also a directory with a
 * dkms.conf, a path to one, or an archive.
 */
export const operandOf = (action: DkmsAction, given: Given, context: CliContext): Operand | undefined => {
  const version = given['module-version'];
  if (given.module !== undefined) return moduleOperand(given.module, version);
  if (given._[1] === undefined) return undefined;
  const word = String(given._[1]);
  const path = resolve(context.cwd, word);
  if (adding.has(action) && isArchive(word, path, context)) return { kind: 'archive', path };
  const isPath = isPlainPath(word) || basename(path) === 'dkms.conf' || context.look(`${path}/dkms.conf`) === 'file';
  return isPath && adding.has(action) ? { kind: 'path', path } : moduleOperand(word, version);
};
