import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, inject, it } from 'vitest';
import { disposableWorld } from './disposable.ts';
import { generate } from './generated-source.ts';
import { disorder } from './installed.ts';

/** What runs leave that were killed or found the disk full, as the faults of the torture showed it. */

const provision = inject('provision');
const kernels = provision.kind === 'ready' ? provision.kernels.slice(0, 1) : [];
const release = kernels[0]?.release ?? '';
const hook = ['pacman', 'install'];

it.skipIf(kernels.length === 0)('is swept away by the next run when the one before was killed', async () => {
  const world = disposableWorld({ kernels });
  const { dkmsTree, installTree, stateDir } = world.trees;
  generate(world, 'sound');
  mkdirSync(stateDir, { recursive: true });
  writeFileSync(join(stateDir, 'lock'), '999999 1 kmodsort hook run\n');
  const left = [
    join(installTree, release, 'modules.dep.13823.770191.1795709444'),
    join(installTree, release, 'modules.symbols.bin.13823.770192.1795709444'),
    join(dkmsTree, 'gone', '1.0'),
    join(stateDir, 'record', 'gone'),
  ];
  for (const path of left.slice(0, 2)) writeFileSync(path, 'half');
  for (const path of left.slice(2)) mkdirSync(path, { recursive: true });
  expect((await world.hook(hook)).code).toBe(0);
  expect(left.filter(existsSync)).toEqual([]);
  expect(existsSync(join(dkmsTree, 'gone'))).toBe(false);
  expect(existsSync(join(installTree, release, 'modules.dep'))).toBe(true);
});

it.skipIf(kernels.length === 0)('is no entry where only the link to its source could not be made', async () => {
  const world = disposableWorld({ kernels });
  generate(world, 'sound', { unregistered: true });
  mkdirSync(join(world.trees.dkmsTree, 'sound', '1.0'), { recursive: true });
  const ended = await world.hook(hook, ['usr/src/sound-1.0/dkms.conf']);
  expect(ended.code).toBe(0);
  expect(ended.stdout).not.toContain('broken');
  expect(world.installedObjects(release)).toEqual(['sound']);
});

it.skipIf(kernels.length === 0)('is no build of dkms where only its record could not be written', async () => {
  const world = disposableWorld({ kernels });
  const records = join(world.trees.stateDir, 'record');
  const log = join(world.trees.stateDir, 'log', 'sound', '1.0', `${release}@x86_64.log`);
  generate(world, 'sound');
  mkdirSync(world.trees.stateDir, { recursive: true });
  writeFileSync(records, 'in the way');
  const first = await world.hook(hook);
  expect(first.code).toBe(1);
  expect(first.stdout).toMatch(/FAILED +sound/);
  rmSync(records);
  mkdirSync(dirname(log), { recursive: true });
  writeFileSync(log, 'kept without a record');
  const second = await world.hook(hook);
  expect(second.stdout).toContain('building (changed: unfinished build)');
  expect(second.code).toBe(0);
  expect(existsSync(log)).toBe(false);
  expect(disorder(world)).toEqual([]);
  expect((await world.hook(hook)).stdout).toContain('nothing to do');
});
