import { FailureError } from '../errors.ts';
import { kernelVariablesCompiler } from '../kernel/compiler.ts';
import type { KernelFacts } from '../kernel/kernel.ts';
import { llvmProgram, llvmVariables } from '../kernel/toolchain.ts';
import type { BuildSite } from '../run/build-site.ts';
import type { Run } from '../run/run.ts';
import type { Environment, Settings } from '../settings.ts';
import { exists } from '../system/files.ts';
import { distrustedConf } from '../system/trust.ts';

/** What PRE_BUILD, MAKE and POST_BUILD get besides the caller's environment: the compiler, and the admin's exports. */

/** CC and KERNEL_CC as the kernel was built with, where that compiler is here; what kbuild is told of clang. */
const compilerEnvironment = async (run: Run, facts: KernelFacts): Promise<Environment> => {
  const { headers, config } = facts;
  const own = config.has('CONFIG_CC_IS_CLANG') ? llvmProgram('clang', facts) : facts.compiler;
  const compiler = (headers && (await kernelVariablesCompiler(headers, run.processes, run.environment))) || own;
  return {
    ...llvmVariables(facts),
    ...(compiler ? { CC: compiler, KERNEL_CC: own ?? compiler } : {}),
    ...(config.has('CONFIG_LD_IS_LLD') ? { LD: llvmProgram('ld.lld', facts) } : {}),
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
