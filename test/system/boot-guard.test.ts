import { readdirSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { missingPackages } from '../packages.ts';
import { makeFault } from '../torture/fault.ts';
import {
  aptWell,
  bareMachine,
  diskMachine,
  headers,
  image,
  installKmodsort,
  newer,
  older,
  provision,
  releases,
  stopMachines,
} from './apt-machine.ts';
import { headersPackage, imagePackage, modulePackage } from './debs.ts';
import type { Machine } from './machine.ts';
import { archMachine, dkmsPackage, linuxHeaders, linuxPackage } from './pacman-machine.ts';
import { bootByGrub, emulatorPackages, putRealImage } from './qemu.ts';
import type { Release } from './roots.ts';

/** While a required module is missing on the newest kernel an older one is booted by default. */

afterEach(stopMachines);

/** Only for the line of the older kernel. */
const line = older.release.split('.').slice(0, 2).join('\\.');
const onlyOlder = `BUILD_EXCLUSIVE_KERNEL="^${line}\\."\n`;

const packages = [
  imagePackage(older.release),
  headersPackage(older),
  imagePackage(newer.release),
  headersPackage(newer),
  modulePackage('lonely', { conf: onlyOlder }),
  modulePackage('lonely', { version: '1.1' }),
];

const dropIn = '/etc/default/grub.d/zz-kmodsort-boot-guard.cfg';

/** A machine on a disk, GRUB's menu made, and a module required that the newer kernel rules out. */
const grubMachine = async (release: Release, defaults = 'GRUB_DEFAULT=0\n'): Promise<Machine> => {
  const machine = await diskMachine(release, ...packages);
  machine.write('/etc/default/grub', defaults);
  await machine.sh(
    'mkdir -p /boot/grub && grub-editenv /boot/grub/grubenv create && grub-mkconfig -o /boot/grub/grub.cfg',
  );
  // As grub-pc and grub-efi-amd64 bring it.
  machine.write('/usr/sbin/update-grub', '#!/bin/sh\nexec grub-mkconfig -o /boot/grub/grub.cfg "$@"\n', 0o755);
  // This machine has a process namespace of its own, and zz-update-grub does nothing in a container.
  machine.write('/usr/bin/systemd-detect-virt', '#!/bin/sh\nexit 1\n', 0o755);
  await installKmodsort(machine, release);
  machine.write('/etc/dkms/framework.conf.d/boot.conf', 'boot_guard="yes"\nrequired_modules="lonely"\n');
  await aptWell(machine, 'install', image(older), headers(older), 'lonely-dkms=1.0-1');
  return machine;
};

const saved = async (machine: Machine): Promise<string> =>
  (await machine.run(['grub-editenv', '/boot/grub/grubenv', 'list'])).stdout;

/** The kernel image of the entry that GRUB's menu boots: of its first one, or of the one that is saved. */
const bootedByDefault = async (machine: Machine): Promise<string> => {
  const menu = machine.read('/boot/grub/grub.cfg');
  const word = /^saved_entry=(?:.*>)?(.+)$/m.exec(await saved(machine))?.[1];
  const isSaved = /^ {3}set default="\$\{saved_entry\}"$/m.test(menu);
  const from = isSaved && word !== undefined ? menu.indexOf(`'${word}'`) : menu.indexOf('menuentry ');
  return /^\s*linux\s+\S*\/(\S+)/m.exec(menu.slice(from))?.[1] ?? '';
};

/** Our file system for the EFI system partition is not VFAT, which not every kernel has. */
const relaxed = { SYSTEMD_RELAX_ESP_CHECKS: '1' };

const bootctl = (machine: Machine, ...words: string[]) => machine.run(['bootctl', ...words], { env: relaxed });

/** A machine that systemd-boot boots, installed on an image. */
const systemdBootMachine = async (release: Release): Promise<Machine> => {
  const machine = await bareMachine(release, ...packages);
  machine.mountImage('/efi', '64M');
  machine.write('/etc/kernel/cmdline', 'quiet\n');
  const installed = await bootctl(machine, 'install', '--no-variables', '--make-entry-directory=yes');
  if (installed.code !== 0) throw new Error(installed.stderr);
  // As the package systemd-boot brings it.
  machine.write('/etc/kernel/postinst.d/zz-systemd-boot', '#!/bin/sh\nkernel-install add "$1" "$2"\n', 0o755);
  await installKmodsort(machine, release);
  machine.write('/etc/dkms/framework.conf.d/boot.conf', 'boot_guard="yes"\nrequired_modules="lonely"\n');
  const wanted = [image(older), headers(older), 'lonely-dkms=1.0-1'];
  await machine.run(['apt-get', '-q', '-y', 'install', ...wanted], { env: relaxed });
  return machine;
};

/** The kernel of the entry that bootctl calls the default. */
const firstEntry = async (machine: Machine): Promise<string> => {
  const { stdout } = await bootctl(machine, 'list', '--no-pager');
  const block = stdout.split(/\n\s*\n/).find((one) => one.includes('(default)'));
  return /^\s*version: (.*)$/m.exec(block ?? '')?.[1] ?? '';
};

const entryFiles = (machine: Machine): string[] => readdirSync(machine.path('/efi/loader/entries')).sort();

const guard = (machine: Machine, ...words: string[]) => machine.run(['kmodsort', 'boot-guard', ...words]);

/** apt ends with an error where a required module is missing. */
const installNewer = async (machine: Machine): Promise<string> => {
  const { stdout, stderr } = await machine.run(['apt-get', '-q', '-y', 'install', image(newer), headers(newer)]);
  return stdout + stderr;
};

/** Nothing half-made is left beside the menu. */
const leftovers = (machine: Machine): string[] =>
  readdirSync(machine.path('/boot/grub')).filter((name) => !['grub.cfg', 'grubenv'].includes(name));

describe.skipIf(!provision).each(releases)('boot guard with GRUB on %s', (release) => {
  it('holds a kernel back on which a required module is missing, until it is not', async () => {
    const machine = await grubMachine(release);
    expect(await bootedByDefault(machine)).toBe(`vmlinuz-${older.release}`);
    expect(await installNewer(machine)).toContain(
      `kmodsort: boot guard: lonely will not load on ${newer.release}: GRUB will boot ${older.release} by default`,
    );
    expect(await bootedByDefault(machine)).toBe(`vmlinuz-${older.release}`);
    expect(machine.read('/boot/grub/grub.cfg')).toContain(`vmlinuz-${newer.release}`);
    // Whoever makes the menu anew makes it so.
    await machine.run(['update-grub']);
    expect(await bootedByDefault(machine)).toBe(`vmlinuz-${older.release}`);
    const { stdout } = await machine.run(['kmodsort', 'status']);
    expect(stdout).toContain(
      `${newer.release} is held back by boot_guard, lonely will not load there: ${older.release} is booted by default`,
    );
    const repaired = await aptWell(machine, 'install', 'lonely-dkms');
    expect(repaired).toContain(`kmodsort: boot guard: ${newer.release} is no longer held back`);
    expect(await bootedByDefault(machine)).toBe(`vmlinuz-${newer.release}`);
    expect(machine.exists(dropIn)).toBe(false);
    expect(await saved(machine)).toBe('');
    expect(leftovers(machine)).toEqual([]);
  });

  it('has GRUB boot the one kernel, and then the other', async () => {
    const missing = missingPackages(emulatorPackages);
    if (missing) throw new Error(missing);
    const machine = await grubMachine(release, 'GRUB_TIMEOUT=0\nGRUB_CMDLINE_LINUX="console=ttyS0 panic=-1"\n');
    await installNewer(machine);
    putRealImage(machine, older.release, [older.release, newer.release]);
    expect(await bootByGrub(machine)).toBe(older.release);
    await guard(machine, '--undo');
    expect(await bootByGrub(machine)).toBe(newer.release);
  });

  it('says nothing of a kernel whose module comes with its headers, and holds it back meanwhile', async () => {
    const machine = await grubMachine(release);
    await aptWell(machine, 'install', 'lonely-dkms');
    const image1 = await aptWell(machine, 'install', '--no-install-recommends', image(newer), headers(newer));
    expect(image1).not.toContain('boot guard');
    expect(await bootedByDefault(machine)).toBe(`vmlinuz-${newer.release}`);
    expect(machine.exists(dropIn)).toBe(false);
  });

  it('lets what the administrator has saved be, and saves it again', async () => {
    const machine = await grubMachine(release, 'GRUB_DEFAULT=saved\n');
    await machine.run(['grub-editenv', '/boot/grub/grubenv', 'set', 'saved_entry=0']);
    await installNewer(machine);
    expect(await bootedByDefault(machine)).toBe(`vmlinuz-${older.release}`);
    expect(machine.exists(dropIn)).toBe(false);
    await guard(machine, '--undo');
    expect(await saved(machine)).toBe('saved_entry=0\n');
    const [, own = ''] = /'(gnulinux-[^']*-advanced-[^']*)'/.exec(
      machine.read('/boot/grub/grub.cfg').slice(machine.read('/boot/grub/grub.cfg').indexOf(`Linux ${older.release}'`)),
    ) ?? [''];
    const submenu = /'(gnulinux-advanced-[^']*)'/.exec(machine.read('/boot/grub/grub.cfg'))?.[1] ?? '';
    await machine.run(['grub-editenv', '/boot/grub/grubenv', 'set', `saved_entry=${submenu}>${own}`]);
    await guard(machine);
    expect(await saved(machine)).toBe(`saved_entry=${submenu}>${own}\n`);
  });

  it('ends when the kernel goes, and when the program does', async () => {
    const machine = await grubMachine(release);
    await installNewer(machine);
    await aptWell(machine, 'purge', image(newer));
    expect(machine.exists(dropIn)).toBe(false);
    expect(await bootedByDefault(machine)).toBe(`vmlinuz-${older.release}`);
    await installNewer(machine);
    expect(machine.exists(dropIn)).toBe(true);
    await aptWell(machine, 'remove', 'kmodsort');
    expect(machine.exists(dropIn)).toBe(false);
    expect(await bootedByDefault(machine)).toBe(`vmlinuz-${newer.release}`);
    expect(await saved(machine)).toBe('');
  });

  it('survives a kill between any two steps', async () => {
    const machine = await grubMachine(release);
    await installNewer(machine);
    const fault = makeFault(machine.path('/'), 'gcc', '/');
    const killedAt = (at: number, ...words: string[]) =>
      machine.run(['kmodsort', 'boot-guard', ...words], { env: fault.environment('kill', at) });
    const isMenu = async (): Promise<boolean> =>
      (await machine.run(['grub-script-check', '/boot/grub/grub.cfg'])).code === 0 &&
      /^vmlinuz-/.test(await bootedByDefault(machine));
    let killed = 0;
    for (let at = 1; at < 200; at += 1) {
      const undone = await killedAt(at, '--undo');
      expect(await isMenu(), `--undo, killed before ${fault.told().at(-1)}`).toBe(true);
      await guard(machine, '--undo');
      expect([await bootedByDefault(machine), await saved(machine), machine.exists(dropIn)]).toEqual([
        `vmlinuz-${newer.release}`,
        '',
        false,
      ]);
      const held = await killedAt(at);
      expect(await isMenu(), `killed before ${fault.told().at(-1)}`).toBe(true);
      const again = await guard(machine);
      expect([again.code, await bootedByDefault(machine)], again.stderr).toEqual([0, `vmlinuz-${older.release}`]);
      expect(leftovers(machine)).toEqual([]);
      if (undone.signal === null && undone.code === 0 && held.code === 0) break;
      killed += 1;
    }
    expect(killed).toBeGreaterThan(5);
  });
});

const aptRelaxed = async (machine: Machine, ...words: string[]): Promise<string> => {
  const { stdout, stderr } = await machine.run(['apt-get', '-q', '-y', ...words], { env: relaxed });
  return stdout + stderr;
};

describe.skipIf(!provision).each(releases)('boot guard with systemd-boot on %s', (release) => {
  it('puts the entry of a kernel last on which a required module is missing, until it is not', async () => {
    const machine = await systemdBootMachine(release);
    expect(await firstEntry(machine)).toBe(older.release);
    expect(await aptRelaxed(machine, 'install', image(newer), headers(newer))).toContain(
      `kmodsort: boot guard: lonely will not load on ${newer.release}: systemd-boot will boot ${older.release} by default`,
    );
    expect(await firstEntry(machine)).toBe(older.release);
    expect(entryFiles(machine).some((name) => name.endsWith(`${newer.release}+0.conf`))).toBe(true);
    // The entry is made anew, as by a new initramfs.
    await machine.run(['kernel-install', 'add', newer.release, `/boot/vmlinuz-${newer.release}`], { env: relaxed });
    await machine.run(['kmodsort', 'boot-guard'], { env: relaxed });
    expect(await firstEntry(machine)).toBe(older.release);
    expect(await aptRelaxed(machine, 'install', 'lonely-dkms')).toContain(`${newer.release} is no longer held back`);
    expect(await firstEntry(machine)).toBe(newer.release);
    expect(entryFiles(machine).filter((name) => name.includes('+0.'))).toEqual([]);
  });

  it('says so where the default is named in loader.conf', async () => {
    const machine = await systemdBootMachine(release);
    machine.write('/efi/loader/loader.conf', `default *${newer.release}*\n`);
    expect(await aptRelaxed(machine, 'install', image(newer), headers(newer))).toContain(
      'kmodsort: FAILED: systemd-boot may boot a kernel on which required modules are missing (boot_guard)',
    );
  });
});

// It does the same on both.
describe.skipIf(!provision).each(releases.slice(0, 1))('boot guard with systemd-boot on %s', (release) => {
  it('survives a kill between any two steps', async () => {
    const machine = await systemdBootMachine(release);
    await aptRelaxed(machine, 'install', image(newer), headers(newer));
    const fault = makeFault(machine.path('/'), 'gcc', '/');
    const runs = (at: number | undefined, ...words: string[]) =>
      machine.run(['kmodsort', 'boot-guard', ...words], {
        env: { ...relaxed, ...(at === undefined ? {} : fault.environment('kill', at)) },
      });
    let killed = 0;
    for (let at = 1; at < 200; at += 1) {
      const undone = await runs(at, '--undo');
      expect(entryFiles(machine).length, `--undo, killed before ${fault.told().at(-1)}`).toBe(2);
      await runs(undefined, '--undo');
      expect(await firstEntry(machine)).toBe(newer.release);
      const held = await runs(at);
      expect(entryFiles(machine).length, `killed before ${fault.told().at(-1)}`).toBe(2);
      await runs(undefined);
      expect(await firstEntry(machine)).toBe(older.release);
      if (undone.code === 0 && held.code === 0) break;
      killed += 1;
    }
    expect(killed).toBeGreaterThan(5);
  });
});

describe.skipIf(!provision).each(releases)('boot guard of pacman on %s', (release) => {
  it('comes after the hooks that make entries of boot loaders', async () => {
    const machine = await archMachine(
      release,
      ...[linuxPackage('linux-lts', older), linuxHeaders('linux-lts', older)],
      ...[linuxPackage('linux', newer), linuxHeaders('linux', newer)],
      dkmsPackage('lonely', { conf: onlyOlder }),
    );
    machine.mountImage('/efi', '64M');
    await bootctl(machine, 'install', '--no-variables');
    // As mkinitcpio makes unified kernel images: the same file is written anew.
    machine.write(
      '/usr/bin/mkinitcpio',
      '#!/bin/sh\nversion=$(basename "$(dirname "$(grep -lx "$2" /usr/lib/modules/*/pkgbase)")")\n' +
        'touch "/efi/vmlinuz-$2"\nprintf "title Arch\\nsort-key arch\\nversion %s\\nlinux /vmlinuz-%s\\n" "$version" "$2" > "/efi/loader/entries/arch-$2.conf"\n',
      0o755,
    );
    machine.write('/etc/dkms/framework.conf.d/boot.conf', 'boot_guard="yes"\nrequired_modules="lonely"\n');
    const install = async (...names: string[]): Promise<string> => {
      const { stdout, stderr } = await machine.run(['pacman', '--noconfirm', '-Sy', ...names], { env: relaxed });
      return stdout + stderr;
    };
    await install('linux-lts', 'linux-lts-headers', 'lonely-dkms');
    expect(await firstEntry(machine)).toBe(older.release);
    for (const _again of [1, 2]) {
      expect(await install('linux', 'linux-headers')).toMatch(
        new RegExp(`boot guard: lonely will not load on \\S+: systemd-boot will boot ${older.release} by default`),
      );
      expect(await firstEntry(machine)).toBe(older.release);
      expect(entryFiles(machine)).toEqual(['arch-linux+0.conf', 'arch-linux-lts.conf']);
    }
  });
});
