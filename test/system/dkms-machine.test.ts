import { cpSync } from 'node:fs';
import { release as runningRelease } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import { repository } from '../kernels.ts';
import { aptWell, headers, image, kmodsortMachine, older, provision, stopMachines } from './apt-machine.ts';
import { headersPackage, imagePackage } from './debs.ts';
import type { Machine } from './machine.ts';

/** What the drop-in does with a machine's own places: programs of the distribution, lists below /usr/share, modprobe. */

afterEach(stopMachines);

const kernel = older.release;

const machineWith = async (fixture: string, version: string): Promise<Machine> => {
  const machine = await kmodsortMachine('bookworm', imagePackage(kernel), headersPackage(older));
  await aptWell(machine, 'install', image(older), headers(older));
  cpSync(`${repository}/test/fixtures/${fixture}`, machine.path(`/usr/src/${fixture}-${version}`), { recursive: true });
  return machine;
};

describe.skipIf(!provision)('dkms on a machine of its own', () => {
  it.each([
    ['rhel', '/usr/sbin/weak-modules', '--no-initramfs --add-modules', '--no-initramfs --remove-modules'],
    [
      'sles',
      '/usr/lib/module-init-tools/weak-modules2',
      `--add-kernel-modules ${kernel}`,
      `--remove-kernel-modules ${kernel}`,
    ],
  ])(
    'machine: on %s the program for weak modules hears of what comes and goes',
    async (id, program, added, removed) => {
      const machine = await machineWith('lonely', '1.0');
      machine.write('/usr/lib/os-release', `ID=${id}\n`);
      machine.write(program, '#!/bin/sh\n{ echo "$*"; cat; } >> /var/log/weak\n', 0o755);
      await machine.run(['dkms', 'install', 'lonely/1.0', '-k', kernel]);
      const file = (await machine.sh(`find /lib/modules/${kernel}/ -name 'lonely.ko*'`)).stdout.trim();
      expect(machine.read('/var/log/weak')).toBe(`${added}\n${file}\n`);
      await machine.sh('rm /var/log/weak');
      await machine.run(['dkms', 'remove', 'lonely/1.0', '--all']);
      expect(machine.read('/var/log/weak')).toBe(`${removed}\n${file}\n`);
    },
  );

  it('machine: a list below /usr/share/dkms makes a module win over a newer one of the kernel', async () => {
    const machine = await machineWith('replacer', '2.0');
    const own = `/usr/lib/modules/${kernel}/kernel/drivers/misc/intree_demo.ko`;
    await machine.sh(
      `mkdir -p $(dirname ${own}) && sed -i 's/EDITION=[^ ]*/EDITION=0.5/' /usr/src/replacer-2.0/dkms.conf`,
    );
    cpSync(older.inTree, machine.path(own));
    await machine.run(['depmod', kernel]);
    const refused = await machine.run(['dkms', 'install', 'replacer/2.0', '-k', kernel]);
    expect(refused.code).toBe(6);
    machine.write('/usr/share/dkms/modules_to_force_install/ours', 'replacer\n');
    const ended = await machine.run(['dkms', 'install', 'replacer/2.0', '-k', kernel]);
    expect({ code: ended.code, said: ended.code === 0 ? '' : ended.stdout }).toEqual({ code: 0, said: '' });
    expect(machine.objects(kernel)).toEqual(['intree_demo']);
  });

  it('machine: in a chroot nothing is signed, unless framework.conf says so', async () => {
    const machine = await machineWith('lonely', '1.0');
    const signer = `modinfo -F signer $(find /lib/modules/${kernel}/ -name 'lonely.ko*')`;
    await machine.run(['dkms', 'install', 'lonely/1.0', '-k', kernel]);
    expect((await machine.sh(signer)).stdout.trim()).toBe('');
    machine.write('/etc/dkms/framework.conf', 'try_sign_modules="true"\n');
    await machine.run(['dkms', 'install', 'lonely/1.0', '-k', kernel, '--force']);
    expect((await machine.sh(signer)).stdout.trim()).not.toBe('');
  });

  it.each([
    ['--modprobe-on-install', ''],
    ['modprobe_on_install of framework.conf', 'modprobe_on_install="true"\n'],
  ])('machine: %s loads what was installed for the running kernel', async (title, settings) => {
    const machine = await machineWith('lonely', '1.0');
    const running = runningRelease();
    machine.write('/etc/dkms/framework.conf', settings);
    machine.write(`/usr/lib/modules/${running}/modules.order`, '');
    await machine.sh('mv /usr/sbin/modprobe /usr/sbin/modprobe.real');
    machine.write(
      '/usr/sbin/modprobe',
      '#!/bin/bash\ncase $1 in -*) exec -a modprobe /usr/sbin/modprobe.real "$@" ;; esac\necho "$*" >> /var/log/modprobe\n',
      0o755,
    );
    const words = ['install', 'lonely/1.0', '-k', running, '--kernelsourcedir', older.headers];
    const more = title.startsWith('--') ? [title] : [];
    const ended = await machine.run(['dkms', ...words, ...more]);
    expect({ code: ended.code, said: ended.code === 0 ? '' : ended.stdout }).toEqual({ code: 0, said: '' });
    expect(machine.read('/var/log/modprobe')).toBe('lonely\n');
  });
});
