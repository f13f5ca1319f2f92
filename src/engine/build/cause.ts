import type { ModuleConf } from '../conf/conf.ts';
import { type FailureKind, type Hint, saidBySystem } from '../errors.ts';
import { freeBytes } from '../system/files.ts';

/** What a log says went wrong: the kind, and the line that shows it. */
export interface Cause {
  readonly kind: FailureKind;
  readonly detail: string;
  /** What helps against just that. */
  readonly hint?: Hint;
}

/** A compiler, or a part of it, that says something without naming a place in a source: `cc1: error: …`. */
const tools = String.raw`(?:\S*\/)?(?:[\w.+-]+-)?(?:gcc|g\+\+|c\+\+|cc|cc1|cc1plus|clang|clang\+\+|ld|ld\.\w+|collect2|rustc)(?:-\d+)?`;

/** Said by a compiler of whatever name. */
const ofFlags = String.raw`\S+: error: (?:unrecognized command[- ]line option|unknown argument:)`;

const byCompiler = new RegExp(
  String.raw`^(?:[^\s:][^:]*:\d+(?::\d+)?: (?:fatal )?error: |${tools}: (?:fatal )?error: |${ofFlags}|error(?:\[E\d+\])?: )`,
);

const ofModpost = /^ERROR: modpost: |^ERROR: "[^"]+" \[.*\] undefined!|modpost: .*undefined!/;

interface Sign {
  readonly kind: FailureKind;
  readonly pattern: RegExp;
  /** Sought in all lines, in what make says of its recipes, too, or in those alone that tell of an error. */
  readonly among?: 'all' | 'errors';
}

/** In this order: what makes every other message a mere consequence comes first. */
const signs: readonly Sign[] = [
  // Makefiles try out what they may not do, and go on.
  ...saidBySystem.filter(({ kind }) => kind !== 'no-permission'),
  {
    kind: 'memory-short',
    pattern:
      /virtual memory exhausted|Killed signal terminated program|internal compiler error: Killed|out of memory allocating|signal: 9, SIGKILL/i,
  },
  { kind: 'compiler-failed', pattern: byCompiler },
  { kind: 'modpost-failed', pattern: ofModpost },
  {
    kind: 'make-failed',
    pattern: /: Exec format error$|version magic '.*' should be '|objtool: (?:not found|No such file)/,
  },
  {
    kind: 'tool-missing',
    pattern:
      /(?:^|\/)(?:sh|bash): (?:\d+: |line \d+: )?.*: (?:command )?not found$|^make(?:\[\d+\])?: [^*:]+: No such file or directory$|: (?:command not found|No such file or directory)$/,
  },
  { kind: 'make-failed', among: 'all', pattern: /No rule to make target|\*\*\* .*Stop\.$/ },
  { kind: 'make-failed', among: 'errors', pattern: /\berror\b/i },
];

/** What helps, by the line that shows what went wrong. */
const hints: readonly (readonly [Hint, RegExp])[] = [
  [
    'compiler-of-kernel',
    /unrecognized command[- ]line option|unknown argument: |cannot load plugin |incompatible gcc\/plugin versions|failed to initialize plugin/,
  ],
  [
    'headers-incomplete',
    /tools\/objtool\/objtool|scripts\/(?:basic\/fixdep|mod\/modpost|genksyms\/genksyms)\b(?!.*Exec format)|No rule to make target '\S*scripts\/module\.lds'/,
  ],
  ['headers-foreign', /scripts\/\S*: Exec format error$|tools\/\S*: Exec format error$/],
  ['kernel-running', /version magic '.*' should be '/],
  [
    'newer-module',
    /fatal error: (?:linux|asm|net|drm|media|sound|scsi|crypto|rdma|uapi)\/\S+: No such file|implicit declaration of function|has no member named|no member named '|too (?:few|many) arguments to function|incompatible[- ]pointer[- ]type|incompatible type for argument|call to undeclared function/,
  ],
];

const hintOf = (line: string): { readonly hint?: Hint } => {
  const hint = hints.find(([, pattern]) => pattern.test(line))?.[0];
  return hint ? { hint } : {};
};

/** Lines that only repeat what failed before them. */
const echo = /^make(\[\d+\])?: (\*\*\*|Entering|Leaving)|^# |^-{64}$|^\s*$/;

/** Remarks of kbuild that no build has failed of. */
const harmless =
  /^Skipping BTF generation |^warning: the compiler differs from the one used to build|^ {2}(?:The kernel was built by|You are using): |^WARNING: (?:modpost: )?(?:Symbol version dump|Module\.symvers is missing)|pahole .*(?:version differs|differs from the one)/;

/** What is done, not what went wrong: `  CC [M]  demo.o`, and warnings. */
const progress = /^ {2}[A-Z][A-Z0-9_]+ |\b(?:warning|note): /;

const firstMatch = (lines: readonly string[], pattern: RegExp): string | undefined =>
  lines.find((line) => pattern.test(line));

const shorten = (line: string, directory: string): string => line.replaceAll(`${directory}/`, '').trim();

/** Without a known sign: what was said just before make gave up, else what make said of it, else the last line. */
const lastWords = (lines: readonly string[]): string => {
  // What the command itself said, not our title above it.
  const output = lines.slice(lines.findLastIndex((line) => line.startsWith('# command: ')) + 1);
  const end = output.findIndex((line) => /^make(?:\[\d+\])?: \*\*\* /.test(line));
  const before = end > 0 ? (output[end - 1] ?? '') : '';
  if (end >= 0) return echo.test(before) || progress.test(before) ? (output[end] ?? '') : before;
  return output.filter((line) => !echo.test(line)).at(-1) ?? '';
};

/** The program that a tool-missing line is about; undefined if it does not say. */
export const missingTool = (detail: string): string | undefined =>
  /(?:^|[\s:])([\w.+/-]+): (?:command )?not found$/.exec(detail)?.[1] ??
  /^make(?:\[\d+\])?: ([^:]+): No such file or directory$/.exec(detail)?.[1];

/**
 * Find the first real error in the output of a failed command.
 *
 * @param directory the build directory, left out of the paths in the answer
 */
export const causeOf = (log: string, directory: string): Cause => {
  const lines = log
    .split('\n')
    .map((line) => line.replace(/\r$/, ''))
    .filter((line) => !harmless.test(line));
  const own = lines.filter((line) => !echo.test(line));
  const errors = own.filter((line) => !progress.test(line));
  for (const { kind, pattern, among } of signs) {
    const found = firstMatch(among === 'all' ? lines : among === 'errors' ? errors : own, pattern);
    if (found === undefined) continue;
    const detail = shorten(found, directory);
    // A file that a program does not find is no program.
    const isFile = kind === 'tool-missing' && missingTool(detail) === undefined;
    return { kind: isFile ? 'make-failed' : kind, detail, ...hintOf(found) };
  }
  return { kind: 'make-failed', detail: shorten(lastWords(lines), directory) };
};

/** At a place in the module's own source: a path from the build directory. A header that is not found may be installed. */
const inOwnSource = /^[^\s/:][^:]*:\d+(?::\d+)?: error: (?!.*No such file)/;

/** make itself, maybe with variables before it; what a configure script of MAKE finds out is of the machine. */
const isMakeAlone = /^(?:[A-Za-z_]\w*=\S*\s+)*make(?:\s[^;&|`]*)?$/;

/**
 * Whether a failure follows from what goes into the Key: the compiler that the Key names does not take the module's own
 * source, and nothing else had a say in it.
 *
 * @param isConfined whether the build saw neither the network nor what others write
 */
export const followsFromInputs = (
  { kind, detail }: Cause,
  { make, scripts }: Pick<ModuleConf, 'make' | 'scripts'>,
  isConfined: boolean,
): boolean =>
  kind === 'compiler-failed' &&
  isConfined &&
  scripts.PRE_BUILD === undefined &&
  (make === undefined || isMakeAlone.test(make)) &&
  inOwnSource.test(detail);

/** What is left of a full disk when a compiler has taken its half-written object away again. */
const almostNothing = 1 << 20;

/** Whether there was no room for a build: the log may have had none for the words that say so, either. */
export const isDiskFull = (directory: string): boolean => freeBytes(directory) < almostNothing;

/** A library whose headers the kernel's own programs need: what installCommand knows it by. */
export const missingLibrary = (detail: string): 'libelf' | 'libssl' | undefined => {
  if (/fatal error: (?:gelf|libelf)\.h: No such file|please install libelf-dev/.test(detail)) return 'libelf';
  return /fatal error: openssl\/\S+: No such file/.test(detail) ? 'libssl' : undefined;
};

/** Symbols that modpost could not find. */
export const undefinedSymbols = (log: string): string[] => [
  ...new Set([...log.matchAll(/"([^"\s]+)" \[[^\]]*\] undefined!/g)].map((match) => match[1] ?? '')),
];
