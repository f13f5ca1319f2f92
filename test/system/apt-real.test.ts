import { afterEach, describe, expect, it } from 'vitest';
import type { Ended } from '../child.ts';
import { aptWell, provision, stopMachines, unsettled } from './apt-machine.ts';
import { keepArchives, kernelPackages, realMachine, twoReleases } from './debian.ts';
import type { Machine } from './machine.ts';

/** Debian's own kernels, headers, module packages and initramfs-tools, from its archive. */

afterEach(stopMachines);

const modules = ['acpi-call-dkms', 'dm-writeboost-dkms', 'tp-smapi-dkms'];
const objects = ['acpi_call', 'dm-writeboost', 'hdaps', 'thinkpad_ec', 'tp_smapi'];

const inInitramfs = async (machine: Machine, release: string): Promise<string> =>
  (await machine.sh(`lsinitramfs /boot/initrd.img-${release} | grep -o 'acpi_call[.]ko' | head -n 1`)).stdout.trim();

/** A real update-initramfs that fails is told and made up for by the next hook, though there is nothing left to build. */
const expectInitramfsMadeUpFor = async (machine: Machine, release: string): Promise<void> => {
  const trigger = (): Promise<Ended> => machine.run(['kmodsort', 'hook', 'run', 'apt', 'trigger']);
  const modified = async (): Promise<string> => (await machine.sh(`stat -c %Y%i /boot/initrd.img-${release}`)).stdout;
  const before = await modified();
  machine.write('/etc/initramfs-tools/hooks/refuses', '#!/bin/sh\necho "no room for it" >&2\nexit 1\n', 0o755);
  await machine.sh('echo "# changed" >> /usr/src/acpi-call-1.2.2/Makefile');
  const failing = await trigger();
  expect(failing.stdout + failing.stderr).toMatch(
    new RegExp(`FAILED: the initramfs of ${release} could not be made and may lack the new modules: update-initramfs`),
  );
  expect((await machine.sh('cat /var/lib/kmodsort/notice')).stdout).toContain(
    `${release}: the initramfs could not be made`,
  );
  expect(await modified()).toBe(before);
  await machine.sh('rm /etc/initramfs-tools/hooks/refuses');
  const well = await trigger();
  expect(well.stdout + well.stderr).toContain(`rebuilding the initramfs of ${release}`);
  expect(well.stdout + well.stderr).not.toMatch(/FAILED|: building/);
  expect(await modified()).not.toBe(before);
  expect((await trigger()).stdout).not.toContain('rebuilding the initramfs');
};

describe.skipIf(!provision || process.arch !== 'x64')('real: Debian kernels and modules', () => {
  it('come in one apt call, follow a new kernel in another, and leave with the old one', async () => {
    const machine = await realMachine();
    machine.write('/etc/dkms/acpi-call.conf', 'BUILD_DEPENDS[0]="tp_smapi"\n');
    machine.write('/etc/initramfs-tools/modules', 'acpi_call\n');
    const [previous, current] = await twoReleases(machine);
    const first = await aptWell(machine, 'install', ...kernelPackages(previous), ...modules);
    expect(machine.objects(previous)).toEqual(objects);
    expect(first.indexOf('tp_smapi/0.43, ')).toBeLessThan(first.indexOf('acpi-call/1.2.2, '));
    expect(await inInitramfs(machine, previous)).toBe('acpi_call.ko');
    const second = await aptWell(machine, 'install', ...kernelPackages(current));
    keepArchives(machine);
    // In a chroot no kernel runs, so that every bootable one is looked after.
    expect(second).toContain(': 3 installed, 3 unchanged');
    expect(machine.objects(current)).toEqual(objects);
    expect(await inInitramfs(machine, current)).toBe('acpi_call.ko');
    await aptWell(machine, 'purge', ...kernelPackages(previous));
    expect(machine.exists(`/usr/lib/modules/${previous}`)).toBe(false);
    expect(machine.objects(current)).toEqual(objects);
    expect(await unsettled(machine)).toEqual([]);
    expect((await machine.run(['kmodsort', 'verify', '-k', current])).code).toBe(0);
    expect((await machine.run(['dkms', 'status'])).stdout).not.toContain(previous);
    await expectInitramfsMadeUpFor(machine, current);
  });
});
