import { basename, dirname, join } from 'node:path';
import type { Settings } from '../settings.ts';
import { exists, readText } from '../system/files.ts';

/** Which file in the boot file system is the image of which kernel. */

/** Packages of Arch name it after themselves. */
export const packageOf = (installTree: string, release: string): string | undefined => {
  const base = readText(join(installTree, release, 'pkgbase'))?.trim();
  return base && /^[\w.+-]+$/.test(base) ? base : undefined;
};

/** File names that a kernel's image may have. */
export const imageNames = ({ installTree }: Pick<Settings, 'installTree'>, release: string): string[] => {
  const base = packageOf(installTree, release);
  return [`vmlinuz-${release}`, `vmlinux-${release}`, ...(base ? [`vmlinuz-${base}`] : [])];
};

/** The image of a kernel in /boot; undefined if it is not there. */
export const imageIn = (settings: Pick<Settings, 'installTree'>, release: string): string | undefined =>
  imageNames(settings, release)
    .map((name) => join('/boot', name))
    .find(exists);

/** Whether a path that a boot loader reads is a kernel's image: also `/<token>/<release>/linux`, as kernel-install(8) puts it. */
export const isImageOf = (settings: Pick<Settings, 'installTree'>, release: string, path: string): boolean =>
  imageNames(settings, release).includes(basename(path)) || basename(dirname(path)) === release;
