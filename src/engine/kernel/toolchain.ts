import type { ToolVersion } from '../problems.ts';
import { compareVersions } from '../system/version.ts';
import type { KernelFacts } from './kernel.ts';

/** Which compilers a kernel was built with, by its configuration, and what that asks of a build for it. Pure. */

type Config = KernelFacts['config'];

/** `140201` is 14.2.1. Source: scripts/cc-version.sh and scripts/ld-version.sh of the kernel. */
const majorOf = (config: Config, name: string): number | undefined => {
  const major = Math.floor(Number(config.get(name)) / 10_000);
  return major > 0 ? major : undefined;
};

const version = (tool: ToolVersion['tool'], major: number | undefined): ToolVersion | undefined =>
  major === undefined ? undefined : { tool, major };

/** The compiler that built a kernel; undefined where its configuration does not say (before 4.18). */
export const builtWith = (config: Config): ToolVersion | undefined =>
  config.has('CONFIG_CC_IS_CLANG')
    ? version('clang', majorOf(config, 'CONFIG_CLANG_VERSION'))
    : version('gcc', majorOf(config, 'CONFIG_GCC_VERSION'));

/** The linker that linked it, where that is LLVM's: GNU ld has no versions that modules depend on. */
export const linkedWith = (config: Config): ToolVersion | undefined =>
  config.has('CONFIG_LD_IS_LLD') ? version('lld', majorOf(config, 'CONFIG_LLD_VERSION')) : undefined;

const versionLines: readonly (readonly [ToolVersion['tool'], RegExp])[] = [
  ['gcc', /\bgcc(?:-\d+)? version (\d+)/],
  ['clang', /\bclang version (\d+)/],
  ['lld', /\bLLD (\d+)/],
];

/** What a program is, by the line that names its version; undefined for any other program. */
export const versionIn = (text: string): ToolVersion | undefined => {
  for (const [tool, pattern] of versionLines) {
    const major = pattern.exec(text)?.[1];
    if (major !== undefined) return { tool, major: Number(major) };
  }
  return undefined;
};

/** Whether a program is of an older major version than the one that the kernel was built with. A newer one is no fault. */
export const isOlder = (found: ToolVersion | undefined, wanted: ToolVersion | undefined): boolean =>
  found !== undefined && wanted !== undefined && found.tool === wanted.tool && found.major < wanted.major;

/** `1.78.0`, of `107800` or of `rustc 1.78.0 (9b00956e5 2024-04-29)`; undefined for a kernel without Rust. */
export const rustVersion = (config: Config): string | undefined => {
  if (!config.has('CONFIG_RUST')) return undefined;
  const packed = Number(config.get('CONFIG_RUSTC_VERSION'));
  if (packed > 0) return [Math.floor(packed / 100_000), Math.floor(packed / 100) % 1000, packed % 100].join('.');
  return rustVersionIn(config.get('CONFIG_RUSTC_VERSION_TEXT') ?? '');
};

/** The version in what `rustc --version` says. */
export const rustVersionIn = (text: string): string | undefined => /^rustc (\d+\.\d+\.\d+)/m.exec(text)?.[1];

/** Versioned programs can be named to kbuild since Linux 5.18: `LLVM=-16`. Source: kernel documentation, kbuild/llvm.rst. */
export const knowsSuffixes = (release: string): boolean => compareVersions(release, '5.18') >= 0;

/**
 * Variables of kbuild for a kernel that clang has built: on make's command line or in the environment. Source: kernel
 * documentation, kbuild/llvm.rst. Empty for gcc's.
 */
export const llvmVariables = ({
  config,
  llvm,
}: Pick<KernelFacts, 'config' | 'llvm'>): Readonly<Record<string, string>> => {
  if (llvm === undefined) return config.has('CONFIG_CC_IS_CLANG') ? { CC: 'clang' } : {};
  const assembler = config.has('CONFIG_AS_IS_GNU') ? '0' : config.has('CONFIG_AS_IS_LLVM') ? '1' : undefined;
  return { LLVM: llvm, ...(assembler === undefined ? {} : { LLVM_IAS: assembler }) };
};

/** Programs of LLVM for a kernel: with `LLVM=-16` their names end so. */
export const llvmProgram = (program: string, { llvm }: Pick<KernelFacts, 'llvm'>): string =>
  llvm?.startsWith('-') ? `${program}${llvm}` : program;
