import { afterEach, describe, expect, it } from 'vitest';
import {
  aptWell,
  bareMachine,
  headers,
  image,
  installKmodsort,
  kmodsortMachine,
  older,
  provision,
  releases,
  stopMachines,
  unsettled,
} from './apt-machine.ts';
import { headersPackage, imagePackage, modulePackage, publish } from './debs.ts';
import { leftovers, paths } from './leftovers.ts';
import type { Machine } from './machine.ts';
import type { Release } from './roots.ts';

/** kmodsort in the place of Debian's dkms, and dkms in its place again; and kmodsort gone for good. */

afterEach(stopMachines);

const packages = [imagePackage(older.release), headersPackage(older), modulePackage('lonely')];

const installDkms = async (machine: Machine): Promise<string> => {
  const { stdout } = await machine.sh('ls /var/cache/debs/*.deb | grep -v kmodsort');
  return aptWell(machine, 'install', '-o', 'Dpkg::Options::=--force-confold', ...stdout.trim().split('\n'));
};

/** A machine on which Debian's dkms has built a module. */
const dkmsMachine = async (release: Release): Promise<Machine> => {
  const machine = await bareMachine(release, ...packages);
  await installDkms(machine);
  await aptWell(machine, 'install', image(older), headers(older), 'lonely-dkms');
  expect(machine.objects(older.release)).toEqual(['lonely']);
  return machine;
};

const hooks = async (machine: Machine): Promise<string[]> => {
  const { stdout } = await machine.sh("cd /etc/kernel && find . -type f | sort | sed 's|^./||'");
  return stdout.split('\n').filter(Boolean);
};

const installedFile = async (machine: Machine): Promise<string> =>
  (await machine.sh(`find /usr/lib/modules/${older.release} -name 'lonely.ko*' | xargs stat -c '%n %i %Y'`)).stdout;

describe.skipIf(!provision).each(releases)('dkms on %s', (release) => {
  it('there-and-back: is replaced with nothing rebuilt and no old hook left to run, and comes back as it was', async () => {
    const machine = await dkmsMachine(release);
    const before = { file: await installedFile(machine), hooks: await hooks(machine) };
    machine.write('/etc/dkms/framework.conf', `${machine.read('/etc/dkms/framework.conf')}\n# edited\n`);
    const said = await installKmodsort(machine, release);
    expect(said).not.toContain(': building');
    expect(await installedFile(machine)).toBe(before.file);
    expect(await unsettled(machine)).toEqual([]);
    expect((await hooks(machine)).filter((path) => path.endsWith('/dkms'))).toEqual([]);
    expect(machine.read('/etc/dkms/framework.conf')).toContain('# edited');
    expect((await machine.run(['dkms', 'status'])).stdout).toBe(`lonely/1.0, ${older.release}, x86_64: installed\n`);
    expect((await machine.run(['dkms', '--version'])).stdout).toBe('dkms-3.4.3\n');
    expect((await machine.run(['kmodsort', 'verify', '-k', older.release])).code).toBe(0);

    await installDkms(machine);
    expect(await installedFile(machine)).toBe(before.file);
    expect(await unsettled(machine)).toEqual([]);
    expect((await hooks(machine)).filter((path) => path.endsWith('/dkms'))).toEqual(
      before.hooks.filter((path) => path.endsWith('/dkms')),
    );
    expect((await machine.run(['dkms', 'status'])).stdout).toMatch(/lonely[/,].*: installed/);
    expect(machine.exists('/usr/bin/kmodsort')).toBe(false);
    await aptWell(machine, 'purge', 'lonely-dkms');
    expect(machine.objects(older.release)).toEqual([]);
  });

  it('purge: of kmodsort leaves nothing but the modules, and dpkg no file of it', async () => {
    const machine = await bareMachine(release, ...packages);
    await aptWell(machine, 'install', image(older), headers(older));
    const before = await paths(machine);
    await installKmodsort(machine, release);
    await aptWell(machine, 'install', 'lonely-dkms');
    await aptWell(machine, 'purge', 'lonely-dkms', 'kmodsort');
    expect(await leftovers(machine, before)).toEqual([]);
    expect((await machine.sh('ls -A /var/lib/dkms /usr/src')).stdout).not.toContain('lonely');
  });

  it('removal: without a purge leaves its configuration, which does nothing, and the modules', async () => {
    const machine = await kmodsortMachine(release, ...packages);
    await aptWell(machine, 'install', image(older), headers(older), 'lonely-dkms');
    const file = await installedFile(machine);
    expect((await machine.run(['dpkg', '--remove', '--force-depends', 'kmodsort'])).code).toBe(0);
    expect(await installedFile(machine)).toBe(file);
    expect((await machine.sh('bash --login -i -c true')).stdout).toBe('');
    await publish(machine, { name: 'unrelated', version: '1' });
    const again = await machine.run(['dpkg', '--install', '/repo/unrelated_1_all.deb']);
    expect(again.stdout + again.stderr).not.toContain('kmodsort');
    const hook = await machine.run(['run-parts', '--report', `--arg=${older.release}`, '/etc/kernel/postinst.d']);
    expect(hook).toMatchObject({ code: 0 });
    expect(hook.stdout + hook.stderr).not.toContain('kmodsort');
  });

  it('cannot-start: hooks say so, end well and wait in the queue, and the next run takes them up', async () => {
    const machine = await kmodsortMachine(release, ...packages);
    const node = release === 'bookworm' ? '/usr/lib/kmodsort/node' : '/usr/bin/node';
    await machine.sh(`mv ${node} ${node}.away`);
    const said = await aptWell(machine, 'install', image(older), headers(older), 'lonely-dkms');
    expect(said).toContain('kmodsort: cannot start now');
    expect(await unsettled(machine)).toEqual([]);
    expect(machine.objects(older.release)).toEqual([]);
    await machine.sh(`mv ${node}.away ${node}`);
    const next = await machine.run(['kmodsort', 'hook', 'run', 'boot']);
    expect(next.stdout).toContain('running a hook that was queued: apt source lonely 1.0');
    expect(next).toMatchObject({ code: 0 });
    expect(machine.objects(older.release)).toEqual(['lonely']);
    expect((await machine.sh('ls /var/lib/kmodsort/queue')).stdout).toBe('');
    await machine.sh(`mv ${node} ${node}.away`);
    await aptWell(machine, 'purge', 'lonely-dkms');
    await machine.sh(`mv ${node}.away ${node}`);
    await machine.run(['kmodsort', 'hook', 'run', 'apt', 'trigger']);
    expect(machine.objects(older.release)).toEqual([]);
    expect((await machine.run(['dkms', 'status'])).stdout).toBe('');
  });
});
