import { type FailureKind, saidBySystem } from '../errors.ts';
import { freeBytes } from '../system/files.ts';

/** What a log says went wrong: the kind, and the first line that shows it. */
export interface Cause {
  readonly kind: FailureKind;
  readonly detail: string;
}

/** In this order: what makes every other message a mere consequence comes first. */
const signs: readonly { readonly kind: FailureKind; readonly pattern: RegExp }[] = [
  // Makefiles try out what they may not do, and go on.
  ...saidBySystem.filter(({ kind }) => kind !== 'no-permission'),
  {
    kind: 'memory-short',
    pattern: /virtual memory exhausted|Killed signal terminated program|out of memory allocating/i,
  },
  { kind: 'compiler-failed', pattern: /^[^\s:][^:]*:\d+(:\d+)?: (fatal )?error: / },
  { kind: 'modpost-failed', pattern: /^ERROR: modpost: |^ERROR: "[^"]+" \[.*\] undefined!|modpost: .*undefined!/ },
  {
    kind: 'tool-missing',
    pattern:
      /(?:^|\/)(?:sh|bash): (?:\d+: |line \d+: )?.*: (?:command )?not found$|^make(?:\[\d+\])?: [^*:]+: No such file or directory$|: (?:command not found|No such file or directory)$/,
  },
  { kind: 'make-failed', pattern: /No rule to make target|\*\*\* .*Stop\.$|\berror\b/i },
];

/** Lines that only repeat what failed before them. */
const echo = /^make(\[\d+\])?: (\*\*\*|Entering|Leaving)|^# |^-{64}$|^\s*$/;

const firstMatch = (lines: readonly string[], pattern: RegExp): string | undefined =>
  lines.find((line) => pattern.test(line));

const shorten = (line: string, directory: string): string => line.replaceAll(`${directory}/`, '').trim();

/**
 * Find the first real error in the output of a failed command.
 *
 * @param directory the build directory, left out of the paths in the answer
 */
export const causeOf = (log: string, directory: string): Cause => {
  const lines = log.split('\n').map((line) => line.replace(/\r$/, ''));
  for (const { kind, pattern } of signs) {
    const found = firstMatch(
      lines.filter((line) => kind === 'make-failed' || !echo.test(line)),
      pattern,
    );
    if (found) return { kind, detail: shorten(found, directory) };
  }
  // What the command itself said, not our title above it.
  const output = lines.slice(lines.findLastIndex((line) => line.startsWith('# command: ')) + 1);
  const last = output.filter((line) => !echo.test(line)).at(-1);
  return { kind: 'make-failed', detail: shorten(last ?? '', directory) };
};

/** What is left of a full disk when a compiler has taken its half-written object away again. */
const almostNothing = 1 << 20;

/** Whether there was no room for a build: the log may have had none for the words that say so, either. */
export const isDiskFull = (directory: string): boolean => freeBytes(directory) < almostNothing;

/** The program that a tool-missing line is about; undefined if it does not say. */
export const missingTool = (detail: string): string | undefined =>
  /(?:^|[\s:])([\w.+/-]+): (?:command )?not found$/.exec(detail)?.[1] ??
  /^make(?:\[\d+\])?: ([^:]+): No such file or directory$/.exec(detail)?.[1];

/** Symbols that modpost could not find. */
export const undefinedSymbols = (log: string): string[] => [
  ...new Set([...log.matchAll(/"([^"\s]+)" \[[^\]]*\] undefined!/g)].map((match) => match[1] ?? '')),
];
