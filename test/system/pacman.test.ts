import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { newer, older, provision, releases, stopMachines } from './apt-machine.ts';
import {
  archMachine,
  dkmsPackage,
  installOurs,
  linuxHeaders,
  linuxPackage,
  pacman,
  pacmanMachine,
  pacmanWell,
  publishOurs,
  publishPackages,
} from './pacman-machine.ts';

/** Transactions of the real pacman with hooks of ours. */

afterEach(stopMachines);

const chain = ['alpha-top', 'mid-link', 'zeta-core'];
const chainPackages = chain.map((name) => `${name}-dkms`);
const chainObjects = ['alpha_top', 'mid_link', 'zeta_core'];
const kernel = [linuxPackage('linux', older), linuxHeaders('linux', older)];
const modules = chain.map((fixture) => dkmsPackage(fixture));
const builds = (said: string, module: string): number =>
  said.match(new RegExp(`${module}/\\S+, \\S+: building`, 'g'))?.length ?? 0;

describe.skipIf(!provision).each(releases)('pacman on %s', (release) => {
  it('kernel-headers-modules: all in one transaction are built once, in order, before the initramfs', async () => {
    const machine = await archMachine(release, ...kernel, ...modules);
    const said = await pacmanWell(machine, '-Sy', 'linux', 'linux-headers', ...chainPackages);
    expect(machine.objects(older.release)).toEqual(chainObjects);
    expect(chain.map((name) => builds(said, name))).toEqual([1, 1, 1]);
    expect(machine.events()).toEqual(['mkinitcpio linux: alpha_top mid_link zeta_core ']);
    expect((await machine.run(['kmodsort', 'verify'])).code).toBe(0);
  });

  it('headers-later: a kernel without headers fails in one red line, and is made up for with its initramfs', async () => {
    const machine = await archMachine(release, ...kernel, ...modules);
    const first = await pacman(machine, '-Sy', 'linux', 'zeta-core-dkms');
    expect(first.code).toBe(0);
    expect(first.stdout + first.stderr).toMatch(/FAILED +zeta-core\/1\.0 .*kernel headers for \S+ not found/);
    expect(first.stderr).toContain('error: command failed to execute correctly');
    await pacmanWell(machine, '-S', 'linux-headers');
    expect(machine.objects(older.release)).toEqual(['zeta_core']);
    expect(machine.events().at(-1)).toBe('mkinitcpio linux: zeta_core ');
  });

  it('source: alone, upgraded with its dependents, and removed', async () => {
    const machine = await archMachine(release, ...kernel, ...modules);
    await pacmanWell(machine, '-Sy', 'linux', 'linux-headers');
    await pacmanWell(machine, '-S', ...chainPackages);
    expect(machine.objects(older.release)).toEqual(chainObjects);
    await publishPackages(machine, dkmsPackage('zeta-core', { version: '1.1' }));
    await pacmanWell(machine, '-Syu');
    expect(machine.objects(older.release)).toEqual(chainObjects);
    expect((await machine.run(['dkms', 'status', 'zeta-core'])).stdout).toBe(
      `zeta-core/1.1, ${older.release}, x86_64: installed\n`,
    );
    await pacmanWell(machine, '-R', 'alpha-top-dkms');
    expect(machine.objects(older.release)).toEqual(['mid_link', 'zeta_core']);
    await pacmanWell(machine, '-R', ...chainPackages.slice(1));
    expect((await machine.run(['dkms', 'status'])).stdout).toBe('');
  });

  it('upgrade-fails: a version that does not compile leaves the working one in place, until one does', async () => {
    const machine = await archMachine(release, ...kernel, ...modules);
    await pacmanWell(machine, '-Sy', 'linux', 'linux-headers', 'zeta-core-dkms');
    const spoil = (text: string): string => `${text}\n#error "this one is broken"\n`;
    await publishPackages(machine, dkmsPackage('zeta-core', { version: '1.1', edits: { 'zeta_core.c': spoil } }));
    const { stdout } = await pacman(machine, '-Syu');
    expect(stdout).toMatch(/FAILED +zeta-core\/1\.1 /);
    expect(stdout).toContain('fallback: zeta-core/1.0 is still installed and will load');
    expect(machine.objects(older.release)).toEqual(['zeta_core']);
    await publishPackages(machine, dkmsPackage('zeta-core', { version: '1.2' }));
    await pacmanWell(machine, '-Syu');
    expect((await machine.run(['dkms', 'status'])).stdout).toBe(`zeta-core/1.2, ${older.release}, x86_64: installed\n`);
    await pacmanWell(machine, '-R', 'zeta-core-dkms');
    expect(machine.objects(older.release)).toEqual([]);
    expect((await machine.run(['dkms', 'status'])).stdout).toBe('');
  });

  it('two-kernels: both are built for, a replaced one is cleaned up, and the other keeps its modules', async () => {
    const machine = await archMachine(
      release,
      ...kernel,
      linuxPackage('linux-lts', newer),
      linuxHeaders('linux-lts', newer),
      ...modules,
    );
    await pacmanWell(machine, '-Sy', 'linux', 'linux-headers', 'linux-lts', 'linux-lts-headers', 'zeta-core-dkms');
    for (const one of [older, newer]) expect(machine.objects(one.release)).toEqual(['zeta_core']);
    const leaving = await pacmanWell(machine, '-R', 'linux', 'linux-headers');
    const left = (await machine.sh(`find /usr/lib/modules/${older.release}`)).stdout;
    expect({ left, leaving: left && leaving }).toEqual({ left: '', leaving: '' });
    expect(machine.objects(newer.release)).toEqual(['zeta_core']);
  });

  it('kernel-upgrade: a new release takes the place of the old one in one transaction', async () => {
    const machine = await archMachine(release, ...kernel, ...modules);
    await pacmanWell(machine, '-Sy', 'linux', 'linux-headers', 'zeta-core-dkms');
    await publishPackages(machine, linuxPackage('linux', newer, '2-1'), linuxHeaders('linux', newer, '2-1'));
    await pacmanWell(machine, '-Syu');
    expect(machine.objects(newer.release)).toEqual(['zeta_core']);
    expect(machine.exists(`/usr/lib/modules/${older.release}`)).toBe(false);
    expect(machine.exists(`/var/lib/dkms/zeta-core/1.0/${older.release}`)).toBe(false);
  });

  it('same-release: a kernel that is updated under its name gets its modules built again', async () => {
    const machine = await archMachine(release, ...kernel, ...modules);
    await pacmanWell(machine, '-Sy', 'linux', 'linux-headers', 'zeta-core-dkms');
    const symvers = readFileSync(join(older.headers, 'Module.symvers'), 'utf8').replace(/^0x[0-9a-f]+/, '0x12345678');
    await publishPackages(machine, linuxPackage('linux', older, '1-2'), linuxHeaders('linux', older, '1-2', symvers));
    const said = await pacmanWell(machine, '-Syu');
    expect(said).toMatch(/zeta-core\/1\.0, \S+: building \(changed: .*headers/);
    expect(builds(said, 'zeta-core')).toBe(1);
    expect(machine.objects(older.release)).toEqual(['zeta_core']);
  });

  it('headers-only: headers without a kernel are no reason to build, and headers that go take nothing along', async () => {
    const machine = await archMachine(release, ...kernel, ...modules);
    const said = await pacmanWell(machine, '-Sy', 'linux-headers', 'zeta-core-dkms');
    expect(builds(said, 'zeta-core')).toBe(0);
    await pacmanWell(machine, '-S', 'linux');
    expect(machine.objects(older.release)).toEqual(['zeta_core']);
    await pacmanWell(machine, '-R', 'linux-headers');
    expect(machine.objects(older.release)).toEqual(['zeta_core']);
  });

  it('ours-last: kmodsort itself comes with everything else in one transaction', async () => {
    const machine = await pacmanMachine(release, ...kernel, ...modules);
    await publishOurs(machine, release);
    await pacmanWell(machine, '-Syy', 'linux', 'linux-headers', ...chainPackages, 'kmodsort');
    expect(machine.objects(older.release)).toEqual(chainObjects);
    expect(machine.events().at(-1)).toBe('mkinitcpio linux: alpha_top mid_link zeta_core ');
  });

  it('ours-again: an upgrade of kmodsort itself makes up for what is missing and keeps edited settings', async () => {
    const machine = await archMachine(release, ...kernel, ...modules);
    await pacmanWell(machine, '-Sy', 'linux', 'linux-headers', 'zeta-core-dkms');
    await machine.run(['dkms', 'unbuild', 'zeta-core/1.0', '--all']);
    expect(machine.objects(older.release)).toEqual([]);
    machine.write('/etc/dkms/framework.conf', '# edited\n');
    await installOurs(machine, release);
    expect(machine.objects(older.release)).toEqual(['zeta_core']);
    expect(machine.read('/etc/dkms/framework.conf')).toBe('# edited\n');
  });

  it('failure: is one red line, remembered, and shown by the next transaction without another try', async () => {
    const machine = await archMachine(release, ...kernel, dkmsPackage('broken'), dkmsPackage('lonely'));
    machine.write('/etc/dkms/framework.conf.d/required.conf', 'required_modules="broken"\n');
    const first = await pacman(machine, '-Sy', 'linux', 'linux-headers', 'broken-dkms');
    expect(first.code).toBe(0);
    const said = first.stdout + first.stderr;
    expect(said).toContain(`do not reboot into ${older.release}: required modules are missing: broken`);
    expect(builds(said, 'broken')).toBe(1);
    const next = await pacman(machine, '-S', 'lonely-dkms');
    expect(builds(next.stdout + next.stderr, 'broken')).toBe(0);
    expect(next.stdout + next.stderr).toContain('nothing has changed since');
    expect(machine.objects(older.release)).toEqual(['lonely']);
  });

  it('leftovers: what nobody owns goes with the kernel, and what somebody put there stays', async () => {
    const machine = await archMachine(release, ...kernel, ...modules);
    await pacmanWell(machine, '-Sy', 'linux', 'linux-headers', 'zeta-core-dkms');
    machine.write(`/usr/lib/modules/${older.release}/extra/somebodys.txt`, 'mine\n');
    await pacmanWell(machine, '-R', 'linux', 'linux-headers');
    const left = (await machine.sh(`cd /usr/lib/modules/${older.release} && find . -type f`)).stdout;
    expect(left).toBe('./extra/somebodys.txt\n');
    rmSync(machine.path(`/usr/lib/modules/${older.release}`), { recursive: true });
  });
});
