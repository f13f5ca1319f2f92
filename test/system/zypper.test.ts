import { afterEach, describe, expect, it } from 'vitest';
import { older, provision, releases, stopMachines } from './apt-machine.ts';
import type { Machine } from './machine.ts';
import type { Release } from './roots.ts';
import { bareRpmMachine, kernelDevel, moduleRpm, publishRpms, type RpmPackage, watchDracut } from './rpm-machine.ts';

/** Transactions of the real zypper: older ones call rpm for each package, so that headers come after their kernel. */

afterEach(stopMachines);

const chain = ['alpha-top', 'mid-link', 'zeta-core'];

/** openSUSE's kernel makes its initrd itself, without kernel-install. */
const kernelDefault: RpmPackage = {
  name: 'kernel-default',
  version: '1',
  files: {
    [`usr/lib/modules/${older.release}/vmlinuz`]: 'image\n',
    [`usr/lib/modules/${older.release}/modules.order`]: '',
    [`usr/lib/modules/${older.release}/modules.builtin`]: '',
    [`usr/lib/modules/${older.release}/modules.builtin.modinfo`]: '',
  },
  scriptlets: `%posttrans\ndepmod ${older.release}\ndracut --force --kver ${older.release}\n`,
};
const kernelDefaultDevel = { ...kernelDevel(older), name: 'kernel-default-devel' };

const zypper = async (machine: Machine, ...words: string[]): Promise<string> => {
  const ended = await machine.run(['zypper', '--non-interactive', '--no-gpg-checks', ...words]);
  if (ended.code !== 0) throw new Error(`zypper ended with ${ended.code}:\n${ended.stdout}${ended.stderr}`);
  return ended.stdout + ended.stderr;
};

const suseMachine = async (release: Release, ...packages: readonly RpmPackage[]): Promise<Machine> => {
  const { machine, ours } = await bareRpmMachine(release, 'opensuse-tumbleweed', ...packages);
  watchDracut(machine, (kernel) => `/boot/initrd-${kernel}`);
  await zypper(machine, 'addrepo', '--no-gpgcheck', '/repo', 'test');
  await zypper(machine, 'install', '--allow-unsigned-rpm', ours);
  return machine;
};

describe.skipIf(!provision).each(releases)('zypper on %s', (release) => {
  it('kernel-headers-modules: all in one call are there in the end, in the initrd too', async () => {
    const machine = await suseMachine(
      release,
      kernelDefault,
      kernelDefaultDevel,
      ...chain.map((name) => moduleRpm(name)),
    );
    await zypper(machine, 'install', 'kernel-default', 'kernel-default-devel', ...chain.map((name) => `dkms-${name}`));
    expect(machine.objects(older.release)).toEqual(['alpha_top', 'mid_link', 'zeta_core']);
    expect(machine.events().at(-1)).toBe(`dracut ${older.release}: alpha_top mid_link zeta_core `);
    expect((await machine.run(['kmodsort', 'verify', '-k', older.release])).code).toBe(0);
    expect((await machine.sh(`ls /lib/modules/${older.release}/updates`)).stdout).toContain('zeta_core.ko');
  });

  it('upgrade-and-removal: the new version is there, then nothing', async () => {
    const machine = await suseMachine(release, kernelDefault, kernelDefaultDevel, moduleRpm('zeta-core'));
    await zypper(machine, 'install', 'kernel-default', 'kernel-default-devel', 'dkms-zeta-core');
    await publishRpms(machine, moduleRpm('zeta-core', { version: '1.1' }));
    await zypper(machine, 'refresh', '--force');
    await zypper(machine, 'update');
    expect((await machine.run(['dkms', 'status'])).stdout).toBe(`zeta-core/1.1, ${older.release}, x86_64: installed\n`);
    await zypper(machine, 'remove', 'kernel-default', 'kernel-default-devel', 'dkms-zeta-core');
    expect(machine.objects(older.release)).toEqual([]);
    expect((await machine.run(['dkms', 'status'])).stdout).toBe('');
  });
});
