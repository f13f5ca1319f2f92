import { join } from 'node:path';
import { exists, freeBytes, isDirectory, isWritable, readDirectory, stat } from '../system/files.ts';
import { isWorldWritable } from '../system/trust.ts';
import type { Check, Found, View } from './view.ts';

/** Who may write what is read and run as root, and whether we can write at all. */

/** Less is not enough for one build. */
const leastFree = 1 << 20;

const isRoot = (): boolean => process.getuid?.() === 0;

/** What somebody has written meanwhile nobody knows: it is looked at before its mode is changed. */
const worldWritable = ({ settings, entries }: View): Found[] => {
  const { confDir, stateDir, dkmsTree } = settings;
  const sources = entries.filter(({ broken }) => !broken).flatMap(({ source }) => [source, join(source, 'dkms.conf')]);
  const overrides = [confDir, join(confDir, 'framework.conf.d')].flatMap((directory) => [
    directory,
    ...readDirectory(directory)
      .filter((name) => name.endsWith('.conf'))
      .map((name) => join(directory, name)),
  ]);
  const paths = [dkmsTree, stateDir, ...overrides, ...sources];
  return [...new Set(paths)].filter(isWorldWritable).map((path) => ({ diagnosis: { code: 'world-writable', path } }));
};

const foreignOwner = ({ settings: { confDir, stateDir, dkmsTree } }: View): Found[] => {
  if (!isRoot()) return [];
  return [confDir, join(confDir, 'framework.conf'), stateDir, dkmsTree].flatMap((path): Found[] => {
    const uid = stat(path)?.uid ?? 0;
    return uid === 0 ? [] : [{ diagnosis: { code: 'foreign-owner', path, uid } }];
  });
};

/** Of others than root it is no news that they may not write. */
const writable = (path: string): Found[] => {
  if (!isDirectory(path)) return [];
  if (isRoot() && !isWritable(path)) return [{ diagnosis: { code: 'read-only', path } }];
  const bytes = freeBytes(path);
  return bytes < leastFree ? [{ diagnosis: { code: 'disk-full', path, bytes } }] : [];
};

export const checkAccess: Check = (view) => {
  const { dkmsTree, stateDir, installTree } = view.settings;
  return [
    ...worldWritable(view),
    ...foreignOwner(view),
    ...[dkmsTree, stateDir, installTree].filter(exists).flatMap(writable),
  ];
};
