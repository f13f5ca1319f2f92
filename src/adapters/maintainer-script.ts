import { commandLineOf, processFacts } from '../engine/system/proc.ts';

/**
 * dpkg says to a maintainer script why it runs, and the prerm of a module package says `dkms remove` whatever that is.
 * Source: Debian policy 6.5 (prerm upgrade NEW-VERSION), dpkg(1) on DPKG_MAINTSCRIPT_NAME.
 */

/** The command lines of a process and of those that started it, nearest first. */
const commandLinesFrom = (pid: number): (readonly string[])[] => {
  const facts = processFacts(pid);
  return facts ? [commandLineOf(pid), ...commandLinesFrom(facts.parent)] : [];
};

/** The first argument of the prerm script that started us; undefined if none did. */
const prermReason = (pid: number): string | undefined =>
  commandLinesFrom(pid)
    .map((words) => words[words.findIndex((word) => /[./]prerm$/.test(word)) + 1 || words.length])
    .find((reason) => reason !== undefined);

const managers = /(^|\/)(rpm|dnf|dnf5|dnf-3|yum|microdnf|zypper|packagekitd|pacman)$/;

/** Are we called by a package's script? dpkg says so; rpm's and pacman's name stands among those that started us. */
export const isScriptlet = (environment: Readonly<Record<string, string | undefined>>, parent: number): boolean =>
  environment.DPKG_MAINTSCRIPT_NAME !== undefined ||
  commandLinesFrom(parent).some((words) => words.slice(0, 2).some((word) => managers.test(word)));

/** Are we called by a prerm because another version of its package follows? */
export const isPackageUpgrade = (environment: Readonly<Record<string, string | undefined>>, parent: number): boolean =>
  environment.DPKG_MAINTSCRIPT_NAME === 'prerm' && prermReason(parent) === 'upgrade';

/** Are we called by the postinst of a package that is being set up? */
export const isPackageSetup = (environment: Readonly<Record<string, string | undefined>>): boolean =>
  environment.DPKG_MAINTSCRIPT_NAME === 'postinst';
