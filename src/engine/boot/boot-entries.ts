import { basename } from 'node:path';
import type { Settings } from '../settings.ts';
import { isImageOf, packageOf } from './images.ts';

/**
 * What bootctl(1) lists, as people read it: systemd 252 says only there which entry is the default. Entries are ordered
 * and renamed as in "Boot Counting" of the Boot Loader Specification.
 */

export interface BootEntry {
  readonly id: string;
  /** The file, with the tries in its name. */
  readonly source: string;
  readonly isDefault: boolean;
  readonly linux?: string;
  readonly version?: string;
}

const fieldIn = (block: string, key: string): string | undefined =>
  new RegExp(`^\\s*${key}: (.*)$`, 'm').exec(block)?.[1]?.trim();

/** @param text of `bootctl list` */
export const parseBootList = (text: string): BootEntry[] =>
  text.split(/\n\s*\n/).flatMap((block) => {
    const [id, source] = [fieldIn(block, 'id'), /^\s*source: (\/.*?)(?: \(on the .*\))?$/m.exec(block)?.[1]];
    if (id === undefined || source === undefined) return [];
    const [linux, version] = [fieldIn(block, 'linux')?.split(' ')[0], fieldIn(block, 'version')];
    const isDefault = /\(default\)/.test(fieldIn(block, 'title') ?? '');
    return [{ id, source, isDefault, ...(linux ? { linux } : {}), ...(version ? { version } : {}) }];
  });

/** `name`, `+3-1` of boot counting, and the suffix. */
const named = /^(.*?)(\+\d+(?:-\d+)?)?(\.conf|\.efi)$/;

/** Whether an entry boots a kernel. */
export const isEntryOf = (settings: Pick<Settings, 'installTree'>, release: string, entry: BootEntry): boolean => {
  const stem = named.exec(basename(entry.source))?.[1] ?? '';
  const base = packageOf(settings.installTree, release);
  return (
    entry.version === release ||
    stem.endsWith(`-${release}`) ||
    (entry.linux !== undefined && isImageOf(settings, release, entry.linux)) ||
    (base !== undefined && stem.endsWith(`-${base}`))
  );
};

/** Without tries left an entry comes after all that have some. @returns undefined for a file that has none already */
export const withoutTries = (source: string): string | undefined => {
  const [, stem, tries = '', suffix] = named.exec(basename(source)) ?? [];
  if (stem === undefined || /^\+0(-|$)/.test(tries)) return undefined;
  return `${source.slice(0, source.length - basename(source).length)}${stem}+0${suffix}`;
};
