import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import type { Ended } from '../child.ts';
import { disposableWorld } from './disposable.ts';
import { generate } from './generated-source.ts';

/** What a run leaves can be read by all and written by nobody else, whatever the caller's umask. */

const provision = inject('provision');
const kernels = provision.kind === 'ready' ? provision.kernels.slice(-1) : [];
const release = kernels[0]?.release ?? '';

const withUmask = async (mask: number, run: () => Promise<Ended>): Promise<Ended> => {
  const before = process.umask(mask);
  try {
    return await run();
  } finally {
    process.umask(before);
  }
};

describe.skipIf(kernels.length === 0)('a run', () => {
  it.each([[0o077], [0o000]])('started with umask %o leaves files with the modes of 022', async (mask) => {
    const world = disposableWorld({ kernels });
    generate(world, 'sound');
    const { code } = await withUmask(mask, () => world.kmodsort(['sync']));
    expect(code).toBe(0);
    const { dkmsTree, stateDir, installTree } = world.trees;
    const updates = join(installTree, release, 'updates');
    const built = join(dkmsTree, 'sound/1.0', release, 'x86_64/module');
    const modes = [
      ...[updates, built, stateDir, join(stateDir, 'record')],
      join(installTree, release, 'modules.dep'),
      ...[updates, built].flatMap((place) => world.files(place).map((name) => join(place, name))),
    ].map((path) => (statSync(path).mode & 0o7777).toString(8));
    // Beside the object its Module.symvers is built.
    expect(modes).toEqual([...Array(4).fill('755'), ...Array(4).fill('644')]);
  });
});
