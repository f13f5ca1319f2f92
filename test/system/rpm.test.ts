import { afterEach, describe, expect, it } from 'vitest';
import { newer, older, provision, releases, stopMachines } from './apt-machine.ts';
import type { SourceOptions } from './contents.ts';
import {
  dnf,
  dnfWell,
  fedoraMachine,
  installOurRpm,
  kernelCore,
  kernelDevel,
  moduleRpm,
  publishRpms,
  type RpmPackage,
} from './rpm-machine.ts';

/** Transactions of the real dnf and rpm, with kernel-install and our file triggers. */

afterEach(stopMachines);

const chain = ['alpha-top', 'mid-link', 'zeta-core'];
const chainObjects = ['alpha_top', 'mid_link', 'zeta_core'];
const core = kernelCore(older);
const devel = kernelDevel(older);
const changedSignature = (text: string): string => text.replace('zeta_count(void)', 'zeta_count(long unused)');
/** Sources that only lie there: the triggers have to see them. */
const sourceOnly = (fixture: string, options: SourceOptions = {}): RpmPackage => {
  const { scriptlets: _none, ...made } = moduleRpm(fixture, options);
  return made;
};

describe.skipIf(!provision).each(releases)('dnf on %s', (release) => {
  it('kernel-headers-modules: all in one transaction, and the initramfs has what was registered before', async () => {
    const machine = await fedoraMachine(release, core, devel, ...chain.map((name) => sourceOnly(name)));
    await dnfWell(machine, 'install', core.name, devel.name, ...chain.map((name) => `dkms-${name}`));
    expect(machine.objects(older.release)).toEqual(chainObjects);
    expect(machine.events().at(-1)).toBe(`dracut ${older.release}: alpha_top mid_link zeta_core `);
    expect((await machine.run(['kmodsort', 'verify', '-k', older.release])).code).toBe(0);
  });

  it('second-kernel: the plugin builds in time for the initramfs, and a kernel that leaves is cleaned up', async () => {
    const [core2, devel2] = [kernelCore(newer), kernelDevel(newer)];
    const machine = await fedoraMachine(release, core, devel, core2, devel2, ...chain.map((name) => sourceOnly(name)));
    await dnfWell(machine, 'install', core.name, devel.name, 'dkms-zeta-core');
    await dnfWell(machine, 'install', core2.name, devel2.name);
    expect(machine.objects(newer.release)).toEqual(['zeta_core']);
    expect(machine.events().at(-1)).toBe(`dracut plugin ${newer.release}: zeta_core `);
    await dnfWell(machine, 'remove', core.name, devel.name);
    expect(machine.objects(older.release)).toEqual([]);
    expect(machine.exists(`/var/lib/dkms/zeta-core/1.0/${older.release}`)).toBe(false);
    expect(machine.objects(newer.release)).toEqual(['zeta_core']);
  });

  it('headers-later: are made up for by the file trigger', async () => {
    const machine = await fedoraMachine(release, core, devel, ...chain.map((name) => sourceOnly(name)));
    const first = await dnf(machine, 'install', core.name, 'dkms-zeta-core');
    expect(first.code).toBe(0);
    expect(first.stdout + first.stderr).toMatch(/FAILED +zeta-core\/1\.0 .*kernel headers for \S+ not found/);
    await dnfWell(machine, 'install', devel.name);
    expect(machine.objects(older.release)).toEqual(['zeta_core']);
  });

  it('upgrade: of a package that calls dkms itself, the new version is there and the old one is gone', async () => {
    const machine = await fedoraMachine(release, core, devel, moduleRpm('zeta-core'));
    await dnfWell(machine, 'install', core.name, devel.name, 'dkms-zeta-core');
    expect(machine.objects(older.release)).toEqual(['zeta_core']);
    await publishRpms(machine, moduleRpm('zeta-core', { version: '1.1' }));
    await dnfWell(machine, 'upgrade', '--refresh');
    expect(machine.objects(older.release)).toEqual(['zeta_core']);
    expect((await machine.run(['dkms', 'status'])).stdout).toBe(`zeta-core/1.1, ${older.release}, x86_64: installed\n`);
    await dnfWell(machine, 'remove', 'dkms-zeta-core');
    expect(machine.objects(older.release)).toEqual([]);
  });

  it('upgrade-fails: a version that does not compile leaves the working one in place, until one does', async () => {
    const machine = await fedoraMachine(release, core, devel, moduleRpm('zeta-core'));
    await dnfWell(machine, 'install', core.name, devel.name, 'dkms-zeta-core');
    const spoil = (text: string): string => `${text}\n#error "this one is broken"\n`;
    await publishRpms(machine, moduleRpm('zeta-core', { version: '1.1', edits: { 'zeta_core.c': spoil } }));
    const { stdout, stderr } = await dnf(machine, 'upgrade', '--refresh');
    expect(stdout + stderr).toMatch(/FAILED +zeta-core\/1\.1 /);
    expect(machine.objects(older.release)).toEqual(['zeta_core']);
    await publishRpms(machine, moduleRpm('zeta-core', { version: '1.2' }));
    await dnfWell(machine, 'upgrade', '--refresh');
    expect((await machine.run(['dkms', 'status'])).stdout).toBe(`zeta-core/1.2, ${older.release}, x86_64: installed\n`);
    await dnfWell(machine, 'remove', 'dkms-zeta-core');
    expect(machine.objects(older.release)).toEqual([]);
  });

  it('bare: packages that only lay a source down keep the working version too, and leave nothing of the old ones', async () => {
    const machine = await fedoraMachine(release, core, devel, sourceOnly('zeta-core'));
    await dnfWell(machine, 'install', core.name, devel.name, 'dkms-zeta-core');
    expect(machine.objects(older.release)).toEqual(['zeta_core']);
    const spoil = (text: string): string => `${text}\n#error "this one is broken"\n`;
    await publishRpms(machine, sourceOnly('zeta-core', { version: '1.1', edits: { 'zeta_core.c': spoil } }));
    const { stdout, stderr } = await dnf(machine, 'upgrade', '--refresh');
    expect(stdout + stderr).toMatch(/FAILED +zeta-core\/1\.1 /);
    expect(machine.objects(older.release)).toEqual(['zeta_core']);
    await publishRpms(machine, sourceOnly('zeta-core', { version: '1.2' }));
    await dnfWell(machine, 'upgrade', '--refresh');
    expect((await machine.run(['dkms', 'status'])).stdout).toBe(`zeta-core/1.2, ${older.release}, x86_64: installed\n`);
  });

  it('source: alone in the wrong order, upgraded with its dependents, and removed', async () => {
    const machine = await fedoraMachine(release, core, devel, ...chain.map((name) => moduleRpm(name)));
    await dnfWell(machine, 'install', core.name, devel.name);
    await dnfWell(machine, 'install', ...chain.map((name) => `dkms-${name}`));
    expect(machine.objects(older.release)).toEqual(chainObjects);
    // Other symbols: what needs them has to be built again.
    const edits = { 'zeta_core.c': changedSignature, 'zeta.h': changedSignature };
    await publishRpms(machine, moduleRpm('zeta-core', { version: '1.1', edits }));
    await dnfWell(machine, 'upgrade', '--refresh');
    expect(machine.objects(older.release)).toEqual(chainObjects);
    expect((await machine.run(['kmodsort', 'verify', '-k', older.release])).code).toBe(0);
    await dnfWell(machine, 'remove', 'dkms-alpha-top');
    expect(machine.objects(older.release)).toEqual(['mid_link', 'zeta_core']);
    await dnfWell(machine, 'remove', 'dkms-mid-link', 'dkms-zeta-core', core.name, devel.name);
    expect((await machine.run(['dkms', 'status'])).stdout).toBe('');
    expect(machine.exists(`/usr/lib/modules/${older.release}`)).toBe(false);
  });

  it('two-kernels: both get their modules in one transaction', async () => {
    const [core2, devel2] = [kernelCore(newer), kernelDevel(newer)];
    const machine = await fedoraMachine(release, core, devel, core2, devel2, sourceOnly('zeta-core'));
    const kernels = [core, devel, core2, devel2].map(({ name }) => name);
    await dnfWell(machine, 'install', 'dkms-zeta-core');
    machine.write('/etc/dkms/framework.conf.d/all.conf', 'autoinstall_all_kernels="yes"\n');
    await dnfWell(machine, 'install', ...kernels);
    for (const one of [older, newer]) expect(machine.objects(one.release)).toEqual(['zeta_core']);
  });

  it('headers-only: headers without a kernel are no reason to build, and headers that go take nothing along', async () => {
    const machine = await fedoraMachine(release, core, devel, sourceOnly('zeta-core'));
    await dnfWell(machine, 'install', devel.name, 'dkms-zeta-core');
    expect(machine.objects(older.release)).toEqual([]);
    await dnfWell(machine, 'install', core.name);
    expect(machine.objects(older.release)).toEqual(['zeta_core']);
    await dnfWell(machine, 'remove', devel.name);
    expect(machine.objects(older.release)).toEqual(['zeta_core']);
  });

  it('ours-again: an upgrade of kmodsort itself makes up for what is missing and keeps edited settings', async () => {
    const machine = await fedoraMachine(release, core, devel, sourceOnly('zeta-core'));
    await dnfWell(machine, 'install', core.name, devel.name, 'dkms-zeta-core');
    await machine.run(['dkms', 'unbuild', 'zeta-core/1.0', '--all']);
    machine.write('/etc/dkms/framework.conf', '# edited\n');
    await installOurRpm(machine, release, 'reinstall');
    expect(machine.objects(older.release)).toEqual(['zeta_core']);
    expect(machine.read('/etc/dkms/framework.conf')).toBe('# edited\n');
  });

  it('failure: stops neither the transaction nor the initramfs', async () => {
    const machine = await fedoraMachine(release, core, devel, sourceOnly('broken'));
    machine.write('/etc/dkms/framework.conf.d/required.conf', 'required_modules="broken"\n');
    const ended = await dnf(machine, 'install', core.name, devel.name, 'dkms-broken');
    expect(ended.code).toBe(0);
    expect(ended.stdout + ended.stderr).toContain('required modules are missing: broken');
    expect(machine.exists(`/boot/initramfs-${older.release}.img`)).toBe(true);
  });
});
