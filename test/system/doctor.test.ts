import { basename } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { aptWell, debOf, kmodsortMachine, provision, releases, stopMachines } from './apt-machine.ts';
import type { Machine } from './machine.ts';
import { archMachine } from './pacman-machine.ts';
import type { Release } from './roots.ts';
import { fedoraMachine } from './rpm-machine.ts';

/** `kmodsort doctor` on machines where a package manager has installed us, and its own verification is asked. */

afterEach(stopMachines);

const [release = 'bookworm'] = releases;
const program = '/usr/lib/kmodsort/hook';
const conffile = '/etc/kernel/postinst.d/00-kmodsort';

/** How each family makes a machine, and a hook of ours there that is edited. */
const families: readonly (readonly [
  name: string,
  make: (of: Release) => Promise<Machine>,
  hook: string,
  code: string,
])[] = [
  ['apt', kmodsortMachine, conffile, 'conffile-changed'],
  ['pacman', archMachine, '/usr/share/libalpm/hooks/70-kmodsort-install.hook', 'package-changed'],
  ['dnf', fedoraMachine, '/usr/lib/kernel/install.d/40-dkms.install', 'package-changed'],
];

const findings = async (machine: Machine): Promise<string[]> => {
  const { stdout } = await machine.run(['kmodsort', 'doctor']);
  return [...stdout.matchAll(/^([a-z-]+): (?:warning: )?(\/\S+?)[ :,]/gm)].map(([, code, path]) => `${code} ${path}`);
};

describe.skipIf(!provision).each(families)('doctor on a machine of %s', (_name, make, hook, code) => {
  it('package: says nothing of what was just installed, and tells edited and missing files', async () => {
    const machine = await make(release);
    expect(await findings(machine)).toEqual([]);
    machine.write('/etc/dkms/framework.conf', 'boot_guard="yes"\nrequired_modules="zfs"\n');
    await machine.sh(`echo '# mine' >>${hook}; echo '# mine' >>${program}; rm /usr/lib/kmodsort/queue.sh`);
    const found = await findings(machine);
    expect(found.sort()).toEqual(
      [
        'boot-loader-missing /etc/dkms/framework.conf',
        'hook-missing /usr/lib/kmodsort/queue.sh',
        `${code} ${hook}`,
        `package-changed ${program}`,
        'required-unknown /etc/dkms/framework.conf',
      ].sort(),
    );
  });
});

describe.skipIf(!provision)('doctor and dpkg', () => {
  it('package: the remedy for a configuration file that is gone brings it back', async () => {
    const machine = await kmodsortMachine(release);
    await machine.sh(`rm ${conffile}`);
    expect(await findings(machine)).toEqual([`hook-missing ${conffile}`]);
    const said = await machine.run(['kmodsort', 'doctor']);
    const option = 'Dpkg::Options::=--force-confmiss';
    expect(said.stdout).toContain(`-o ${option} kmodsort`);
    const deb = `/var/cache/debs/${basename(debOf(release))}`;
    await aptWell(machine, 'install', '--reinstall', deb);
    expect(await findings(machine)).toEqual([`hook-missing ${conffile}`]);
    await aptWell(machine, 'install', '--reinstall', '-o', option, deb);
    expect(await findings(machine)).toEqual([]);
  });
});
