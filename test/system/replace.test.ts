import { afterEach, describe, expect, it } from 'vitest';
import { older, provision, releases, stopMachines } from './apt-machine.ts';
import { leftovers, paths } from './leftovers.ts';
import type { Machine } from './machine.ts';
import { dkmsForPacman, dkmsForRpm } from './other-dkms.ts';
import {
  bringOurs,
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
import { dnfWell, installOurRpm, kernelCore, kernelDevel, moduleRpm, publishRpms, rpmMachine } from './rpm-machine.ts';

/** kmodsort in the place of a dkms of pacman or rpm, dkms in its place again, and kmodsort gone for good. */

afterEach(stopMachines);

const edited = '# edited by the user\n';
const conf = '/etc/dkms/framework.conf';
const editConf = (machine: Machine): void => machine.write(conf, `${machine.read(conf)}${edited}`);

/** Name, inode and time of the installed module: a rebuilt one has others. */
const installedFile = async (machine: Machine): Promise<string> =>
  (await machine.sh(`find /usr/lib/modules/${older.release} -name 'lonely.ko*' | xargs stat -c '%n %i %Y'`)).stdout;

const status = async (machine: Machine): Promise<string> => (await machine.run(['dkms', 'status'])).stdout;

const isEnabled = async (machine: Machine, unit: string): Promise<string> =>
  (await machine.run(['systemctl', 'is-enabled', unit])).stdout.trim();

/** After the replacement: the tree goes on as it was, with our program. */
const expectTakenOver = async (machine: Machine, said: string, file: string): Promise<void> => {
  expect(said).not.toContain(': building');
  expect(await installedFile(machine)).toBe(file);
  expect(await status(machine)).toBe(`lonely/1.0, ${older.release}, x86_64: installed\n`);
  expect((await machine.run(['dkms', '--version'])).stdout).toBe('dkms-3.4.3\n');
  expect((await machine.run(['kmodsort', 'verify', '-k', older.release])).code).toBe(0);
  expect(machine.read(conf)).toContain(edited);
};

/** After the way back. */
const expectHandedBack = async (machine: Machine, file: string): Promise<void> => {
  expect(await installedFile(machine)).toBe(file);
  expect(await status(machine)).toMatch(/lonely[/,].*: installed/);
  expect((await machine.run(['dkms', '--version'])).stdout).not.toContain('3.4.3');
};

describe.skipIf(!provision).each(releases)('pacman replaces on %s', (release) => {
  const packages = [linuxPackage('linux', older), linuxHeaders('linux', older), dkmsPackage('lonely')];

  const dkmsMachine = async (): Promise<Machine> => {
    const machine = await pacmanMachine(release, ...packages);
    await publishPackages(machine, await dkmsForPacman(machine));
    await pacmanWell(machine, '-Syy', 'dkms', 'linux', 'linux-headers', 'lonely-dkms');
    expect(machine.events()).toContain('hook of dkms');
    expect(machine.objects(older.release)).toEqual(['lonely']);
    editConf(machine);
    return machine;
  };

  it('there-and-back: dkms goes when the conflict is answered, nothing is rebuilt, and it comes back', async () => {
    const machine = await dkmsMachine();
    const [file, before] = [await installedFile(machine), await paths(machine)];
    const ours = bringOurs(machine, release);
    const refused = await pacman(machine, '-U', ours);
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.stdout + refused.stderr).toMatch(/kmodsort\S* and dkms\S* are in conflict/);
    const came = await pacmanWell(machine, '-U', '--ask', '4', ours);
    await expectTakenOver(machine, came, file);
    expect(machine.exists(`${conf}.pacnew`)).toBe(true);
    await pacmanWell(machine, '-S', 'linux-headers');
    expect(machine.events().filter((line) => line === 'hook of dkms')).toHaveLength(1);

    await pacmanWell(machine, '-S', '--ask', '4', 'dkms');
    await expectHandedBack(machine, file);
    // pacman's own way with edited settings: both programs' are kept for the user.
    expect(await leftovers(machine, before)).toEqual([`${conf}.pacnew`, `${conf}.pacsave`]);
    expect(machine.read(`${conf}.pacsave`)).toContain(edited);
  });

  it('repository: an upgrade of the system takes us for dkms where a repository has us', async () => {
    const machine = await dkmsMachine();
    const file = await installedFile(machine);
    await publishOurs(machine, release);
    const came = await pacmanWell(machine, '-Syyu');
    await expectTakenOver(machine, came, file);
  });

  it('removal: leaves the modules, their tree and edited settings, and nothing else', async () => {
    const machine = await pacmanMachine(release, ...packages);
    await pacmanWell(machine, '-Syy', 'linux', 'linux-headers');
    const before = await paths(machine);
    await installOurs(machine, release);
    await pacmanWell(machine, '-S', 'lonely-dkms');
    expect((await machine.run(['systemctl', 'enable', 'kmodsort.service'])).code).toBe(0);
    editConf(machine);
    const file = await installedFile(machine);
    await pacmanWell(machine, '-Rdd', 'kmodsort');
    expect(await leftovers(machine, before)).toEqual(['/etc/dkms', `${conf}.pacsave`]);
    expect(await installedFile(machine)).toBe(file);
    expect(machine.exists('/var/lib/dkms/lonely/1.0')).toBe(true);
  });
});

describe.skipIf(!provision).each(releases)('dnf replaces on %s', (release) => {
  const [core, devel, module] = [kernelCore(older), kernelDevel(older), moduleRpm('lonely')];

  it('there-and-back: dkms goes as obsolete, nothing is rebuilt, the service stays enabled, and it comes back', async () => {
    const machine = await rpmMachine(release, core, devel, module);
    await publishRpms(machine, await dkmsForRpm(machine));
    await dnfWell(machine, 'install', '--refresh', 'dkms', core.name, devel.name, module.name);
    expect(machine.objects(older.release)).toEqual(['lonely']);
    expect(machine.events()).toContain('hook of dkms');
    editConf(machine);
    const [file, before] = [await installedFile(machine), await paths(machine)];

    const came = await installOurRpm(machine, release);
    await expectTakenOver(machine, came, file);
    expect(await isEnabled(machine, 'kmodsort.service')).toBe('enabled');
    expect((await machine.sh('rpm -V kmodsort')).stdout).not.toMatch(/missing/);

    await dnfWell(machine, 'swap', 'kmodsort', 'dkms');
    await expectHandedBack(machine, file);
    expect(await isEnabled(machine, 'dkms.service')).toBe('enabled');
    expect(machine.read(conf)).toContain(edited);
    expect(await leftovers(machine, before)).toEqual([`${conf}.rpmnew`]);
    await dnfWell(machine, 'remove', module.name);
    expect(machine.objects(older.release)).toEqual([]);
  });

  it('removal: leaves the modules, their tree and edited settings, and nothing else', async () => {
    const machine = await rpmMachine(release, core, devel, module);
    await dnfWell(machine, 'install', core.name, devel.name);
    const before = await paths(machine);
    await installOurRpm(machine, release);
    await dnfWell(machine, 'install', module.name);
    editConf(machine);
    const file = await installedFile(machine);
    const gone = await machine.run(['rpm', '-e', '--nodeps', 'kmodsort']);
    expect(gone).toMatchObject({ code: 0 });
    expect(await leftovers(machine, before)).toEqual(['/etc/dkms', `${conf}.rpmsave`]);
    expect(await installedFile(machine)).toBe(file);
  });

  it('ours-last: what was there before is built when our package comes', async () => {
    const machine = await rpmMachine(release, core, devel, { ...module, tags: [], scriptlets: '' });
    await dnfWell(machine, 'install', core.name, devel.name, module.name);
    await installOurRpm(machine, release);
    expect(machine.objects(older.release)).toEqual(['lonely']);
  });
});
