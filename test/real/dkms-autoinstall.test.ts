import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import type { World, WorldOptions } from '../world.ts';
import { disposableWorld } from './disposable.ts';
import { done, refused, saidBy, statusLines, treesOf } from './dkms-session.ts';
import { generate } from './generated-source.ts';
import { disorder } from './installed.ts';

/** `dkms autoinstall`, and what kernel packages call: kernel_postinst, kernel_preinst, kernel_prerm. */

const provision = inject('provision');
const missing = provision.kind === 'missing';
const kernels = provision.kind === 'ready' ? provision.kernels.slice(0, 1) : [];
const [older = ''] = kernels.map((kernel) => kernel.release);
const arch = 'x86_64';
const newWorld = (options: WorldOptions = {}): World => disposableWorld({ kernels, ...options });

const autoinstall = ['autoinstall', '-k', older];
const installed = (label: string): string => `${label}, ${older}, ${arch}: installed`;

/** A failing depmod in front of the system's. */
const withoutDepmod = (world: World): Readonly<Record<string, string>> => {
  const traps = join(world.root, 'traps');
  mkdirSync(traps, { recursive: true });
  writeFileSync(join(traps, 'depmod'), '#!/bin/sh\nexit 1\n');
  chmodSync(join(traps, 'depmod'), 0o755);
  return { PATH: `${traps}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin` };
};

describe.skipIf(missing)('dkms autoinstall', () => {
  let world: World;

  beforeAll(async () => {
    world = newWorld();
    for (const version of ['1.9', '1.10', '1.2']) generate(world, 'many', { version });
    generate(world, 'base');
    generate(world, 'top', { depends: ['base'] });
    generate(world, 'manual', { conf: 'AUTOINSTALL="no"\n' });
    generate(world, 'elsewhere', { conf: 'BUILD_EXCLUSIVE_KERNEL="^2\\."\n' });
    generate(world, 'freed', { depends: ['elsewhere'], uses: [] });
    generate(world, 'waiting', { depends: ['absent'], uses: [] });
    world.configure(`post_transaction="echo $kernelver >> ${world.root}/told"\n`);
  });

  it('is switched off by /etc/dkms/no-autoinstall', async () => {
    const file = join(world.trees.confDir, 'no-autoinstall');
    writeFileSync(file, '');
    const before = treesOf(world);
    await done(world, autoinstall);
    expect(treesOf(world)).toEqual(before);
    rmSync(file);
  });

  it('installs the newest version of each module with AUTOINSTALL=yes, what they need first, with one depmod', async () => {
    const said = await done(world, autoinstall);
    expect(said).toMatch(/deferred +waiting\/1\.0 .* depends on absent, which is not in the dkms tree/);
    expect(said.match(/depmod /g)).toHaveLength(1);
    expect(await statusLines(world)).toEqual([
      installed('base/1.0'),
      'elsewhere/1.0: added',
      installed('freed/1.0'),
      'manual/1.0: added',
      installed('many/1.10'),
      'many/1.2: added',
      'many/1.9: added',
      installed('top/1.0'),
      'waiting/1.0: added',
    ]);
    expect(disorder(world)).toEqual([]);
  });

  it('runs post_transaction once, and only where something changed', async () => {
    const before = treesOf(world);
    await done(world, ['autoinstall', '-k', `${older}/${arch}`]);
    expect(treesOf(world)).toEqual(before);
    expect(readFileSync(join(world.root, 'told'), 'utf8')).toBe(`${older}\n`);
  });

  it('ends with 0 without headers where nothing has to be built, and with 21 where something has', async () => {
    const build = join(world.trees.installTree, older, 'build');
    rmSync(build);
    await done(world, autoinstall);
    generate(world, 'fresh');
    await refused(world, autoinstall, 21, new RegExp(`kernel headers for ${older} not found`));
    await refused(world, ['kernel_postinst', '-k', older], 21, /install the package with the headers/);
    rmSync(join(world.trees.dkmsTree, 'fresh'), { recursive: true });
    world.addHeaders(older);
    await refused(world, ['autoinstall', '-k', '6.0.0-none'], 21, /6\.0\.0-none/);
  });

  it('ends with 11 where modules fail, installs the others, and says who waits for whom', async () => {
    world.addModule('broken');
    world.addModule('needs-broken');
    generate(world, 'held', { depends: ['manual'], uses: [] });
    for (const [name, other] of [
      ['left', 'right'],
      ['right', 'left'],
    ] as const)
      generate(world, name, { depends: [other], uses: [] });
    generate(world, 'fine');
    const ended = await world.dkms(autoinstall);
    const said = saidBy(world, ended);
    expect([ended.code, said]).toEqual([11, expect.stringMatching(/FAILED +broken\/1\.0 .*compiler error/)]);
    expect(said).toMatch(/blocked +needs-broken\/1\.0 .*not tried: broken failed/);
    expect(said).toMatch(/blocked +held\/1\.0 .*depends on manual, which has AUTOINSTALL=no/);
    expect(said).toMatch(/blocked +left\/1\.0 .*circular dependency: .*left -> right/);
    expect(said).toContain(`modules are missing on ${older}: broken, held, left, needs-broken, right\n`);
    expect(world.installedObjects(older)).toEqual(['base', 'fine', 'freed', 'many', 'top']);
  });

  it.each([
    ['held', /AUTOINSTALL=no/],
    ['left', /circular dependency/],
  ])('ends with 11 for %s alone too', async (name, cause) => {
    for (const other of ['broken', 'needs-broken', 'held', 'left', 'right']) {
      const belongs = other === name || (name === 'left' && other === 'right');
      if (!belongs) rmSync(join(world.trees.dkmsTree, other), { recursive: true, force: true });
    }
    await refused(world, autoinstall, 11, cause);
    for (const other of ['held', 'left', 'right']) {
      if (!existsSync(join(world.trees.dkmsTree, other, '1.0'))) world.register(other, '1.0');
    }
  });
});

describe.skipIf(missing)('what kernel packages call', () => {
  let world: World;

  beforeAll(async () => {
    world = newWorld();
    generate(world, 'auto');
    generate(world, 'manual', { conf: 'AUTOINSTALL="no"\n' });
    await done(world, ['install', 'manual/1.0', '-k', older]);
  });

  it('kernel_postinst installs as autoinstall does', async () => {
    await done(world, ['kernel_postinst', '-k', older]);
    expect(await statusLines(world)).toEqual([installed('auto/1.0'), installed('manual/1.0')]);
  });

  it('kernel_preinst unbuilds what autoinstall will build again, with one depmod', async () => {
    const said = await done(world, ['kernel_preinst', '-k', older]);
    expect(said.match(/depmod /g)).toHaveLength(1);
    expect(await statusLines(world)).toEqual(['auto/1.0: added', installed('manual/1.0')]);
    const again = treesOf(world);
    await done(world, ['kernel_preinst', '-k', older]);
    expect(treesOf(world)).toEqual(again);
  });

  it('kernel_prerm unbuilds everything of the kernel, with one depmod, and forgets no module', async () => {
    await done(world, ['kernel_postinst', '-k', older]);
    const said = await done(world, ['kernel_prerm', '-k', older]);
    expect(said.match(/depmod /g)).toHaveLength(1);
    expect(await statusLines(world)).toEqual(['auto/1.0: added', 'manual/1.0: added']);
    expect(world.installedObjects(older)).toEqual([]);
    await done(world, ['kernel_prerm', '-k', older]);
  });

  it('end with 14 where they fail', async () => {
    await done(world, ['kernel_postinst', '-k', older]);
    const ended = await world.dkms(['kernel_preinst', '-k', older], { env: withoutDepmod(world) });
    expect([ended.code, saidBy(world, ended)]).toEqual([14, expect.stringContaining('depmod failed')]);
  });

  it('act on no other kernel than the one that is named', async () => {
    await refused(world, ['kernel_postinst'], 4, /kernel_postinst requires -k KERNEL/);
    await refused(world, ['kernel_prerm', '-k', older, '-k', '6.0'], 4, /kernel_prerm accepts one -k only/);
    await refused(world, ['kernel_preinst', '--all'], 5, /does not accept --all/);
  });
});
