import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { run } from '../packages.ts';
import type { World } from '../world.ts';
import { disposableWorld } from './disposable.ts';
import { done, statusLines } from './dkms-session.ts';
import { disorder, identities, installedFile } from './installed.ts';

/** Two packages that yield the same object, as forks of one driver do: as with dkms the later one is installed over it. */

const provision = inject('provision');
const kernels = provision.kind === 'ready' ? provision.kernels.slice(0, 1) : [];
const release = kernels[0]?.release ?? '';

const addFork = (world: World, name: string): void => {
  const directory = join(world.trees.sourceTree, `${name}-1.0`);
  mkdirSync(directory);
  writeFileSync(
    join(directory, 'dkms.conf'),
    `PACKAGE_NAME=${name}\nPACKAGE_VERSION=1.0\nBUILT_MODULE_NAME[0]=same\nDEST_MODULE_LOCATION[0]=/extra\nAUTOINSTALL=yes\n`,
  );
  writeFileSync(join(directory, 'Makefile'), 'obj-m := same.o\n');
  writeFileSync(
    join(directory, 'same.c'),
    `#include <linux/module.h>\nMODULE_LICENSE("GPL");\nMODULE_DESCRIPTION("${name}");\n`,
  );
  world.register(name, '1.0');
};

const newWorld = (...names: readonly string[]): World => {
  const world = disposableWorld({ kernels, distribution: 'arch' });
  for (const name of names) addFork(world, name);
  return world;
};

const install = (world: World, name: string): Promise<string> => done(world, ['install', `${name}/1.0`, '-k', release]);
const whose = (world: World): string =>
  run('modinfo', ['-F', 'description', installedFile(world, release, 'same')]).trim();
const hook = (world: World) => world.hook(['pacman', 'install'], [`usr/lib/modules/${release}/vmlinuz`]);

const settled = async (world: World): Promise<void> => {
  const before = identities(world, release);
  const { code, stdout, stderr } = await hook(world);
  expect({ code, said: stdout + stderr }).toEqual({ code: 0, said: expect.not.stringContaining('building') });
  expect(stdout + stderr).not.toContain('installing');
  expect(identities(world, release)).toEqual(before);
};

describe.skipIf(provision.kind === 'missing')('two modules that install the same object', () => {
  it('are both installed, the later one in use, and no hook changes that', async () => {
    const world = newWorld('one', 'two');
    await install(world, 'one');
    expect(await install(world, 'two')).toContain(
      `warning: one/1.0 and two/1.0 both install same.ko: on ${release} that of two/1.0 is in use`,
    );
    expect(whose(world)).toBe('two');
    expect(await statusLines(world)).toEqual([
      `one/1.0, ${release}, x86_64: installed (Differences between built and installed modules)`,
      `two/1.0, ${release}, x86_64: installed (Original modules exist)`,
    ]);
    await settled(world);
    expect((await world.kmodsort(['verify'])).code).toBe(0);
  });

  it('come back when the later one is removed', async () => {
    const world = newWorld('one', 'two');
    await install(world, 'one');
    await install(world, 'two');
    await done(world, ['remove', 'two/1.0', '--all']);
    expect(whose(world)).toBe('one');
    expect(await statusLines(world, ['one'])).toEqual([`one/1.0, ${release}, x86_64: installed`]);
    await settled(world);
    await done(world, ['remove', 'one/1.0', '--all']);
    expect(world.installedObjects(release)).toEqual([]);
    expect(disorder(world)).toEqual([]);
  });

  it('leave the later one alone when the earlier one is removed, which does not come back', async () => {
    const world = newWorld('one', 'two');
    await install(world, 'one');
    await install(world, 'two');
    await done(world, ['remove', 'one/1.0', '--all']);
    expect(whose(world)).toBe('two');
    await settled(world);
    await done(world, ['remove', 'two/1.0', '--all']);
    expect(world.installedObjects(release)).toEqual([]);
    expect(disorder(world)).toEqual([]);
  });

  it('are built in their order by a hook, and the last one is in use, told once', async () => {
    const world = newWorld('one', 'two');
    const { code, stdout, stderr } = await hook(world);
    expect(code).toBe(0);
    expect((stdout + stderr).match(/both install same\.ko/g)).toHaveLength(1);
    expect(whose(world)).toBe('two');
    await settled(world);
  });

  it('change places with who was built last, and neither is lost', async () => {
    const world = newWorld('one', 'two');
    await install(world, 'one');
    await install(world, 'two');
    const file = join(world.trees.sourceTree, 'one-1.0/same.c');
    writeFileSync(file, `${readFileSync(file, 'utf8')}MODULE_ALIAS("one");\n`);
    expect((await hook(world)).code).toBe(0);
    expect(whose(world)).toBe('one');
    await settled(world);
    await done(world, ['remove', 'one/1.0', '--all']);
    expect(whose(world)).toBe('two');
    await settled(world);
  });

  it('are both damaged where the file is gone', async () => {
    const world = newWorld('one', 'two');
    await install(world, 'one');
    await install(world, 'two');
    rmSync(installedFile(world, release, 'same'));
    expect((await hook(world)).code).toBe(0);
    expect(whose(world)).toBe('two');
    await settled(world);
  });
});
