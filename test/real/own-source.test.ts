import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import type { World } from '../world.ts';
import { disposableWorld } from './disposable.ts';
import { generate } from './generated-source.ts';
import { identities } from './installed.ts';

/** Modules whose build writes into their own source, as Debian's west-chamber does. */

const provision = inject('provision');
const kernels = provision.kind === 'ready' ? provision.kernels : [];
const releases = kernels.map(({ release }) => release);

const newWorld = (): World => {
  const world = disposableWorld({ kernels, distribution: 'arch' });
  const stamp = `date +%s%N > $source_tree/inside-1.0/stamp; date +%s%N > $source_tree/inside-1.0/version.h`;
  generate(world, 'inside', {
    conf: `MAKE[0]='${stamp}; make -C $kernel_source_dir M=$dkms_tree/inside/1.0/build modules'\n`,
  });
  writeFileSync(join(world.trees.sourceTree, 'inside-1.0/version.h'), '');
  return world;
};

const hook = async (world: World): Promise<string> => {
  const { code, stdout, stderr } = await world.hook(['pacman', 'install'], ['usr/lib/modules/other/vmlinuz']);
  expect(code, stdout + stderr).toBe(0);
  return stdout + stderr;
};

describe.skipIf(provision.kind === 'missing')('a build that writes into its own source', () => {
  it('is not repeated by the next hooks, for any kernel', async () => {
    const world = newWorld();
    const sync = await world.kmodsort(['sync', ...releases.flatMap((release) => ['-k', release])]);
    expect(sync.code, sync.stdout + sync.stderr).toBe(0);
    const before = releases.map((release) => identities(world, release));
    expect(await hook(world)).not.toContain('building');
    expect(await hook(world)).not.toContain('building');
    expect(releases.map((release) => identities(world, release))).toEqual(before);
  });

  it('is built again where something else in its source has changed, and once', async () => {
    const world = newWorld();
    await hook(world);
    const file = join(world.trees.sourceTree, 'inside-1.0/inside.c');
    writeFileSync(file, `${readFileSync(file, 'utf8')}MODULE_ALIAS("inside");\n`);
    expect(await hook(world)).toContain('building (changed: sources)');
    expect(await hook(world)).not.toContain('building');
  });
});
