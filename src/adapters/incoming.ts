import { isBuildTool } from '../engine/system/names.ts';

/** What a transaction is about to bring: the package managers' lists for the guard. Pure. */

export interface Incoming {
  /** Absolute paths of package files. */
  readonly archives: readonly string[];
  /** The same of what builds: compilers, linkers. */
  readonly tools: readonly string[];
  /** Names that the manager itself has to be asked about. */
  readonly packages: readonly string[];
}

/** Kernels and modules; whatever else comes is not looked into. */
const isOfInterest = (name: string): boolean => /^(linux|kernel)|dkms|modules?\b/.test(name);

const lines = (stdin: string): string[] => stdin.split(/[\0\r\n]/);

/**
 * apt's Pre-Install-Pkgs, version 3: its configuration, an empty line, then a line for each package that ends in the
 * path of its archive. Source: apt.conf(5).
 */
const fromApt = (stdin: string): Incoming => {
  const [, ...parts] = stdin.split('\n\n');
  const packages = lines(parts.join('\n\n')).map((line) => line.split(' '));
  const those = (fits: (name: string) => boolean): string[] =>
    packages
      .filter(([name]) => fits(name ?? ''))
      .map((words) => words.at(-1) ?? '')
      .filter((path) => /^\/.*\.deb$/.test(path));
  return { archives: those(isOfInterest), tools: those(isBuildTool), packages: [] };
};

/** pacman's targets are names; `pacman -U` has the files on its own command line. */
const fromPacman = (stdin: string, callerWords: readonly string[]): Incoming => ({
  archives: callerWords.filter((word) => /^\/.*\.pkg\.tar(\.\w+)?$/.test(word)),
  tools: [],
  packages: lines(stdin).filter((name) => /^[\w@.+-]+$/.test(name) && isOfInterest(name)),
});

/** @param callerWords the command line of whoever called us */
export const incomingOf = (manager: 'apt' | 'pacman', stdin: string, callerWords: readonly string[]): Incoming =>
  manager === 'apt' ? fromApt(stdin) : fromPacman(stdin, callerWords);
