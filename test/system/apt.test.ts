import { afterEach, describe, expect, it } from 'vitest';
import {
  apt,
  aptWell,
  bareMachine,
  debOf,
  headers,
  image,
  kmodsortMachine,
  newer,
  older,
  provision,
  releases,
  stopMachines,
  unsettled,
} from './apt-machine.ts';
import { headersPackage, imagePackage, modulePackage, publish } from './debs.ts';

/** Transactions of the real apt and dpkg: what comes, what goes, in which order, and what is there afterwards. */

afterEach(stopMachines);

const chain = ['alpha-top', 'mid-link', 'zeta-core'];
const chainPackages = chain.map((name) => `${name}-dkms`);
const chainObjects = ['alpha_top', 'mid_link', 'zeta_core'];
const kernelPackages = [imagePackage(older.release), headersPackage(older)];
const modulePackages = chain.map((fixture) => modulePackage(fixture));
const builds = (said: string, module: string): number =>
  said.match(new RegExp(`${module}/\\S+, \\S+: building`, 'g'))?.length ?? 0;

describe.skipIf(!provision).each(releases)('apt on %s', (release) => {
  it('kernel-headers-modules: all in one call are built once, in order, before the one initramfs', async () => {
    const machine = await kmodsortMachine(release, ...kernelPackages, ...modulePackages);
    const said = await aptWell(machine, 'install', image(older), headers(older), ...chainPackages);
    expect(machine.objects(older.release)).toEqual(chainObjects);
    expect(machine.events()).toEqual([`initramfs postinst ${older.release}: alpha_top mid_link zeta_core `]);
    expect(chain.map((name) => builds(said, name))).toEqual([1, 1, 1]);
    expect(await unsettled(machine)).toEqual([]);
    const verified = await machine.run(['kmodsort', 'verify', '-k', older.release]);
    expect(verified).toMatchObject({ code: 0, stdout: `${older.release}: 3 objects will load\n` });
  });

  it('headers-later: a kernel without headers fails loudly at the end, and is made up for when they come', async () => {
    const machine = await kmodsortMachine(release, ...kernelPackages, ...modulePackages);
    const first = await apt(machine, 'install', image(older), 'zeta-core-dkms');
    expect(first.code).toBe(0);
    expect(first.stdout).toMatch(/FAILED +zeta-core\/1\.0 .*kernel headers for \S+ not found/);
    expect(first.stdout).toContain(`install the package with the headers of ${older.release}`);
    expect(await unsettled(machine)).toEqual([]);
    expect(
      (await machine.sh('. /etc/profile.d/kmodsort.sh; bash -ic true 2>/dev/null; cat /var/lib/kmodsort/notice'))
        .stdout,
    ).toContain('kernel modules are missing');
    await aptWell(machine, 'install', headers(older));
    expect(machine.objects(older.release)).toEqual(['zeta_core']);
    expect(machine.events().at(-1)).toBe(`initramfs update ${older.release}: zeta_core `);
    expect(machine.exists('/var/lib/kmodsort/notice')).toBe(false);
  });

  it('two-kernels: both get their modules in one call, and a kernel that leaves loses only its own', async () => {
    const machine = await kmodsortMachine(
      release,
      ...kernelPackages,
      imagePackage(newer.release),
      headersPackage(newer),
      ...modulePackages,
    );
    await aptWell(machine, 'install', image(older), headers(older), image(newer), headers(newer), 'zeta-core-dkms');
    for (const { release: kernel } of [older, newer]) expect(machine.objects(kernel)).toEqual(['zeta_core']);
    await aptWell(machine, 'purge', image(older));
    expect(machine.objects(newer.release)).toEqual(['zeta_core']);
    expect(machine.objects(older.release)).toEqual([]);
    await aptWell(machine, 'purge', headers(older));
    expect(machine.exists(`/usr/lib/modules/${older.release}`)).toBe(false);
    expect(machine.exists(`/var/lib/dkms/zeta-core/1.0/${older.release}`)).toBe(false);
  });

  it('source-alone: a module that comes by itself, in the wrong order, is built at once with what it needs', async () => {
    const machine = await kmodsortMachine(release, ...kernelPackages, ...modulePackages);
    await aptWell(machine, 'install', image(older), headers(older));
    const said = await aptWell(machine, 'install', ...chainPackages);
    expect(said).not.toContain('deferred');
    expect(said.indexOf('zeta-core/1.0, ')).toBeLessThan(said.indexOf('mid-link/1.0, '));
    expect(machine.objects(older.release)).toEqual(chainObjects);
    expect(machine.events().at(-1)).toBe(`initramfs update ${older.release}: alpha_top mid_link zeta_core `);
    await aptWell(machine, 'remove', 'alpha-top-dkms');
    expect(machine.objects(older.release)).toEqual(['mid_link', 'zeta_core']);
    await aptWell(machine, 'purge', ...chainPackages);
    expect(machine.objects(older.release)).toEqual([]);
    expect((await machine.run(['dkms', 'status'])).stdout).toBe('');
  });

  it('upgrade: the old version stays until the new one is there, dependents follow', async () => {
    const machine = await kmodsortMachine(release, ...kernelPackages, ...modulePackages);
    await aptWell(machine, 'install', image(older), headers(older), ...chainPackages);
    await publish(machine, modulePackage('zeta-core', { version: '1.1' }));
    const said = await aptWell(machine, 'dist-upgrade');
    expect(said).toContain('zeta-core/1.0 kept until the version that replaces it is installed');
    expect(said).toContain('zeta-core/1.0 removed from the dkms tree');
    expect(machine.objects(older.release)).toEqual(chainObjects);
    const status = (await machine.run(['dkms', 'status'])).stdout;
    expect(status).toContain(`zeta-core/1.1, ${older.release}, x86_64: installed`);
    expect(status).not.toContain('zeta-core/1.0');
  });

  it('image-first: modules of packages that are set up after the kernel are in its one initramfs', async () => {
    const after = { depends: [image(older)] };
    const machine = await kmodsortMachine(release, ...kernelPackages, modulePackage('lonely', after));
    const said = await aptWell(machine, 'install', image(older), headers(older), 'lonely-dkms');
    expect(builds(said, 'lonely')).toBe(1);
    expect(machine.events()).toEqual([`initramfs postinst ${older.release}: lonely `]);
    expect(await unsettled(machine)).toEqual([]);
  });

  it('image-first-by-hand: a package whose postinst calls dkms itself finds its module there, and ends well', async () => {
    const lonely = modulePackage('lonely', { depends: [image(older)] });
    const words = '-m lonely -v 1.0';
    const postinst = `dkms add ${words}; dkms build ${words} -k ${older.release}; dkms install ${words} -k ${older.release}`;
    const scripts = { ...lonely.scripts, postinst: `[ "$1" = configure ] || exit 0\n${postinst}` };
    const machine = await kmodsortMachine(release, ...kernelPackages, { ...lonely, scripts });
    const said = await aptWell(machine, 'install', image(older), headers(older), 'lonely-dkms');
    expect(builds(said, 'lonely')).toBe(1);
    expect(machine.objects(older.release)).toEqual(['lonely']);
    expect((await machine.sh('dkms add lonely/1.0')).code).toBe(3);
  });

  it('image-first-upgrade: a new version and a new kernel in one call', async () => {
    const packages = [...kernelPackages, imagePackage(newer.release), headersPackage(newer), modulePackage('lonely')];
    const machine = await kmodsortMachine(release, ...packages);
    await aptWell(machine, 'install', image(older), headers(older), 'lonely-dkms');
    await publish(machine, modulePackage('lonely', { version: '1.1', depends: [image(newer)] }));
    const said = await aptWell(machine, 'install', image(newer), headers(newer), 'lonely-dkms');
    expect(said).not.toContain('FAILED');
    expect(builds(said, 'lonely')).toBe(2);
    expect(machine.events().filter((event) => event.includes(newer.release))).toEqual([
      `initramfs postinst ${newer.release}: lonely `,
    ]);
    const states = [newer, older].map((kernel) => `lonely/1.1, ${kernel.release}, x86_64: installed\n`);
    expect((await machine.run(['dkms', 'status'])).stdout).toBe(states.sort().join(''));
    expect(await unsettled(machine)).toEqual([]);
  });

  it('upgrade-fails: a version that does not compile leaves the working one in place for good', async () => {
    const machine = await kmodsortMachine(release, ...kernelPackages, ...modulePackages);
    machine.write('/etc/dkms/framework.conf.d/required.conf', 'required_modules="zeta-core"\n');
    await aptWell(machine, 'install', image(older), headers(older), 'zeta-core-dkms');
    const spoil = (text: string): string => `${text}\n#error "this one is broken"\n`;
    await publish(machine, modulePackage('zeta-core', { version: '1.1', edits: { 'zeta_core.c': spoil } }));
    const ended = await apt(machine, 'dist-upgrade');
    expect(ended.code).toBe(0);
    expect(ended.stdout).toMatch(/FAILED +zeta-core\/1\.1 /);
    expect(ended.stdout).toContain('this one is broken');
    expect(ended.stdout).toContain('fallback: zeta-core/1.0 is still installed and will load');
    expect(ended.stdout).not.toContain('do not reboot');
    expect(machine.objects(older.release)).toEqual(['zeta_core']);
    expect(await unsettled(machine)).toEqual([]);
    const again = await apt(machine, 'install', '--reinstall', image(older));
    expect(again.stdout).toContain('nothing has changed since');
    expect(builds(again.stdout, 'zeta-core')).toBe(0);
    expect(machine.objects(older.release)).toEqual(['zeta_core']);
  });

  it('required: a required module that fails makes apt end with an error, once, with every package fine', async () => {
    const machine = await kmodsortMachine(release, ...kernelPackages, modulePackage('broken'));
    machine.write('/etc/dkms/framework.conf.d/required.conf', 'required_modules="broken"\n');
    const ended = await apt(machine, 'install', image(older), headers(older), 'broken-dkms');
    expect(ended.code).toBe(100);
    const all = ended.stdout + ended.stderr;
    expect(all).toContain(`do not reboot into ${older.release}: required modules are missing: broken`);
    expect(await unsettled(machine)).toEqual([]);
    await publish(machine, { name: 'unrelated', version: '1' });
    expect((await apt(machine, 'install', 'unrelated')).code).toBe(0);
  });

  it('told-once: what fails is told in full when it happens and at the very end, and in a word between', async () => {
    const machine = await kmodsortMachine(release, ...kernelPackages, modulePackage('broken'));
    await aptWell(machine, 'install', 'broken-dkms');
    const ended = await apt(machine, 'install', image(older), headers(older));
    expect(ended.code).toBe(0);
    const all = ended.stdout + ended.stderr;
    expect(all.match(/^ {2}FAILED +broken\/1\.0 /gm)).toHaveLength(2);
    expect(all.match(/ FAILED after /g)).toHaveLength(1);
    expect(all.match(/^kmodsort: still failed: broken\/1\.0 on .* \(see above\)$/gm)?.length).toBeGreaterThan(0);
    expect(all).not.toContain('in an earlier run');
    expect(all.lastIndexOf('still failed')).toBeLessThan(all.lastIndexOf('  FAILED '));
    // The next transaction has its own.
    const again = await apt(machine, 'install', '--reinstall', image(older));
    expect((again.stdout + again.stderr).match(/^ {2}FAILED +broken\/1\.0 /gm)?.length).toBeGreaterThan(1);
    await publish(machine, { name: 'unrelated', version: '1' });
    expect((await apt(machine, 'install', 'unrelated')).stderr).not.toContain('FAILED');
  });

  it('same-release: a kernel that is updated under its name gets its modules built again', async () => {
    const machine = await kmodsortMachine(release, ...kernelPackages, ...modulePackages);
    await aptWell(machine, 'install', image(older), headers(older), 'zeta-core-dkms');
    // Other headers at another place: all links but for the symbols, which have changed.
    const made = await machine.sh(
      `mkdir /opt/headers && cd ${older.headers} && for f in * .[a-z]*; do ln -s ${older.headers}/$f /opt/headers/; done &&
       rm /opt/headers/Module.symvers && sed '1s/^0x......../0x12345678/' Module.symvers > /opt/headers/Module.symvers`,
    );
    expect(made.code).toBe(0);
    await publish(
      machine,
      imagePackage(older.release, { version: '2' }),
      headersPackage(older, { version: '2', at: '/opt/headers' }),
    );
    const said = await aptWell(machine, 'dist-upgrade');
    expect(said).toMatch(/zeta-core\/1\.0, \S+: building \(changed: .*headers/);
    expect(builds(said, 'zeta-core')).toBe(1);
    expect(machine.objects(older.release)).toEqual(['zeta_core']);
    expect(machine.events().at(-1)).toContain('zeta_core');
  });

  it('ours-last: kmodsort itself comes with everything else in one call', async () => {
    const machine = await bareMachine(release, ...kernelPackages, ...modulePackages);
    const deb = machine.bring(debOf(release), '/var/cache/debs');
    await aptWell(machine, 'install', image(older), headers(older), ...chainPackages, deb);
    expect(machine.objects(older.release)).toEqual(chainObjects);
    expect(machine.events().at(-1)).toContain('alpha_top mid_link zeta_core');
    expect(await unsettled(machine)).toEqual([]);
  });

  it('headers-only: headers without a kernel are no reason to build', async () => {
    const machine = await kmodsortMachine(release, ...kernelPackages, ...modulePackages);
    const said = await aptWell(machine, 'install', headers(older), 'zeta-core-dkms');
    expect(builds(said, 'zeta-core')).toBe(0);
    expect(machine.objects(older.release)).toEqual([]);
  });
});
