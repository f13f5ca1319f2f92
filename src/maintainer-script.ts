import { readFileSync } from 'node:fs';

/**
 * dpkg says to a maintainer script why it runs, and the prerm of a module package says `dkms remove` whatever that is.
 * Source: Debian policy 6.5 (prerm upgrade NEW-VERSION), dpkg(1) on DPKG_MAINTSCRIPT_NAME.
 */

interface Process {
  readonly words: readonly string[];
  readonly parent: number;
}

const processOf = (pid: number): Process | undefined => {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold anything; the state and the parent follow its end.
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    return { words, parent };
  } catch {
    return undefined;
  }
};

/** The command line of a process, empty if it is gone. */
export const wordsOf = (pid: number): readonly string[] => processOf(pid)?.words ?? [];

const deepest = 6;

/** The first argument of the prerm script that started us; undefined if none did. */
const prermReason = (pid: number): string | undefined => {
  let current = processOf(pid);
  for (let depth = 0; current && depth < deepest; depth += 1) {
    const script = current.words.findIndex((word) => word.endsWith('.prerm') || word.endsWith('/prerm'));
    if (script >= 0) return current.words[script + 1];
    current = processOf(current.parent);
  }
  return undefined;
};

/** Are we called by a prerm because another version of its package follows? */
export const isPackageUpgrade = (environment: Readonly<Record<string, string | undefined>>, parent: number): boolean =>
  environment.DPKG_MAINTSCRIPT_NAME === 'prerm' && prermReason(parent) === 'upgrade';

/** Are we called by the postinst of a package that is being set up? */
export const isPackageSetup = (environment: Readonly<Record<string, string | undefined>>): boolean =>
  environment.DPKG_MAINTSCRIPT_NAME === 'postinst';
