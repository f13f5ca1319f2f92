import { join } from 'node:path';
import type { ModuleConf } from '../conf/conf.ts';
import type { Failure, FailureKind } from '../errors.ts';
import type { Tools } from '../kernel/compiler.ts';
import { findCommand } from '../kernel/kernel.ts';
import {
  builtWith,
  isOlder,
  knowsSuffixes,
  linkedWith,
  rustVersion,
  rustVersionIn,
  versionIn,
} from '../kernel/toolchain.ts';
import type { ToolVersion } from '../problems.ts';
import type { BuildSite } from '../run/build-site.ts';
import type { Run } from '../run/run.ts';
import { exists, lstat, readText, walk } from '../system/files.ts';
import { installCommand } from '../system/install-command.ts';

/**
 * The programs that build for a kernel against those that built it. A build is kept from being tried only where it cannot
 * go well: an older compiler builds most modules, and a newer one all that it can.
 */

/** A difference that explains why a make failed. */
export interface Mismatch {
  readonly failure: Failure;
  /** make needs not be tried. */
  readonly isCertain: boolean;
}

/** The caller's PATH, or the one that the admin exports to builds. */
const pathOf = (run: Run, { building }: BuildSite): string => building?.PATH ?? run.environment.PATH ?? '';

const isHere = (program: string, path: string): boolean =>
  program.includes('/') ? exists(program) : findCommand(program, path) !== undefined;

const makefileName = /(^|\/)(GNUmakefile|Makefile|makefile|Kbuild|.*\.mk)$/;

/** Texts of the Makefiles among the files of a build. What a build made of one may be a link, or a FIFO without an end. */
const makefiles = (build: string, files: readonly string[]): string[] =>
  files
    .filter((file) => makefileName.test(file) && lstat(join(build, file))?.kind === 'file')
    .map((file) => readText(join(build, file)) ?? '');

/** Words that name another compiler to kbuild, on its command line or in a Makefile that calls it. */
const namesCompiler = /\b(CC|LLVM|CROSS_COMPILE)\b["']?\s*[:?+]?=|\$[({]?CC\b/;

/** Whether kbuild will run the very compiler that the headers name: nothing says another one. */
const isLeftToKbuild = (run: Run, site: BuildSite, { make, objects }: ModuleConf, build: string): boolean => {
  const environment = { ...run.environment, ...site.building };
  const isTold =
    environment.CROSS_COMPILE !== undefined ||
    environment.MAKEFLAGS !== undefined ||
    environment.LLVM !== site.facts.llvm;
  if (objects.length === 0 || isTold) return false;
  if (make !== undefined && (!/^make(?=\s|$)/.test(make) || namesCompiler.test(make))) return false;
  return !makefiles(build, walk(build)).some((text) => namesCompiler.test(text));
};

/** `gcc-14`: a program of the version that built the kernel, as distributions that have several name it. */
const versioned = (program: string, built: ToolVersion | undefined): string =>
  built === undefined || /-\d+$/.test(program) ? program : `${program}-${built.major}`;

/** What has to be installed: LLVM's programs are wanted all of one version. */
const lacked = ({ facts, kernel }: BuildSite, program: string, built: ToolVersion | undefined): string[] => {
  if (!facts.config.has('CONFIG_CC_IS_CLANG')) return [program];
  const all = facts.llvm === undefined ? ['clang'] : ['clang', 'ld.lld', 'llvm-nm'];
  return knowsSuffixes(kernel.release) ? all.map((one) => versioned(one, built)) : all;
};

const missingProgram = (run: Run, site: BuildSite, program: string, built: ToolVersion | undefined): Failure => {
  const install = installCommand(run.settings.distribution, ...lacked(site, program, built));
  const { release } = site.kernel;
  return {
    kind: 'compiler-missing',
    at: program,
    problem: { problem: 'program-missing', program, release, ...(built ? { built } : {}) },
    ...(install === undefined ? {} : { install }),
  };
};

const commands: Readonly<Record<ToolVersion['tool'], string>> = { gcc: 'gcc', clang: 'clang', lld: 'ld.lld' };

const olderProgram = (run: Run, site: BuildSite, program: string, found: ToolVersion, built: ToolVersion): Failure => {
  const install = installCommand(run.settings.distribution, versioned(commands[built.tool], built));
  return {
    kind: 'compiler-older',
    at: program,
    problem: { problem: 'program-older', release: site.kernel.release, built, found },
    ...(install === undefined ? {} : { install }),
  };
};

/** The programs of a build that the kernel's own are compared with. */
const comparedWith = ({ programs, compiler, linker }: Tools, { facts: { config } }: BuildSite) => [
  { program: programs.compiler, built: builtWith(config), found: versionIn(compiler.text) },
  ...(config.has('CONFIG_LD_IS_LLD')
    ? [{ program: programs.linker, built: linkedWith(config), found: versionIn(linker.text) }]
    : []),
];

/**
 * What is wrong with the compiler or the linker for a kernel; undefined if nothing is.
 *
 * @param build the build directory, whose Makefiles may name another compiler
 */
export const toolchainMismatch = async (
  run: Run,
  site: BuildSite,
  conf: ModuleConf,
  build: string,
): Promise<Mismatch | undefined> => {
  const path = pathOf(run, site);
  const compared = comparedWith(await run.toolsOf(site.kernel), site);
  const missing = compared.find(({ program }) => program !== '' && !isHere(program, path));
  if (missing) {
    const failure = missingProgram(run, site, missing.program, builtWith(site.facts.config));
    return { failure, isCertain: isLeftToKbuild(run, site, conf, build) };
  }
  for (const { program, built, found } of compared) {
    if (!built || !found || !isOlder(found, built)) continue;
    return { failure: olderProgram(run, site, program, found, built), isCertain: false };
  }
  return undefined;
};

/** Whether an object of kbuild is made of a Rust source: `obj-m := demo.o` beside demo.rs. */
const hasRust = (build: string): boolean => {
  const files = walk(build);
  const names = files.flatMap((file) => /(?:^|\/)([\w-]+)\.rs$/.exec(file)?.[1] ?? []);
  const texts = names.length > 0 ? makefiles(build, files) : [];
  return names.some((name) => texts.some((text) => new RegExp(`(^|[\\s=])${name}\\.o\\b`).test(text)));
};

/**
 * What is wrong with rustc for a module with Rust sources: the kernel's own Rust libraries can be read by the compiler of
 * their very version alone. Source: kernel documentation, rust/quick-start.rst. Undefined where nothing is, or there are none.
 */
export const rustMismatch = async (run: Run, site: BuildSite, build: string): Promise<Failure | undefined> => {
  if (!hasRust(build)) return undefined;
  const built = rustVersion(site.facts.config);
  const said = await run.processes.ask(['rustc', '--version'], { variables: { PATH: pathOf(run, site) }, limit: 10 });
  const found = rustVersionIn(said.output);
  if (built !== undefined && built === found) return undefined;
  const install = built !== undefined && !found ? installCommand(run.settings.distribution, 'rustc') : undefined;
  return {
    kind: 'rust-mismatch',
    at: 'rustc',
    problem: {
      problem: 'rust-version',
      release: site.kernel.release,
      ...(built === undefined ? {} : { built }),
      ...(found === undefined ? {} : { found }),
    },
    ...(install === undefined ? {} : { install }),
  };
};

/** Errors that a program which is not there, or another rustc, may be the reason of. */
const explained: ReadonlySet<FailureKind> = new Set([
  'compiler-failed',
  'modpost-failed',
  'make-failed',
  'tool-missing',
]);

/** Makefiles that find their compiler too old say so, and end. */
const aboutCompiler = /compiler|\b(?:gcc|clang|lld)\b/i;

/** An older compiler explains what is said of code; a recipe that fails of something else would fail with any. */
const explains = (mismatch: Failure, { kind, detail = '' }: Failure): boolean =>
  mismatch.kind !== 'compiler-older'
    ? explained.has(kind)
    : kind === 'compiler-failed' || kind === 'modpost-failed' || (kind === 'make-failed' && aboutCompiler.test(detail));

/** The failure of a make with what explains it told first, and make's own error after it. */
export const withMismatch = (failure: Failure, mismatch: Failure | undefined): Failure => {
  if (!mismatch || !explains(mismatch, failure)) return failure;
  const own = failure.detail ? { more: [{ problem: 'said', text: failure.detail } as const] } : {};
  return { ...mismatch, ...own, ...(failure.code === undefined ? {} : { code: failure.code }) };
};
