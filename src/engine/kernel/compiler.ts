import { join } from 'node:path';
import type { Environment } from '../settings.ts';
import { systemPath } from '../system/environment.ts';
import type { Argv, Processes } from '../system/exec.ts';
import { exists, hashText, readText } from '../system/files.ts';
import type { KernelFacts } from './kernel.ts';
import { builtWith, isOlder, llvmProgram, versionIn } from './toolchain.ts';

/** Which programs build for a kernel: what they say of themselves, not where their files lie or when these were written. */

/** What the identities of earlier versions of ours begin with that are of what a compiler says; others cannot be compared. */
export const identityMark = 'v:';

/** What one program says of itself. */
export interface Identity {
  /** The line that names its version, then a hash of all that it says; empty where it is not found. */
  readonly text: string;
  /** As earlier versions of ours remembered it. */
  readonly earlier: string;
}

const unknown: Identity = { text: '', earlier: '' };

/** `gcc version 12.2.0 (Debian 12.2.0-14)` stands at the end of what gcc says, and first of what the others do. */
const versionLine = (lines: readonly string[]): string =>
  (lines.find((line) => / version \d/.test(line)) ?? lines.find((line) => line !== '') ?? '').trim();

/**
 * The identity of a program, as its own words tell it. It is looked for on the system's own PATH first, so that a wrapper
 * that comes first on somebody's PATH (ccache) makes no difference.
 *
 * @param path where else it may lie: the caller's PATH
 */
export const identityOf = async (argv: Argv, processes: Processes, path = ''): Promise<Identity> => {
  const everywhere = path === '' ? systemPath : `${systemPath}:${path}`;
  const ended = await processes.ask(argv, { variables: { PATH: everywhere }, limit: 10 });
  if (ended.code !== 0) return unknown;
  // By which name and from which directory it was called is not what it is.
  const said = `${ended.output}${ended.errors}`.split('\n').filter((line) => !line.startsWith('COLLECT_'));
  const hash = hashText(...said);
  return { text: `${versionLine(said)} #${hash.slice(0, 16)}`, earlier: `${identityMark}${hash}` };
};

/** What builds for a Kernel. */
export interface Tools {
  /** The commands that are run. */
  readonly programs: { readonly compiler: string; readonly linker: string };
  /** CC for the command line of make, where kbuild would choose another one. */
  readonly tellsKbuild?: string;
  readonly compiler: Identity;
  readonly linker: Identity;
  /** Makes BTF; asked only where the kernel wants that of modules, and its own is there to build on. */
  readonly pahole: Identity;
}

/** Source: scripts/Makefile.modfinal, which goes without where there is no vmlinux. */
const isBtfMade = (config: KernelFacts['config'], headers: string): boolean =>
  config.has('CONFIG_DEBUG_INFO_BTF_MODULES') && exists(join(headers, 'vmlinux'));

/**
 * CC of Debian's .kernelvariables, which overrides what the Makefile names: a command; undefined where there is none.
 *
 * @param environment of the build: it may ask for ccache
 */
export const kernelVariablesCompiler = async (
  headers: string,
  processes: Processes,
  environment: Environment = {},
): Promise<string | undefined> => {
  const file = join(headers, '.kernelvariables');
  if (!exists(file)) return undefined;
  const ended = await processes.ask(
    ['make', '--no-print-directory', '-s', '-f', file, '--eval', 'kmodsort-cc: ; @echo $(CC)', 'kmodsort-cc'],
    { variables: environment, limit: 10 },
  );
  return ended.code === 0 ? ended.output.trim() || undefined : undefined;
};

/** `ccache gcc-12 -m64` runs gcc-12. */
const programOf = (command: string): string =>
  command
    .split(/\s+/)
    .filter((word) => !word.startsWith('-'))
    .at(-1) ?? command;

/** `CC = $(CROSS_COMPILE)gcc` of the kernel's Makefile; some distributions name a version there. */
const makefileCompiler = (headers: string): string | undefined => {
  const own = readText(join(headers, 'Makefile')) ?? '';
  const shared = /^include (\/\S+\/Makefile)$/m.exec(own)?.[1];
  const texts = [shared === undefined ? '' : (readText(shared) ?? ''), own];
  const found = texts.flatMap((text) => [
    ...text.matchAll(/^CC[ \t]*:?=[ \t]*(?:\$\(CROSS_COMPILE\))?(gcc[\w.+-]*)[ \t]*$/gm),
  ]);
  return found.at(-1)?.[1];
};

/** The program that kbuild compiles modules for a Kernel with, whether it is here or not. */
export interface KbuildCompiler {
  readonly program: string;
  /** Somebody has named just this one, in .kernelvariables. */
  readonly isNamed: boolean;
}

/** What kbuild will compile modules for a Kernel with. */
export const kbuildCompiler = async (facts: KernelFacts, processes: Processes): Promise<KbuildCompiler> => {
  const { headers, config } = facts;
  const overriding = headers === undefined ? undefined : await kernelVariablesCompiler(headers, processes);
  if (overriding !== undefined) return { program: programOf(overriding), isNamed: true };
  if (config.has('CONFIG_CC_IS_CLANG')) return { program: llvmProgram('clang', facts), isNamed: false };
  return { program: (headers === undefined ? undefined : makefileCompiler(headers)) ?? 'gcc', isNamed: false };
};

type Ask = (argv: Argv) => Promise<Identity>;

/**
 * The compiler that the configuration names, where kbuild would run one that is not here or is older: distributions have
 * kernels that were built with another gcc than the one that is called so.
 */
const betterCompiler = async (facts: KernelFacts, own: Identity, ask: Ask): Promise<string | undefined> => {
  const built = builtWith(facts.config);
  if (facts.compiler === undefined || (own.text !== '' && !isOlder(versionIn(own.text), built))) return undefined;
  const named = versionIn((await ask([facts.compiler, '-v'])).text);
  return named && !isOlder(named, built) ? facts.compiler : undefined;
};

/**
 * What builds for a Kernel, as kbuild chooses it (kernel documentation, kbuild/llvm.rst).
 *
 * @param kbuild what kbuildCompiler says
 * @param ask the identity of a program, asked once
 */
export const toolsFor = async (facts: KernelFacts, kbuild: KbuildCompiler, ask: Ask): Promise<Tools> => {
  const { config, headers = '' } = facts;
  const linker = config.has('CONFIG_LD_IS_LLD') ? llvmProgram('ld.lld', facts) : 'ld';
  const own = await ask([kbuild.program, '-v']);
  const better = kbuild.isNamed ? undefined : await betterCompiler(facts, own, ask);
  return {
    programs: { compiler: better ?? kbuild.program, linker },
    ...(better === undefined ? {} : { tellsKbuild: better }),
    compiler: better === undefined ? own : await ask([better, '-v']),
    linker: await ask([linker, '--version']),
    pahole: isBtfMade(config, headers) ? await ask(['pahole', '--version']) : unknown,
  };
};

/** Nothing builds. */
export const noTools: Tools = {
  programs: { compiler: '', linker: '' },
  compiler: unknown,
  linker: unknown,
  pahole: unknown,
};
