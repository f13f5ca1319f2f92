import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import type { World } from '../world.ts';
import { disposableWorld } from './disposable.ts';
import { done } from './dkms-session.ts';
import { generate } from './generated-source.ts';

/** What our own commands and hooks leave in the ordinary life of a machine is nothing to repair. */

const provision = inject('provision');
const kernels = provision.kind === 'ready' ? provision.kernels : [];
const [first = '', second = ''] = kernels.map(({ release }) => release);

const said = async (world: World): Promise<string[]> => {
  const { stdout, stderr } = await world.kmodsort(['doctor']);
  return `${stdout}${stderr}`.split('\n').flatMap((line) => /^[a-z-]+(?=: \S)/.exec(line) ?? []);
};

const nothing = ['doctor'];

describe.skipIf(kernels.length < 2)('kmodsort doctor in the life of a machine', () => {
  it('has nothing to say as versions and kernels come and go', async () => {
    const world = disposableWorld({ kernels, distribution: 'arch' });
    generate(world, 'low');
    generate(world, 'high', { depends: ['low'] });
    world.addModule('replacer');
    expect(await said(world)).toEqual(nothing);
    await world.kmodsort(['sync']);
    expect(await said(world)).toEqual(nothing);

    generate(world, 'high', { version: '1.1', depends: ['low'] });
    await world.kmodsort(['sync']);
    expect(await said(world)).toEqual(nothing);
    await done(world, ['remove', 'high/1.0', '--all']);
    expect(await said(world)).toEqual(nothing);

    await done(world, ['uninstall', 'replacer/2.0', '-k', first]);
    expect(await said(world)).toEqual(nothing);
    await done(world, ['unbuild', 'high/1.1', '-k', first]);
    expect(await said(world)).toEqual(nothing);

    await world.hook(['pacman', 'remove'], [`usr/lib/modules/${second}/vmlinuz`]);
    rmSync(join(world.trees.installTree, second), { recursive: true, force: true });
    await world.hook(['pacman', 'install'], [`usr/lib/modules/${second}/vmlinuz`]);
    expect(await said(world)).toEqual(nothing);

    for (const label of ['high/1.1', 'low/1.0', 'replacer/2.0']) await done(world, ['remove', label, '--all']);
    expect(await said(world)).toEqual(nothing);
  });

  it('speaks of a failed build and of nothing that belongs to it', async () => {
    const world = disposableWorld({ kernels: kernels.slice(0, 1), distribution: 'arch' });
    world.addModule('broken');
    world.addModule('needs-broken');
    expect((await world.kmodsort(['sync'])).code).toBe(1);
    expect(await said(world)).toEqual(['failure-remembered', 'doctor', 'doctor']);
    expect((await world.kmodsort(['doctor'])).code).toBe(0);
    await done(world, ['remove', 'needs-broken/1.0', '--all']);
    await done(world, ['remove', 'broken/1.0', '--all']);
    // Nobody has told the login yet.
    expect((await world.kmodsort(['doctor', '--fix'])).code).toBe(0);
    expect(await said(world)).toEqual(nothing);
  });
});
