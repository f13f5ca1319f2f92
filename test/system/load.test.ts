import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingPackages } from '../packages.ts';
import { aptWell, headers, image, kmodsortMachine, older, provision, stopMachines } from './apt-machine.ts';
import { headersPackage, imagePackage, modulePackage } from './debs.ts';
import { bootWith } from './loading.ts';
import type { Machine } from './machine.ts';
import { emulatorPackages, putOwnModule } from './qemu.ts';

/**
 * What was built in a transaction is loaded by the real kernel in an emulator; modules that were built in the wrong
 * order, or without symbols, are not; and `kmodsort verify` knew it.
 */

const release = older.release;
const chain = ['alpha-top', 'mid-link', 'zeta-core'];

const boot = (machine: Machine, ...names: readonly string[]): Promise<string> => bootWith(machine, release, names);

const verify = (machine: Machine) => machine.run(['kmodsort', 'verify', '-k', release]);

const object = async (machine: Machine, name: string): Promise<string> =>
  (await machine.sh(`find /usr/lib/modules/${release} -name '${name}.ko*'`)).stdout.trim();

/** Build a source by hand and put its object over the installed one. */
const buildByHand = async (
  machine: Machine,
  source: string,
  directory: string,
  edit: string,
  words: string,
): Promise<void> => {
  const place = `/tmp/by-hand/${directory}`;
  const file = await object(machine, source);
  const built = await machine.sh(
    `rm -rf /tmp/by-hand && cp -a /usr/src/${source.replace('_', '-')}-1.0 /tmp/by-hand && cd ${place} && ${edit} &&
     make -C /usr/lib/modules/${release}/build M=${place} ${words} modules && cp ${place}/${source}.ko ${file}`,
  );
  if (built.code !== 0) throw new Error(built.stdout + built.stderr);
};

/** A machine on which one apt call brings a kernel and modules. */
const machineWith = async (fixtures: readonly string[]): Promise<Machine> => {
  const missing = missingPackages(emulatorPackages);
  if (missing) throw new Error(missing);
  const packages = [imagePackage(release), headersPackage(older), ...fixtures.map((fixture) => modulePackage(fixture))];
  const machine = await kmodsortMachine('bookworm', ...packages);
  await aptWell(machine, 'install', image(older), headers(older), ...fixtures.map((name) => `${name}-dkms`));
  return machine;
};

describe.skipIf(!provision || process.arch !== 'x64')('load: the real kernel', () => {
  let machine: Machine;

  beforeAll(async () => {
    machine = await machineWith(chain);
    await machine.sh(`cp -a /usr/lib/modules/${release} /tmp/kept`);
  });

  afterAll(stopMachines);

  const restore = () => machine.sh(`rm -rf /usr/lib/modules/${release} && cp -a /tmp/kept /usr/lib/modules/${release}`);

  it('loads a chain of three that one apt call brought in the wrong order', async () => {
    expect(await verify(machine)).toMatchObject({ code: 0 });
    const said = await boot(machine, 'alpha_top');
    expect(said).toContain('modprobe alpha_top: well');
    expect(said).toContain('loaded: alpha_top mid_link zeta_core');
  });

  it('does not load modules that were built before what they need changed, and verify says so', async () => {
    await buildByHand(
      machine,
      'zeta_core',
      '',
      "sed -i 's/zeta_count(void)/zeta_count(long unused)/' zeta_core.c zeta.h",
      '',
    );
    const verified = await verify(machine);
    expect(verified.code).toBe(1);
    expect(verified.stdout).toMatch(/mid-link\/1\.0 .*disagrees about version of symbol zeta_count/);
    const said = await boot(machine, 'alpha_top');
    expect(said).toContain('modprobe alpha_top: failed');
    expect(said).toContain('disagrees about version of symbol zeta_count');
    await restore();
  });

  it('does not find a module that depmod has not seen, and verify says so', async () => {
    await machine.sh(`sed -i /alpha_top/d /usr/lib/modules/${release}/modules.dep`);
    const verified = await verify(machine);
    expect(verified.code).toBe(1);
    expect(verified.stdout).toMatch(/alpha-top\/1\.0 .*modprobe will not find it: modules\.dep does not list it/);
    expect(await boot(machine, 'alpha_top', 'mid_link')).toMatch(/alpha_top: failed[\s\S]*mid_link: well/);
    await restore();
  });

  it('does not load a module that was built without the symbols of what it needs, and verify says so', async () => {
    await buildByHand(machine, 'mid_link', 'module', 'true', 'KBUILD_MODPOST_WARN=1');
    const verified = await verify(machine);
    expect(verified.code).toBe(1);
    expect(verified.stdout).toMatch(/mid-link\/1\.0 .*no symbol version for zeta_\w+: /);
    const said = await boot(machine, 'alpha_top');
    expect(said).toContain('modprobe alpha_top: failed');
    expect(said).toMatch(/mid_link: no symbol version for zeta_/);
    await restore();
  });

  it('does not load what is not signed where it loads signed ones only, and verify says so', async () => {
    const config = `${older.headers}/include/config/auto.conf`;
    const forced = await machine.sh(
      `cp ${config} /tmp/auto.conf && echo CONFIG_MODULE_SIG_FORCE=y >> /tmp/auto.conf && mount --bind /tmp/auto.conf ${config}`,
    );
    expect(forced.code, forced.stderr).toBe(0);
    const verified = await verify(machine);
    await machine.sh(`umount ${config}`);
    expect(verified.code).toBe(1);
    expect(verified.stdout).toMatch(/zeta-core\/1\.0 .*Required key not available: it is not signed/);
    const said = await bootWith(machine, release, ['zeta_core'], ['module.sig_enforce=1']);
    expect(said).toContain('modprobe zeta_core: failed');
    expect(said).toContain('Loading of unsigned module is rejected');
  });

  it('does not find a module that is not installed, and verify says so', async () => {
    await machine.sh(`dkms uninstall alpha-top/1.0 -k ${release}`);
    const verified = await verify(machine);
    expect(verified.code).toBe(1);
    expect(verified.stdout).toMatch(/alpha-top/);
    expect(await boot(machine, 'alpha_top', 'mid_link')).toMatch(/alpha_top: failed[\s\S]*mid_link: well/);
    await machine.sh(`dkms install alpha-top/1.0 -k ${release}`);
    expect(await verify(machine)).toMatchObject({ code: 0 });
  });

  it('loads what needs a module that somebody else has put into extra/, and verify counts with it', async () => {
    const extra = `/usr/lib/modules/${release}/extra`;
    await machine.sh(
      `mkdir ${extra} && cp ${await object(machine, 'zeta_core')} ${extra} && dkms remove zeta-core/1.0 --all && depmod ${release}`,
    );
    const verified = await verify(machine);
    expect(verified.code, verified.stdout).toBe(0);
    expect(await boot(machine, 'alpha_top')).toContain('modprobe alpha_top: well');
    await machine.sh(`rm -r ${extra} && depmod ${release}`);
    const without = await verify(machine);
    expect(without.code).toBe(1);
    expect(without.stdout).toMatch(/mid-link\/1\.0 .*Unknown symbol zeta_/);
    expect(await boot(machine, 'alpha_top')).toContain('modprobe alpha_top: failed');
  });
});

describe.skipIf(!provision || process.arch !== 'x64')('load: the real kernel and its own modules', () => {
  afterAll(stopMachines);
  const own = ['lib/reed_solomon/reed_solomon.ko', 'net/psample/psample.ko'] as const;

  it('loads what needs one that is there, and not what needs one that is not, and verify knew it', async () => {
    const machine = await machineWith(['uses-own']);
    for (const name of own) putOwnModule(machine, release, name);
    await machine.sh(`depmod ${release}`);
    expect(await verify(machine)).toMatchObject({ code: 0 });
    expect(await boot(machine, 'uses_own')).toContain('modprobe uses_own: well');
    await machine.sh(`rm -r /usr/lib/modules/${release}/kernel/lib && depmod ${release}`);
    const verified = await verify(machine);
    expect(verified.code).toBe(1);
    expect(verified.stdout).toMatch(
      /uses-own\/1\.0 .*Unknown symbol free_rs: the module reed_solomon of this kernel exports it, and is not installed/,
    );
    const said = await boot(machine, 'uses_own');
    expect(said).toContain('modprobe uses_own: failed');
    expect(said).toContain('uses_own: Unknown symbol free_rs');
  });
});

describe.skipIf(!provision || process.arch !== 'x64')('load: the real kernel and renamed objects', () => {
  afterAll(stopMachines);

  it('loads them and what was built on them, and not what was built without their symbols, and verify knew it', async () => {
    const machine = await machineWith(['unbound', 'on-renamed', 'renamed']);
    const verified = await verify(machine);
    expect(verified.code).toBe(1);
    expect(verified.stdout).toContain(`${release}: 1 of 5 objects will NOT load\n`);
    expect(verified.stdout).toMatch(/^ {2}unbound\/1\.0 .*no symbol version for gear_turn: /m);
    const said = await boot(machine, 'renamed-current-drive', 'on_renamed', 'unbound');
    expect(said).toContain('modprobe renamed-current-drive: well');
    expect(said).toContain('modprobe on_renamed: well');
    expect(said).toContain('modprobe unbound: failed');
    expect(said).toContain('unbound: no symbol version for gear_turn');
    expect(said).toContain('loaded: base drive gear on_renamed');
  });
});
