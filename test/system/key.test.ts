import { afterEach, describe, expect, it } from 'vitest';
import { run } from '../packages.ts';
import { aptWell, headers, image, kmodsortMachine, older, provision, stopMachines } from './apt-machine.ts';
import { headersPackage, imagePackage, modulePackage } from './debs.ts';
import type { Machine } from './machine.ts';

/** The same packages make the same Key, wherever and whenever they are installed: what one machine built fits another. */

afterEach(stopMachines);

const fixtures = ['zeta-core', 'mid-link', 'lonely'];
const store = '/var/lib/kmodsort/store';

const newMachine = (): Promise<Machine> =>
  kmodsortMachine(
    'bookworm',
    imagePackage(older.release),
    headersPackage(older),
    ...fixtures.map((fixture) => modulePackage(fixture)),
  );

const install = (machine: Machine): Promise<string> =>
  aptWell(machine, 'install', image(older), headers(older), ...fixtures.map((fixture) => `${fixture}-dkms`));

const keysOf = async (machine: Machine): Promise<string[]> => {
  const { stdout } = await machine.sh(`cd ${store} && ls -d */*`);
  return stdout.split('\n').filter(Boolean).sort();
};

/** What must not matter: another name of the host, another clock, fewer cores, other times and owners of files. */
const makeDifferent = async (machine: Machine): Promise<void> => {
  machine.write('/etc/hostname', 'other\n');
  machine.write('/etc/dkms/framework.conf', 'parallel_jobs="1"\ncompress_xz_opts="-0"\n');
  await machine.sh('echo "umask 077" >> /root/.profile');
};

describe.skipIf(!provision)('two machines with the same packages', () => {
  it('have the same Keys, and one takes what the other has built', async () => {
    const [one, two] = [await newMachine(), await newMachine()];
    const built = await install(one);
    expect(built).not.toContain('from the store');
    const keys = await keysOf(one);
    expect(keys).toHaveLength(fixtures.length);
    await makeDifferent(two);
    run('sh', ['-c', 'mkdir -p "$2" && cp -r "$1"/. "$2"/', 'sh', one.path(store), two.path(store)]);
    const taken = await install(two);
    for (const fixture of fixtures)
      expect(taken).toMatch(new RegExp(` installed +${fixture}/1\\.0 +\\S+ +from the store `));
    expect(await keysOf(two)).toEqual(keys);
    expect(two.objects(older.release)).toEqual(one.objects(older.release));
    expect((await two.run(['kmodsort', 'verify', '-k', older.release])).code).toBe(0);
  });

  it('have them with other times, owners and a new build of their own, too', async () => {
    const [one, two] = [await newMachine(), await newMachine()];
    await install(one);
    await makeDifferent(two);
    await install(two);
    expect(await keysOf(two)).toEqual(await keysOf(one));
    await two.sh('find /usr/src/zeta-core-1.0 -exec touch -d 2001-01-01 {} +; chgrp -R 12 /usr/src/zeta-core-1.0');
    const hook = await two.run(['kmodsort', 'hook', 'run', 'apt', 'trigger']);
    expect(hook.stdout + hook.stderr).not.toContain('building');
    await two.sh('echo "/* changed */" >> /usr/src/zeta-core-1.0/zeta_core.c');
    const why = await two.run(['kmodsort', 'why', 'zeta-core', '-k', older.release]);
    expect(why.stdout).toContain('  sources: zeta_core.c');
  });
});
