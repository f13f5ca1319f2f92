import { cpSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { missingPackages } from '../packages.ts';
import type { World } from '../world.ts';

/** Real headers that say they belong to a kernel which another compiler has built, and what it takes to build for those. */

/** Install compilers for a test; why it has to be passed over, said once, where they are not to be had. */
export const lacking = (packages: readonly string[]): string | undefined => {
  const why = (): string | undefined => {
    try {
      return missingPackages(packages);
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  };
  const said = why();
  if (said !== undefined) process.stderr.write(`tests with ${packages.join(', ')} are skipped: ${said}\n`);
  return said;
};

/** A copy of a kernel's headers in the place of the link to them. */
export const ownHeaders = (world: World, release: string): string => {
  const headers = join(world.trees.installTree, release, 'build');
  const real = realpathSync(headers);
  rmSync(headers);
  cpSync(real, headers, { recursive: true });
  return headers;
};

/** Change a file of headers; what is changed has to be there. */
export const rewrite = (path: string, changes: readonly (readonly [RegExp, string])[]): void => {
  let text = readFileSync(path, 'utf8');
  for (const [pattern, put] of changes) {
    if (!pattern.test(text)) throw new Error(`${path} has no ${pattern}`);
    text = text.replace(pattern, () => put);
  }
  writeFileSync(path, text);
};

export const configOf = (headers: string): string => join(headers, 'include/config/auto.conf');

/** Let the headers be of a kernel that this clang and its linker have built. */
export const builtByClang = (headers: string, packed: number): void => {
  rmSync(join(headers, '.kernelvariables'), { force: true });
  rewrite(configOf(headers), [
    [/^CONFIG_CC_IS_GCC=y$/m, 'CONFIG_CC_IS_CLANG=y'],
    [/^CONFIG_GCC_VERSION=.*$/m, 'CONFIG_GCC_VERSION=0'],
    [/^CONFIG_CLANG_VERSION=.*$/m, `CONFIG_CLANG_VERSION=${packed}`],
    [/^CONFIG_LD_IS_BFD=y$/m, 'CONFIG_LD_IS_LLD=y'],
    [/^CONFIG_LLD_VERSION=.*$/m, `CONFIG_LLD_VERSION=${packed}`],
    [/^CONFIG_AS_IS_GNU=y$/m, 'CONFIG_AS_IS_LLVM=y'],
    [/^CONFIG_CC_VERSION_TEXT=.*$/m, 'CONFIG_CC_VERSION_TEXT=Debian clang version'],
    [/^CONFIG_CC_IMPLICIT_FALLTHROUGH=.*$/m, 'CONFIG_CC_IMPLICIT_FALLTHROUGH='],
    // What only gcc, or a newer clang, knows.
    [/^CONFIG_RETHUNK=y$/m, ''],
    [/^CONFIG_CC_HAS_RETURN_THUNK=y$/m, ''],
    [/^CONFIG_SLS=y$/m, ''],
    [/^CONFIG_FTRACE_MCOUNT_USE_CC=y$/m, ''],
    [/^CONFIG_INIT_STACK_ALL_ZERO=y$/m, ''],
  ]);
};
