import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { missingPackages, run } from '../packages.ts';
import {
  apt,
  aptWell,
  bareMachine,
  headers,
  image,
  kmodsortMachine,
  older,
  provision,
  stopMachines,
} from './apt-machine.ts';
import { headersPackage, imagePackage, modulePackage, publish } from './debs.ts';
import { bootWith } from './loading.ts';
import type { Machine } from './machine.ts';
import {
  archMachine,
  dkmsPackage,
  linuxHeaders,
  linuxPackage,
  pacman,
  pacmanMachine,
  pacmanWell,
  publishPackages,
} from './pacman-machine.ts';
import { emulatorPackages } from './qemu.ts';
import {
  dnf,
  dnfWell,
  fedoraMachine,
  kernelCore,
  kernelDevel,
  moduleRpm,
  publishRpms,
  type RpmPackage,
  rpmMachine,
} from './rpm-machine.ts';

/** Packages of built modules on nodes that have neither kmodsort nor node, each out of a repository, by the real managers. */

afterEach(stopMachines);

const { release } = older;
const [mid, zeta] = [`kmod-mid-link-${release}`, `kmod-zeta-core-${release}`];
const tree = `/usr/lib/modules/${release}`;
const names = ['mid-link', 'zeta-core'];

/** Pack on a machine that builds, once more after a change of the source if that is wanted; the files, for us. */
const packOn = async (builder: Machine, format: string, isChanged = false): Promise<string[]> => {
  if (isChanged) {
    const changed = await builder.sh(
      'echo "/* changed */" >> /usr/src/mid-link-1.0/module/mid_link.c && kmodsort sync',
    );
    expect(changed.code, changed.stdout + changed.stderr).toBe(0);
  }
  const directory = isChanged ? '/srv/later' : '/srv/packages';
  const packed = await builder.run(['kmodsort', 'pack', '-k', release, format, '-o', directory, 'mid-link']);
  expect(packed.code, packed.stdout + packed.stderr).toBe(0);
  if (process.env.SHOW) process.stderr.write(packed.stdout);
  return readdirSync(builder.path(directory)).map((name) => join(builder.path(directory), name));
};

const bringAll = (node: Machine, files: readonly string[], directory: string): void => {
  for (const file of files) node.bring(file, directory);
};

const said = (command: string, args: readonly string[]): string[] => {
  const { stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (error) throw error;
  return `${stdout}${stderr}`.split('\n').filter((line) => /(^|: )[EW]: /.test(line));
};

/** What rpmlint says of packages: it unpacks none whose path leads through /proc. */
const lintedRpms = (files: readonly string[]): string[] => {
  const work = mkdtempSync(join(tmpdir(), 'kmodsort-rpmlint-'));
  try {
    for (const file of files) copyFileSync(file, join(work, basename(file)));
    return said('rpmlint', ['-c', join(import.meta.dirname, 'packs.toml'), work]);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
};

/** What is left of modules that went: their directory, and lines of modules.dep. */
const leftovers = async (node: Machine): Promise<string> =>
  (
    await node.sh(
      `ls -d ${tree}/updates ${tree}/extra /usr/share/libalpm/hooks/91-*; grep -E 'mid_link|zeta' ${tree}/modules.dep`,
    )
  ).stdout;

const isBare = async (node: Machine): Promise<void> => {
  expect((await node.sh('command -v kmodsort dkms node')).stdout).toBe('');
};

describe.skipIf(!provision || process.arch !== 'x64')('packages of built modules', () => {
  beforeAll(() => {
    const missing = missingPackages(emulatorPackages);
    if (missing) throw new Error(missing);
  });

  it('apt: installed by name, loaded by the real kernel, upgraded and removed clean', async () => {
    const packages = [imagePackage(release), headersPackage(older), ...names.map((name) => modulePackage(name))];
    const builder = await kmodsortMachine('bookworm', ...packages);
    await aptWell(builder, 'install', image(older), headers(older), ...names.map((name) => `${name}-dkms`));
    const files = await packOn(builder, '--deb');
    expect(said('lintian', ['--allow-root', '--fail-on', 'none', ...files])).toEqual([]);

    const node = await bareMachine('bookworm');
    await isBare(node);
    const index = async (debs: readonly string[]): Promise<void> => {
      bringAll(node, debs, '/packs');
      node.write('/packs/Packages', run('apt-ftparchive', ['packages', '.'], { cwd: node.path('/packs') }));
      node.write('/etc/apt/sources.list', 'deb [trusted=yes] file:/repo ./\ndeb [trusted=yes] file:/packs ./\n');
      await aptWell(node, 'update');
    };
    node.write('/repo/Packages', '');
    await index(files);
    const refused = await apt(node, 'install', mid);
    expect(refused.code).toBe(100);
    expect(refused.stdout + refused.stderr).toContain(`Depends: linux-image-${release} (>= 1)`);

    await publish(node, imagePackage(release));
    await index([]);
    await node.sh(`mkdir -p /var/lib/dkms/zeta-core && ln -s /tmp /var/lib/dkms/zeta-core/kernel-${release}-x86_64`);
    const beside = await apt(node, 'install', mid);
    expect(beside.stdout + beside.stderr).toContain(`dkms has installed zeta-core on ${release}: dkms remove`);
    await node.sh('rm -r /var/lib/dkms');
    await aptWell(node, '-f', 'install');
    await aptWell(node, 'install', mid);
    expect(node.objects(release)).toEqual(['mid_link', 'zeta_core']);
    expect(node.events().at(-1)).toBe(`initramfs update ${release}: mid_link zeta_core `);
    const console = await bootWith(node, release, ['mid_link']);
    expect(console).toContain('loaded: mid_link zeta_core');

    const later = await packOn(builder, '--deb', true);
    await index(later);
    const before = await node.run(['dpkg-query', '-W', mid, zeta]);
    await aptWell(node, 'dist-upgrade');
    const after = await node.run(['dpkg-query', '-W', mid, zeta]);
    const [wasMid, wasZeta] = before.stdout.split('\n');
    const [isMid, isZeta] = after.stdout.split('\n');
    expect(isMid).not.toBe(wasMid);
    // Its build is the same, and with it its package.
    expect(isZeta).toBe(wasZeta);
    expect(node.read(`${tree}/modules.dep`)).toMatch(/^updates\/dkms\/mid_link\.ko: updates\/dkms\/zeta_core\.ko$/m);

    await aptWell(node, 'purge', mid, zeta);
    expect(await leftovers(node)).toBe('');
    expect(node.events().at(-1)).toBe(`initramfs update ${release}: `);
  });

  it('dnf: installed by name, loaded by the real kernel, upgraded and removed clean, and the kernel is a dependency', async () => {
    const core: RpmPackage = { ...kernelCore(older), tags: [`Provides: kernel-${release}`] };
    const builder = await fedoraMachine('bookworm', core, kernelDevel(older), ...names.map((name) => moduleRpm(name)));
    await dnfWell(builder, 'install', core.name, kernelDevel(older).name, ...names.map((name) => `dkms-${name}`));
    const files = await packOn(builder, '--rpm');
    expect(lintedRpms(files)).toEqual([]);

    const node = await rpmMachine('bookworm');
    await isBare(node);
    bringAll(node, files, '/repo');
    await publishRpms(node);
    const refused = await dnf(node, 'install', '--refresh', mid);
    expect(refused.code).toBe(1);
    expect(refused.stdout + refused.stderr).toContain(`nothing provides kernel-${release} needed by ${mid}`);
    await publishRpms(node, core);
    await dnfWell(node, 'install', '--refresh', mid);
    expect(node.objects(release)).toEqual(['mid_link', 'zeta_core']);
    expect(node.read(`${tree}/modules.dep`)).toMatch(/^extra\/mid_link\.ko: extra\/zeta_core\.ko$/m);
    expect(node.events().at(-1)).toBe(`dracut ${release}: mid_link zeta_core `);
    expect(await bootWith(node, release, ['mid_link'])).toContain('loaded: mid_link zeta_core');

    const versions = async (): Promise<string[]> => (await node.run(['rpm', '-q', mid, zeta])).stdout.split('\n');
    const before = await versions();
    bringAll(node, await packOn(builder, '--rpm', true), '/repo');
    await publishRpms(node);
    await dnfWell(node, 'upgrade', '--refresh');
    expect(await versions()).toEqual([expect.not.stringContaining(before[0] ?? ''), ...before.slice(1)]);
    expect(node.objects(release)).toEqual(['mid_link', 'zeta_core']);
    expect(node.read(`${tree}/modules.dep`)).toMatch(/^extra\/mid_link\.ko: extra\/zeta_core\.ko$/m);
    expect(node.events().at(-1)).toBe(`dracut ${release}: mid_link zeta_core `);
    expect((await node.run(['rpm', '--verify', mid, zeta])).stdout).toBe('');
    await dnfWell(node, 'remove', mid, zeta);
    expect(await leftovers(node)).toBe('');
  });

  it('pacman: installed by name, loaded by the real kernel, upgraded and removed clean, and the kernel is a dependency', async () => {
    const kernel = [linuxPackage('linux', older), linuxHeaders('linux', older)];
    const builder = await archMachine('bookworm', ...kernel, ...names.map((name) => dkmsPackage(name)));
    await pacmanWell(builder, '-Sy', 'linux', 'linux-headers', ...names.map((name) => `${name}-dkms`));
    const files = await packOn(builder, '--pacman');
    const twice = await builder.sh(
      `kmodsort pack -k ${release} --pacman -o /srv/again && diff -r /srv/packages /srv/again`,
    );
    expect({ code: twice.code, said: twice.stderr }).toEqual({ code: 0, said: '' });

    const node = await pacmanMachine('bookworm');
    await isBare(node);
    // What Arch's kmod brings.
    node.write(
      '/usr/share/libalpm/hooks/60-depmod.hook',
      `[Trigger]\nType = Path\nOperation = Install\nOperation = Upgrade\nOperation = Remove\nTarget = usr/lib/modules/*/\n[Action]\nWhen = PostTransaction\nExec = /sbin/depmod ${release}\n`,
    );
    bringAll(node, files, '/repo');
    await node.sh('cd /repo && repo-add -q test.db.tar.gz kmod-*');
    const refused = await pacman(node, '-Syy', mid);
    expect(refused.code).toBe(1);
    expect(refused.stdout + refused.stderr).toContain(`unable to satisfy dependency 'linux=1-1' required by ${mid}`);
    await publishPackages(node, linuxPackage('linux', older));
    await pacmanWell(node, '-Syy', mid);
    expect(node.objects(release)).toEqual(['mid_link', 'zeta_core']);
    expect(node.read(`${tree}/modules.dep`)).toMatch(/^updates\/dkms\/mid_link\.ko: updates\/dkms\/zeta_core\.ko$/m);
    expect(node.events().at(-1)).toBe('mkinitcpio linux: mid_link zeta_core ');
    expect((await node.run(['pacman', '-Qkk', mid, zeta])).stdout).toContain(' 0 altered files');
    expect(await bootWith(node, release, ['mid_link'])).toContain('loaded: mid_link zeta_core');

    const versions = async (): Promise<string[]> => (await node.run(['pacman', '-Q', mid, zeta])).stdout.split('\n');
    const before = await versions();
    bringAll(node, await packOn(builder, '--pacman', true), '/repo');
    await node.sh('cd /repo && repo-add -q test.db.tar.gz kmod-*');
    await pacmanWell(node, '-Syyu');
    expect(await versions()).toEqual([expect.not.stringContaining(before[0] ?? ''), ...before.slice(1)]);
    expect(node.objects(release)).toEqual(['mid_link', 'zeta_core']);
    expect(node.read(`${tree}/modules.dep`)).toMatch(/^updates\/dkms\/mid_link\.ko: updates\/dkms\/zeta_core\.ko$/m);
    expect(node.events().at(-1)).toBe('mkinitcpio linux: mid_link zeta_core ');
    await pacmanWell(node, '-R', mid, zeta);
    expect(await leftovers(node)).toBe('');
    expect(node.events().at(-1)).toBe('mkinitcpio linux: ');
  });
});
