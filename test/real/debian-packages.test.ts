import { cpSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type PackagedSource, packagedSource } from '../module-packages.ts';
import { run } from '../packages.ts';
import { makeWorld, type World } from '../world.ts';
import { disorder, installedFiles, objectName } from './installed.ts';

/** Modules of Debian's packages, their sources as they are, through one hook on a real kernel. */

const provision = inject('provision');
const kernels = provision.kind === 'ready' ? provision.kernels.slice(0, 1) : [];
const release = kernels[0]?.release ?? '';

/** xtables-addons makes two dozen objects and moves them about itself. */
const built = ['acpi-call-dkms', 'xtables-addons-dkms'];
/** One is not built without being asked; cloud kernels have no CONFIG_VIDEO_DEV, which the conf of the other wants. */
const leftOut = ['lime-forensics-dkms', 'v4l2loopback-dkms'];

const modinfo = (path: string, field: string): string => run('modinfo', ['-F', field, path]).trim();

describe.skipIf(provision.kind === 'missing')('modules of Debian packages', () => {
  let world: World;
  let sources: PackagedSource[] = [];

  beforeAll(() => {
    world = makeWorld({ kernels });
    sources = [...built, ...leftOut].map(packagedSource);
    for (const { directory } of sources) {
      cpSync(directory, join(world.trees.sourceTree, basename(directory)), { recursive: true });
    }
  });

  afterAll(() => world?.dispose());

  it('are built and installed by the hook, or left out with the reason that their conf gives', async () => {
    // As Debian's packages of modules do when they are configured.
    for (const { name, version } of sources) world.register(name, version);
    const ended = await world.hook(['apt', 'postinst', release, `/boot/vmlinuz-${release}`]);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ended.stdout).toContain('summary: 4 modules on 1 kernel: 2 installed, 2 skipped');
    expect(ended.stdout).toMatch(/^ {2}skipped +v4l2loopback\/.*BUILD_EXCLUSIVE_KERNEL/m);
    expect(ended.stdout).toMatch(/^ {2}skipped +lime-forensics\/.*AUTOINSTALL=no/m);
    const objects = world.installedObjects(release);
    expect(objects).toEqual(expect.arrayContaining(['acpi_call', 'compat_xtables', 'xt_ACCOUNT', 'xt_quota2']));
    expect(objects.length).toBeGreaterThan(20);
  });

  it('fit the kernel, are bound to each other by their symbols, and leave nothing behind', () => {
    const files = installedFiles(world, release);
    const wrong = files.filter((path) => modinfo(path, 'vermagic').split(' ')[0] !== release);
    expect(wrong).toEqual([]);
    const needing = files.filter((path) => modinfo(path, 'depends').split(',').includes('compat_xtables'));
    expect(needing.map(objectName)).toContain('xt_ipp2p');
    expect(disorder(world)).toEqual([]);
  });

  it('are as they should be for the next hook', async () => {
    const again = await world.hook(['apt', 'trigger']);
    expect(again.stdout).toMatch(/nothing to do: \d modules? on 1 kernel/);
  });
});
