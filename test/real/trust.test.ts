import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import type { World } from '../world.ts';
import { disposableWorld } from './disposable.ts';
import { done, refused, saidBy } from './dkms-session.ts';
import { generate } from './generated-source.ts';

/** Whoever can write a source can do what root can: root builds it. */

const provision = inject('provision');
const kernels = provision.kind === 'ready' ? provision.kernels.slice(0, 1) : [];
const [release = ''] = kernels.map((kernel) => kernel.release);
const nobody = 65534;
const isRoot = process.getuid?.() === 0;

const ends = (program: string, ...words: readonly string[]): void =>
  expect([program, spawnSync(program, words).status]).toEqual([program, 0]);

/** What others than root can change below a directory. */
const writable = (directory: string): string[] =>
  spawnSync('find', [directory, '(', '-not', '-user', '0', '-o', '-perm', '/022', ')', '-not', '-type', 'l'], {
    encoding: 'utf8',
  })
    .stdout.split('\n')
    .filter(Boolean);

const foreign = (world: World): string => {
  const { directory } = generate(world, 'tool', { unregistered: true });
  const home = join(world.root, 'home');
  renameSync(directory, home);
  writeFileSync(join(home, 'helper.sh'), '#!/bin/sh\n', { mode: 0o755 });
  ends('chmod', '-R', 'g+w', home);
  ends('chmod', 'o+w', join(home, 'tool.c'));
  ends('chown', '-R', `${nobody}:${nobody}`, home);
  return home;
};

describe.skipIf(!isRoot || kernels.length === 0)('a source of somebody else', () => {
  it("is copied as root's, as dkms does it, and stays executable where it was", async () => {
    const world = disposableWorld();
    await done(world, ['add', foreign(world)]);
    const copy = join(world.trees.sourceTree, 'tool-1.0');
    expect(writable(copy)).toEqual([]);
    expect(statSync(join(copy, 'helper.sh')).mode & 0o777).toBe(0o755);
  });

  it("is root's when it comes out of an archive", async () => {
    const world = disposableWorld();
    const archive = join(world.root, 'tool.tar.gz');
    ends('tar', '-czf', archive, '-C', foreign(world), '.');
    await done(world, ['add', archive]);
    expect(writable(join(world.trees.sourceTree, 'tool-1.0'))).toEqual([]);
  });

  it('that was moved to the source tree is built, and the command that mends it is told once', async () => {
    const world = disposableWorld({ kernels });
    const { directory } = generate(world, 'tool');
    chownSync(join(directory, 'Makefile'), nobody, nobody);
    const said = saidBy(world, await world.kmodsort(['sync']));
    expect(said.match(/warning: not owned by root: \S+\/Makefile: .*/g)).toEqual([
      'warning: not owned by root: /usr/src/tool-1.0/Makefile: chown -R root: /usr/src/tool-1.0',
    ]);
    expect(world.installedObjects(release)).toEqual(['tool']);
  });

  it('is refused with strict_sources, and built by the next hook when it is mended', async () => {
    const world = disposableWorld({ kernels });
    world.configure('strict_sources="yes"\n');
    const { directory } = generate(world, 'tool');
    chownSync(directory, nobody, nobody);
    await refused(world, ['build', 'tool/1.0', '-k', release], 8, /refused, not owned by root: \/usr\/src\/tool-1\.0/);
    const failed = await world.kmodsort(['hook', 'run', 'apt', 'postinst', release]);
    expect(saidBy(world, failed)).toContain('chown -R root: /usr/src/tool-1.0');
    chownSync(directory, 0, 0);
    await world.kmodsort(['hook', 'run', 'apt', 'postinst', release]);
    expect(world.installedObjects(release)).toEqual(['tool']);
  });
});

describe.skipIf(kernels.length === 0)('a source that everybody may write', () => {
  it.each([
    ['Makefile', 'file'],
    ['tool.c', 'file'],
  ])('in %s is refused, and built by the next hook when it is mended', async (name) => {
    const world = disposableWorld({ kernels });
    const { directory } = generate(world, 'tool');
    chmodSync(join(directory, name), 0o666);
    const failed = await world.kmodsort(['hook', 'run', 'apt', 'postinst', release]);
    expect(saidBy(world, failed)).toContain(`refused, world-writable file: /usr/src/tool-1.0/${name}`);
    expect(saidBy(world, failed)).toContain(`chmod o-w /usr/src/tool-1.0/${name}`);
    expect(world.installedObjects(release)).toEqual([]);
    chmodSync(join(directory, name), 0o644);
    await world.kmodsort(['hook', 'run', 'apt', 'postinst', release]);
    expect(world.installedObjects(release)).toEqual(['tool']);
  });
});
