import { basename, join } from 'node:path';
import { objectNameOf } from '../kernel/compression.ts';
import { readText } from '../system/files.ts';

/** What modprobe will find on a kernel: modules.dep(5). */

export interface ModulesDep {
  /** Relative to the kernel's directory. */
  readonly paths: ReadonlySet<string>;
  /** Names, with `_` for `-`, as the kernel has them. */
  readonly names: ReadonlySet<string>;
}

/** Lines `kernel/fs/ext4/ext4.ko.xz: dependencies`; undefined where depmod was never run. */
export const readModulesDep = (directory: string): ModulesDep | undefined => {
  const text = readText(join(directory, 'modules.dep'));
  if (text === undefined) return undefined;
  const paths = text.split('\n').flatMap((line) => (line.includes(':') ? [line.slice(0, line.indexOf(':'))] : []));
  const names = paths.map((path) => (objectNameOf(basename(path)) ?? '').replaceAll('-', '_'));
  return { paths: new Set(paths), names: new Set(names) };
};
