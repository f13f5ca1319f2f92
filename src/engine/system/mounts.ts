import { readText } from './files.ts';

/** What is mounted where. Source: proc_pid_mountinfo(5), fstab(5). */

/** A mount as this process sees it. */
export interface Mount {
  readonly point: string;
  readonly type: string;
  /** Of the mount itself: `ro` or `rw`, nosuid, nodev, noexec, relatime … */
  readonly options: readonly string[];
}

const unescapeOctal = (text: string): string =>
  text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));

/** The mounts that the text of a mountinfo file names, in its order. */
export const parseMounts = (text: string): Mount[] =>
  text.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , , point, options] = before.split(' ');
    const [type] = after.split(' ');
    return point && options && type ? [{ point: unescapeOctal(point), type, options: options.split(',') }] : [];
  });

/** The mounts of this process; none where there is no /proc. */
export const mounts = (): Mount[] => parseMounts(readText('/proc/self/mountinfo') ?? '');

const escapeOctal = (text: string): string =>
  text.replaceAll(/[\s\\#]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`);

/** A line of a table for `mount --all --fstab`. */
export const fstabLine = (what: string, point: string, type: string, options: readonly string[]): string =>
  `${escapeOctal(what)} ${escapeOctal(point)} ${type} ${options.join(',')}\n`;
