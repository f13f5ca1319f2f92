import { afterEach, describe, expect, it } from 'vitest';
import type { Ended } from '../child.ts';
import { aptWell, newer, older, provision, stopMachines } from './apt-machine.ts';
import { keepArchives, kernelPackages, realMachine, twoReleases } from './debian.ts';
import { everythingBut } from './everything.ts';
import type { Machine } from './machine.ts';
import { archMachine, dkmsPackage, linuxHeaders, linuxPackage, pacmanWell, publishPackages } from './pacman-machine.ts';
import { dnfWell, fedoraMachine, kernelCore, kernelDevel, moduleRpm, publishRpms } from './rpm-machine.ts';

/** Will the modules build on the kernel that would be installed next? Asked of real package managers. */

afterEach(stopMachines);

const state = '/var/lib/kmodsort';

/** Ask, and nothing but the state directory changes. */
const ask = async (machine: Machine, ...words: readonly string[]): Promise<Ended> => {
  const before = await everythingBut(machine, state);
  const ended = await machine.run(['kmodsort', 'try', ...words], { timeout: 600_000 });
  expect(await everythingBut(machine, state)).toEqual(before);
  expect((await machine.sh(`ls ${state}`)).stdout).not.toContain('trial');
  return ended;
};

const verbose = (machine: Machine): void => machine.write('/etc/dkms/framework.conf.d/verbose.conf', 'verbose="yes"\n');

const modules = ['acpi-call-dkms', 'dm-writeboost-dkms', 'tp-smapi-dkms'];

describe.skipIf(!provision || process.arch !== 'x64')('kmodsort try --next', () => {
  it('try: answers for the next kernel of Debian, and apt then installs its modules without a compiler', async () => {
    const machine = await realMachine();
    const [previous, current] = await twoReleases(machine);
    await aptWell(machine, 'install', ...kernelPackages(previous), ...modules);
    verbose(machine);
    const { code, stdout } = await ask(machine, '-k', current);
    expect([code, stdout]).toEqual([0, expect.stringContaining(`trial: 3 modules on 1 kernel: 3 ready`)]);
    expect(stdout).toMatch(new RegExp(`trying \\d packages: .*linux-headers-${current}_`));
    expect(stdout).toContain('running make');
    const installed = await aptWell(machine, 'install', ...kernelPackages(current));
    keepArchives(machine);
    expect(installed).not.toContain('running make');
    expect(installed.match(/ installed +\S+ +\S+ +from the store /g)).toHaveLength(3);
    expect((await machine.run(['kmodsort', 'verify', '-k', current])).code).toBe(0);
  });

  it('try: asks apt what would come, and says which module would be missing', async () => {
    const machine = await realMachine();
    const { stdout: versions } = await machine.sh("apt-cache madison linux-headers-cloud-amd64 | awk '{print $3}'");
    const old = versions.split('\n').filter(Boolean).at(-1) ?? '';
    await aptWell(machine, 'install', `linux-headers-cloud-amd64=${old}`, 'tp-smapi-dkms');
    await machine.sh('echo "#error not for this kernel" >> /usr/src/tp_smapi-0.43/tp_smapi.c');
    const { code, stdout } = await ask(machine, '--next');
    keepArchives(machine);
    // The archive may have one version alone for a while.
    if (versions.split('\n').filter(Boolean).length < 2) {
      expect([code, stdout]).toEqual([0, expect.stringContaining('nothing to try')]);
      return;
    }
    expect([code, stdout]).toEqual([1, expect.stringContaining('1 FAILED')]);
    expect(stdout).toContain('#error not for this kernel');
    expect(stdout).toMatch(/modules would be missing on \S+: tp_smapi/);
  });

  it('try: answers for packages that dnf would install', async () => {
    const machine = await fedoraMachine('bookworm', kernelCore(older), kernelDevel(older), moduleRpm('lonely'));
    const names = [kernelCore(older), kernelDevel(older), moduleRpm('lonely')].map(({ name }) => name);
    await dnfWell(machine, 'install', ...names);
    await publishRpms(machine, kernelCore(newer), kernelDevel(newer));
    verbose(machine);
    const incoming = [kernelCore(newer), kernelDevel(newer)].map(({ name }) => `/repo/${name}-*.rpm`);
    const files = (await machine.sh(`ls ${incoming.join(' ')}`)).stdout.split('\n').filter(Boolean);
    const { code, stdout } = await ask(machine, '--packages', ...files);
    expect([code, stdout]).toEqual([0, expect.stringContaining('trial: 1 module on 1 kernel: 1 ready')]);
    const installed = await dnfWell(machine, 'install', ...files);
    expect(installed).not.toContain('running make');
    expect(installed).toMatch(/ installed +lonely\/1\.0 +\S+ +from the store /);
    expect(machine.objects(newer.release)).toEqual(['lonely']);
  });

  it('try: answers for the next kernel of pacman', async () => {
    const machine = await archMachine(
      'bookworm',
      linuxPackage('linux', older),
      linuxHeaders('linux', older),
      ...['zeta-core', 'mid-link'].map((fixture) => dkmsPackage(fixture)),
    );
    await pacmanWell(machine, '-S', 'linux', 'linux-headers', 'zeta-core-dkms', 'mid-link-dkms');
    await publishPackages(machine, linuxPackage('linux', newer, '2-1'), linuxHeaders('linux', newer, '2-1'));
    verbose(machine);
    const { code, stdout } = await ask(machine, '--next');
    expect([code, stdout]).toEqual([0, expect.stringContaining('trial: 2 modules on 1 kernel: 2 ready')]);
    expect(stdout).toContain('trying 2 packages: linux-2-1-any.pkg.tar.zst, linux-headers-2-1-any.pkg.tar.zst');
    const upgraded = await pacmanWell(machine, '-Syu');
    expect(upgraded).not.toContain('running make');
    expect(upgraded.match(/ installed +\S+ +\S+ +from the store /g)).toHaveLength(2);
    expect(machine.objects(newer.release)).toEqual(['mid_link', 'zeta_core']);
  });
});
