import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject } from 'vitest';
import { isRoot } from '../packages.ts';
import { makeWorld } from '../world.ts';

/** Small file systems of their own inside a world, where this machine lets us mount them. */

const tryMount = (path: string, options: string): boolean => {
  mkdirSync(path, { recursive: true });
  return spawnSync('mount', ['-t', 'tmpfs', '-o', `mode=755,${options}`, 'small', path]).status === 0;
};

const mounted: string[] = [];

export const mountAt = (path: string, options: string): void => {
  expect(tryMount(path, options)).toBe(true);
  mounted.push(path);
};

export const unmountAll = (): void => {
  for (const path of mounted.splice(0).reverse()) spawnSync('umount', ['--lazy', path]);
};

/** Whether there is something to build for and the right to mount; says so where it is not. */
export const canMount = (): boolean => {
  if (inject('provision').kind === 'missing') return false;
  const probe = makeWorld();
  const path = join(probe.root, 'probe');
  const isMounted = isRoot() && tryMount(path, 'size=64k');
  if (isMounted) spawnSync('umount', [path]);
  else process.stderr.write('tests of mounted file systems are skipped: only root may mount\n');
  probe.dispose();
  return isMounted;
};
