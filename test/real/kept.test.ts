import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { run } from '../packages.ts';
import type { World } from '../world.ts';
import { disposableWorld } from './disposable.ts';
import { generate } from './generated-source.ts';
import { disorder, installedFile, installedFiles } from './installed.ts';
import { canMount } from './mounts.ts';

/** What is installed stays what it is: through failed upgrades, damaged files and removals that cannot be done. */

const provision = inject('provision');
const kernels = provision.kind === 'ready' ? provision.kernels.slice(0, 1) : [];
const release = kernels[0]?.release ?? '';
const newWorld = (): World => disposableWorld({ kernels, distribution: 'arch' });

const stateOf = async (world: World, label: string): Promise<string> =>
  (await world.dkms(['status', label])).stdout.trim();

describe.skipIf(kernels.length === 0)('a removal that cannot be done', () => {
  const bound: string[] = [];
  const possible = canMount();
  const readOnly = (world: World): void => {
    const tree = world.trees.installTree;
    run('mount', ['--bind', tree, tree]);
    bound.push(tree);
    run('mount', ['-o', 'remount,bind,ro', tree]);
  };
  const writable = (): void => {
    for (const tree of bound.splice(0)) run('umount', [tree]);
  };
  afterAll(writable);

  it.skipIf(!possible)('changes nothing, is told with its cause, and stops no other command', async () => {
    const world = newWorld();
    generate(world, 'held');
    generate(world, 'other', { unregistered: true });
    await world.hook(['pacman', 'install']);
    readOnly(world);
    const removal = await world.dkms(['uninstall', 'held/1.0', '-k', release]);
    expect(removal.code).toBe(1);
    expect(removal.stdout).toMatch(/FAILED +held\/1\.0 .* read-only file system/);
    expect(removal.stdout).toContain('EROFS');
    expect(world.files(join(world.trees.stateDir, 'journal'))).toEqual([]);
    for (const words of [
      ['add', 'other/1.0'],
      ['build', 'other/1.0', '-k', release],
      ['remove', 'other/1.0', '--all'],
    ])
      expect(await world.dkms(words)).toMatchObject({ code: 0 });
    writable();
    expect((await world.hook(['boot'])).stdout).toContain('nothing to do');
    expect(await stateOf(world, 'held')).toMatch(/: installed$/);
    expect(disorder(world)).toEqual([]);
  });

  it.skipIf(!possible)('that a killed run had begun is its own failure, until it can be done', async () => {
    const world = newWorld();
    generate(world, 'held');
    generate(world, 'other');
    await world.hook(['pacman', 'install']);
    const journal = { version: 1, module: { name: 'held', version: '1.0' }, kernel: { release, arch: 'x86_64' } };
    const path = join(world.trees.stateDir, 'journal', `held@${release}@x86_64.json`);
    writeFileSync(path, JSON.stringify({ ...journal, action: 'uninstall', ours: [] }));
    readOnly(world);
    const removal = await world.dkms(['unbuild', 'other/1.0', '-k', 'none']);
    expect(removal.code).toBe(0);
    expect(removal.stderr + removal.stdout).toContain('warning: read-only file system');
    const hook = await world.hook(['pacman', 'install']);
    expect(hook.code).toBe(1);
    expect(hook.stdout).toMatch(/unchanged +other\/1\.0/);
    expect(hook.stdout).toContain(`held/1.0 on ${release}, whose removal was interrupted`);
    writable();
    expect((await world.kmodsort(['sync', '-k', release])).code).toBe(0);
    expect(existsSync(path)).toBe(false);
    expect(disorder(world)).toEqual([]);
  });
});

describe.skipIf(kernels.length === 0)('an upgrade typed by hand whose depmod fails', () => {
  const failing = (world: World): { env: { PATH: string } } => {
    const bin = join(world.root, 'traps');
    run('mkdir', ['-p', bin]);
    writeFileSync(join(bin, 'depmod'), '#!/bin/sh\necho no >&2\nexit 1\n', { mode: 0o755 });
    return { env: { PATH: `${bin}:/usr/sbin:/usr/bin:/sbin:/bin` } };
  };

  it('puts back what was installed', async () => {
    const world = newWorld();
    generate(world, 'tool');
    expect((await world.dkms(['install', 'tool/1.0', '-k', release])).code).toBe(0);
    const before = readFileSync(installedFile(world, release, 'tool'), 'base64');
    const { directory } = generate(world, 'tool', { version: '2.0' });
    appendFileSync(join(directory, 'tool.c'), 'MODULE_INFO(edition, "2");\n');
    const upgrade = await world.dkms(['install', 'tool/2.0', '-k', release], failing(world));
    expect(upgrade.code).toBe(6);
    expect(upgrade.stdout + upgrade.stderr).toContain(`tool/1.0 is installed again on ${release}`);
    expect(await stateOf(world, 'tool/1.0')).toMatch(/: installed$/);
    expect(await stateOf(world, 'tool/2.0')).toMatch(/: built$/);
    expect(readFileSync(installedFile(world, release, 'tool'), 'base64')).toBe(before);
    expect(disorder(world)).toEqual([]);
  });

  it('takes the new one away where there was none before', async () => {
    const world = newWorld();
    generate(world, 'tool');
    expect((await world.dkms(['install', 'tool/1.0', '-k', release], failing(world))).code).toBe(6);
    expect(await stateOf(world, 'tool/1.0')).toMatch(/: built$/);
    expect(installedFiles(world, release)).toEqual([]);
  });
});

describe.skipIf(kernels.length === 0)('an installed file with other bytes', () => {
  it("is ours, and never taken for the kernel's own", async () => {
    const world = newWorld();
    generate(world, 'tool');
    await world.hook(['pacman', 'install']);
    appendFileSync(installedFile(world, release, 'tool'), 'x');
    expect((await world.kmodsort(['sync', '-k', release])).code).toBe(0);
    expect(await stateOf(world, 'tool')).toMatch(/: installed$/);
    appendFileSync(installedFile(world, release, 'tool'), 'x');
    expect((await world.dkms(['remove', 'tool/1.0', '--all'])).code).toBe(0);
    expect(installedFiles(world, release)).toEqual([]);
    expect(disorder(world)).toEqual([]);
  });

  it('that dkms installed keeps its difference, and is removed with its module', async () => {
    const world = newWorld();
    generate(world, 'tool');
    await world.hook(['pacman', 'install']);
    rmSync(world.trees.stateDir, { recursive: true });
    appendFileSync(installedFile(world, release, 'tool'), 'signed by hand');
    const different = /installed \(Differences between built and installed modules\)$/;
    expect(await stateOf(world, 'tool')).toMatch(different);
    expect((await world.hook(['pacman', 'install'])).stdout).toContain('nothing to do');
    expect(await stateOf(world, 'tool')).toMatch(different);
    expect(readFileSync(installedFile(world, release, 'tool'), 'latin1')).toMatch(/signed by hand$/);
    expect((await world.dkms(['remove', 'tool/1.0', '--all'])).code).toBe(0);
    expect(installedFiles(world, release)).toEqual([]);
    expect(readFileSync(join(world.trees.installTree, release, 'modules.dep'), 'utf8')).not.toContain('tool.ko');
  });
});
