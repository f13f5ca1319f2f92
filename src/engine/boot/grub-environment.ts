import { dirname, join } from 'node:path';
import type { Processes } from '../system/exec.ts';
import { exists, realPath } from '../system/files.ts';
import { copyFile, makeTemporary, remove, rename, syncPath } from '../system/publish.ts';

/**
 * GRUB's environment block, which keeps `saved_entry`. grub-editenv(1) empties the file before it writes it: it works
 * on a copy, which is renamed.
 */

export interface EnvironmentBlock {
  /** `<GRUB's directory>/grubenv`. */
  readonly path: string;
  /** grub-editenv, or grub2-editenv. */
  readonly program: string;
}

type Variables = ReadonlyMap<string, string>;

/** What is in it; nothing where it is missing or cannot be read. */
export const readBlock = async ({ path, program }: EnvironmentBlock, processes: Processes): Promise<Variables> => {
  if (!exists(path)) return new Map();
  const { output } = await processes.ask([program, path, 'list'], { limit: 30 });
  return new Map(
    output.split('\n').flatMap((line): [string, string][] => {
      const at = line.indexOf('=');
      return at > 0 ? [[line.slice(0, at), line.slice(at + 1)]] : [];
    }),
  );
};

type Words = readonly [string, ...string[]];

const commandsFor = (change: Readonly<Record<string, string | undefined>>): Words[] => {
  const set = Object.entries(change).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
  const unset = Object.keys(change).filter((name) => change[name] === undefined);
  return [
    ...(set.length > 0 ? [['set', ...set] as const] : []),
    ...(unset.length > 0 ? [['unset', ...unset] as const] : []),
  ];
};

/**
 * Change variables, all at once.
 *
 * @param change undefined: no longer set
 * @returns why it could not be done
 */
export const changeBlock = async (
  { path, program }: EnvironmentBlock,
  change: Readonly<Record<string, string | undefined>>,
  processes: Processes,
): Promise<string | undefined> => {
  const target = realPath(path) ?? path;
  const work = makeTemporary(dirname(target), '.tmp_kmodsort_');
  const copy = join(work, 'grubenv');
  try {
    if (exists(target)) copyFile(target, copy);
    const create: Words[] = exists(target) ? [] : [['create']];
    for (const words of [...create, ...commandsFor(change)]) {
      const ended = await processes.ask([program, copy, ...words], { limit: 30 });
      if (ended.code !== 0) return ended.problem;
    }
    syncPath(copy);
    rename(copy, target);
    syncPath(dirname(target));
    return undefined;
  } finally {
    remove(work);
  }
};
