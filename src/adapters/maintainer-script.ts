import { commandLineOf, processFacts } from '../engine/system/proc.ts';

/**
 * dpkg says to a maintainer script why it runs, and the prerm of a module package says `dkms remove` whatever that is.
 * Source: Debian policy 6.5 (prerm upgrade NEW-VERSION), dpkg(1) on DPKG_MAINTSCRIPT_NAME.
 */

const deepest = 6;

/** The first argument of the prerm script that started us; undefined if none did. */
const prermReason = (pid: number): string | undefined => {
  let current: number | undefined = pid;
  for (let depth = 0; current && depth < deepest; depth += 1) {
    const words = commandLineOf(current);
    const script = words.findIndex((word) => word.endsWith('.prerm') || word.endsWith('/prerm'));
    if (script >= 0) return words[script + 1];
    current = processFacts(current)?.parent;
  }
  return undefined;
};

/** Are we called by a prerm because another version of its package follows? */
export const isPackageUpgrade = (environment: Readonly<Record<string, string | undefined>>, parent: number): boolean =>
  environment.DPKG_MAINTSCRIPT_NAME === 'prerm' && prermReason(parent) === 'upgrade';

/** Are we called by the postinst of a package that is being set up? */
export const isPackageSetup = (environment: Readonly<Record<string, string | undefined>>): boolean =>
  environment.DPKG_MAINTSCRIPT_NAME === 'postinst';
