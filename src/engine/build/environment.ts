import { join } from 'node:path';
import { FailureError } from '../errors.ts';
import type { KernelFacts } from '../kernel/kernel.ts';
import type { BuildSite } from '../run/build-site.ts';
import type { Run } from '../run/run.ts';
import type { Environment, Settings } from '../settings.ts';
import { exists } from '../system/files.ts';
import { distrustedConf } from '../system/trust.ts';

/** What PRE_BUILD, MAKE and POST_BUILD get besides the caller's environment: the compiler, and the admin's exports. */

/** CC of Debian's .kernelvariables, which overrides what the config names. */
const kernelVariablesCompiler = async (run: Run, headers: string): Promise<string | undefined> => {
  const file = join(headers, '.kernelvariables');
  if (!exists(file)) return undefined;
  const ended = await run.processes.run({
    argv: ['make', '--no-print-directory', '-s', '-f', file, '--eval', 'kmodsort-cc: ; @echo $(CC)', 'kmodsort-cc'],
    environment: run.environment,
    limit: 10,
  });
  return ended.code === 0 ? ended.output.trim() || undefined : undefined;
};

/** CC and KERNEL_CC as the kernel was built with, where that compiler is here. */
const compilerEnvironment = async (run: Run, facts: KernelFacts): Promise<Environment> => {
  const isClang = facts.config.has('CONFIG_CC_IS_CLANG');
  const own = isClang ? 'clang' : facts.compiler;
  const compiler = (facts.headers && (await kernelVariablesCompiler(run, facts.headers))) || own;
  return {
    ...(compiler ? { CC: compiler, KERNEL_CC: own ?? compiler } : {}),
    ...(facts.config.has('CONFIG_LD_IS_LLD') ? { LD: 'ld.lld' } : {}),
  };
};

/** Reads the admin's file and prints every export, each ended by NUL. */
const printExports = 'kernelver=$2; . "$1" >/dev/null </dev/null && exec env -0';

/** Set by every shell; nobody's wish. */
const shellsOwn = new Set(['_', 'SHLVL', 'PWD', 'OLDPWD', 'kernelver']);

/** The file that `build_environment` names for a kernel; undefined if the setting is not there. */
export const buildEnvironmentFile = ({ buildEnvironment }: Settings, release: string): string | undefined =>
  buildEnvironment?.replaceAll(/\$(kernelver\b|\{kernelver\})/g, () => release);

/** The exports of `build_environment`; a file that is there only for some kernels is missing for the others. */
const adminsExports = async (run: Run, release: string, environment: Environment): Promise<Environment> => {
  const path = buildEnvironmentFile(run.settings, release);
  if (!path || !exists(path)) return {};
  const distrusted = distrustedConf(path);
  if (distrusted) throw new FailureError(distrusted);
  const ended = await run.processes.run({
    argv: ['bash', '--norc', '--noprofile', '-c', printExports, 'build_environment', path, release],
    environment,
    limit: 30,
  });
  if (ended.code !== 0) {
    throw new FailureError({ kind: 'conf-broken', at: path, detail: ended.problem });
  }
  const exports = ended.output.split('\0').map((text): [string, string] => {
    const end = text.indexOf('=');
    return [text.slice(0, end), text.slice(end + 1)];
  });
  return Object.fromEntries(exports.filter(([name, value]) => !shellsOwn.has(name) && environment[name] !== value));
};

/** The environment of one build, over the caller's. Throws what is wrong with the admin's file (FailureError). */
export const buildEnvironment = async (run: Run, site: BuildSite): Promise<Environment> => {
  const compiler = await compilerEnvironment(run, site.facts);
  const exports = await adminsExports(run, site.kernel.release, { ...run.environment, ...compiler });
  return { ...compiler, ...exports };
};
