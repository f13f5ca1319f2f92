import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import type { World } from '../world.ts';
import { disposableWorld } from './disposable.ts';
import { done, statusLines } from './dkms-session.ts';

/** Which module wins: the kernel's own or the one that dkms builds, by MODULE_VERSION and srcversion. */

const provision = inject('provision');
const kernels = provision.kind === 'ready' ? provision.kernels.slice(0, 1) : [];
const release = kernels[0]?.release ?? '';
/** The kernel's own has version 1.0: ours is made to have another. */
const worldWith = (version: string): World => {
  const world = disposableWorld({ kernels, distribution: 'arch' });
  world.addModule('replacer', {
    edit: (directory) => {
      const conf = join(directory, 'dkms.conf');
      writeFileSync(conf, readFileSync(conf, 'utf8').replace(`EDITION=\${PACKAGE_VERSION}`, `EDITION=${version}`));
    },
  });
  return world;
};

const own = (world: World): string =>
  join(world.trees.installTree, release, 'kernel/drivers/misc', basename(kernels[0]?.inTree ?? ''));
const install = (world: World, ...more: string[]) => world.dkms(['install', 'replacer/2.0', '-k', release, ...more]);

describe.skipIf(provision.kind === 'missing')('an in-tree module', () => {
  it.each([
    ['that is older is replaced', '2.0', [], 0, ['intree_demo'], false],
    ['that is newer stays, and the command ends with 6', '0.5', [], 6, [], true],
    ['that is newer is replaced with --force', '0.5', ['--force'], 0, ['intree_demo'], false],
    [
      'that is newer is replaced with --force-version-override',
      '0.5',
      ['--force-version-override'],
      0,
      ['intree_demo'],
      false,
    ],
  ] as const)('%s', async (_title, version, more, code, objects, stays) => {
    const world = worldWith(version);
    const ended = await install(world, ...more);
    expect({ code: ended.code, said: ended.code === code ? '' : ended.stdout }).toEqual({ code, said: '' });
    expect(world.installedObjects(release)).toEqual(objects);
    expect(existsSync(own(world))).toBe(stays);
  });

  it('is no matter to a newer version of the module that is installed: it stays, unless --force says otherwise', async () => {
    const world = worldWith('2.0');
    world.addModule('replacer', { version: '1.5' });
    await install(world);
    const older = ['install', 'replacer/1.5', '-k', release];
    const said = await world.dkms(older);
    expect(said.code).toBe(6);
    expect(said.stdout + said.stderr).toMatch(/replacer\/2\.0 is installed and newer: \S+intree_demo\.ko/);
    expect(await statusLines(world)).toEqual([
      `replacer/1.5, ${release}, x86_64: built (Original modules exist)`,
      `replacer/2.0, ${release}, x86_64: installed (Original modules exist)`,
    ]);
    await done(world, [...older, '--force']);
    expect((await statusLines(world))[0]).toMatch(/^replacer\/1\.5, .*: installed/);
    await install(world);
    expect((await statusLines(world))[1]).toMatch(/^replacer\/2\.0, .*: installed/);
  });

  it('that a kernel update brings again takes the place of the saved one, and is put back in the end', async () => {
    const world = worldWith('2.0');
    await install(world);
    const updated = Buffer.concat([readFileSync(kernels[0]?.inTree ?? ''), Buffer.from('updated')]);
    writeFileSync(own(world), updated);
    await done(world, ['install', 'replacer/2.0', '-k', release, '--force']);
    expect(existsSync(own(world))).toBe(false);
    expect(await statusLines(world)).toEqual([`replacer/2.0, ${release}, x86_64: installed (Original modules exist)`]);
    await done(world, ['uninstall', 'replacer/2.0', '-k', release]);
    expect(readFileSync(own(world)).equals(updated)).toBe(true);
  });
});
