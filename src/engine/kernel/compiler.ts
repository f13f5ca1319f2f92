import { join } from 'node:path';
import { systemPath } from '../system/environment.ts';
import type { Argv, Processes } from '../system/exec.ts';
import { exists, hashText } from '../system/files.ts';
import type { KernelFacts } from './kernel.ts';

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
 * The identity of a program, as its own words tell it. It is looked for on the system's own PATH, so that a wrapper that
 * comes first on somebody's PATH (ccache) makes no difference.
 */
export const identityOf = async (argv: Argv, processes: Processes): Promise<Identity> => {
  const ended = await processes.ask(argv, { variables: { PATH: systemPath }, limit: 10 });
  if (ended.code !== 0) return unknown;
  // By which name and from which directory it was called is not what it is.
  const said = `${ended.output}${ended.errors}`.split('\n').filter((line) => !line.startsWith('COLLECT_'));
  const hash = hashText(...said);
  return { text: `${versionLine(said)} #${hash.slice(0, 16)}`, earlier: `${identityMark}${hash}` };
};

/** What builds for a Kernel. */
export interface Tools {
  readonly compiler: Identity;
  readonly linker: Identity;
  /** Makes BTF; asked only where the kernel wants that of modules, and its own is there to build on. */
  readonly pahole: Identity;
}

/** Source: scripts/Makefile.modfinal, which goes without where there is no vmlinux. */
const isBtfMade = (config: KernelFacts['config'], headers: string): boolean =>
  config.has('CONFIG_DEBUG_INFO_BTF_MODULES') && exists(join(headers, 'vmlinux'));

/**
 * What builds for a Kernel, as kbuild chooses it (kernel documentation, kbuild/llvm.rst).
 *
 * @param ask the identity of a program, asked once
 */
export const toolsFor = async (
  { compiler, config, headers = '' }: KernelFacts,
  ask: (argv: Argv) => Promise<Identity>,
): Promise<Tools> => ({
  compiler: await ask([compiler ?? 'gcc', '-v']),
  linker: await ask([config.has('CONFIG_LD_IS_LLD') ? 'ld.lld' : 'ld', '--version']),
  pahole: isBtfMade(config, headers) ? await ask(['pahole', '--version']) : unknown,
});

/** Nothing builds. */
export const noTools: Tools = { compiler: unknown, linker: unknown, pahole: unknown };
