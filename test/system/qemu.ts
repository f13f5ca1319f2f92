import { spawn } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { endOf } from '../child.ts';
import { repository, type TestKernel } from '../kernels.ts';
import { download } from '../module-packages.ts';
import { run } from '../packages.ts';
import type { Machine } from './machine.ts';

/** A machine's modules, or the whole of it, with Debian's real kernel in an emulator. */

/** Of the computer that runs it. */
export const emulatorPackages = ['qemu-system-x86', 'e2fsprogs', 'cpio', 'kmod'];

interface RealKernel {
  readonly image: string;
  /** An initramfs, to be put before another one: what loads the disk is in /drivers, in the order to load it. */
  readonly drivers: string;
  /** Some of its modules, as they stand in its package below kernel/. */
  readonly own: string;
}

/** Modules of the kernel's own that tests build on. */
const ownModules = ['lib/reed_solomon/reed_solomon.ko', 'net/psample/psample.ko'] as const;

/** An archive of the drivers of our disk that are not in the image itself. */
const packDrivers = (root: string, release: string, target: string): void => {
  run('depmod', ['-b', root, release]);
  const where = ['-d', root, '-S', release, '--show-depends'];
  const shown = ['virtio_pci', 'virtio_blk', 'ext4'].map((name) => run('modprobe', [...where, name])).join('');
  const files = [...shown.matchAll(/^insmod (\S+)/gm)].map(([, path = '']) => path);
  mkdirSync(join(root, 'pack/drivers'), { recursive: true });
  [...new Set(files)].forEach((path, index) => {
    copyFileSync(path, join(root, 'pack/drivers', `${String(index).padStart(2, '0')}.ko`));
  });
  run('sh', ['-c', 'find . | cpio -o -H newc --quiet > "$1"', 'sh', target], { cwd: join(root, 'pack') });
};

/** Debian's signed image comes days after the headers: until then there is the same one without a signature. */
const downloadImage = (release: string, work: string): void => {
  try {
    download(`linux-image-${release}`, work);
  } catch {
    download(`linux-image-${release}-unsigned`, work);
  }
};

/** The kernel out of Debian's package, kept in the cache. */
export const realKernel = (release: string): RealKernel => {
  const cache = join(repository, '.cache', 'images');
  const kept = {
    image: join(cache, `vmlinuz-${release}`),
    drivers: join(cache, `drivers-${release}.cpio`),
    own: join(cache, `own-${release}`),
  };
  if (Object.values(kept).every(existsSync)) return kept;
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, '.tmp-'));
  try {
    downloadImage(release, work);
    const root = join(work, 'x');
    for (const file of readdirSync(work)) run('dpkg', ['-x', join(work, file), root]);
    packDrivers(root, release, join(work, 'drivers'));
    renameSync(join(work, 'drivers'), kept.drivers);
    for (const name of ownModules) {
      const copy = join(work, 'own', name);
      mkdirSync(dirname(copy), { recursive: true });
      copyFileSync(join(root, 'lib/modules', release, 'kernel', name), copy);
    }
    rmSync(kept.own, { recursive: true, force: true });
    renameSync(join(work, 'own'), kept.own);
    renameSync(join(root, 'boot', `vmlinuz-${release}`), kept.image);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return kept;
};

/** Put one of the kernel's own modules where its package has it, in a machine. */
export const putOwnModule = (machine: Machine, release: string, name: (typeof ownModules)[number]): void => {
  const place = machine.path(`/usr/lib/modules/${release}/kernel/${name}`);
  mkdirSync(dirname(place), { recursive: true });
  copyFileSync(join(realKernel(release).own, name), place);
};

/** An initramfs of busybox, the first program, and what a line of shell puts beside it. */
export const makeInitramfs = async (
  machine: Pick<Machine, 'write' | 'sh' | 'path'>,
  init: string,
  beside = 'true',
): Promise<string> => {
  machine.write('/tmp/initrd/init', init, 0o755);
  const made = await machine.sh(
    `cd /tmp/initrd && mkdir -p bin proc dev && cp /bin/busybox bin/ &&
     mknod -m 600 dev/console c 5 1 2>/dev/null; ${beside}
     find . | cpio -o -H newc --quiet > /tmp/initrd.img && rm -rf /tmp/initrd`,
  );
  if (made.code !== 0) throw new Error(made.stderr);
  return machine.path('/tmp/initrd.img');
};

const initOnDisk = `#!/bin/busybox sh
for driver in /drivers/*; do /bin/busybox insmod $driver; done
/bin/busybox mkdir /root
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t ext4 /dev/vda /root
/bin/busybox umount /dev
exec /bin/busybox switch_root /root /lib/systemd/systemd
`;

/** Nothing that builds or boots, and half of the root. */
const leftOut = ['usr/share/doc', 'usr/share/man', 'usr/share/locale', 'var/cache', 'var/lib/apt'];

/** The root of a machine as a file system on a disk, with the headers of a kernel where they are for us. */
const makeDisk = async (machine: Machine, kernel: TestKernel, file: string): Promise<void> => {
  const place = dirname(dirname(dirname(kernel.headers)));
  // A bind without what is mounted in it: no processes, devices and kernels.
  const seen = await machine.sh(
    `mount --bind / /mnt && mkdir -p /mnt${place} && mount --bind ${place} /mnt${place} &&
     for path in ${leftOut.join(' ')}; do mount -t tmpfs none /mnt/$path || exit 1; done`,
  );
  if (seen.code !== 0) throw new Error(seen.stderr);
  try {
    run('mke2fs', ['-q', '-t', 'ext4', '-d', machine.path('/mnt'), file, '1500M']);
  } finally {
    await machine.sh('umount -R /mnt');
  }
};

export interface Emulation {
  readonly release: string;
  readonly initramfs: string;
  /** What it says last when all went well: the emulator ends well after a panic too. */
  readonly end: string;
  readonly seconds: number;
  readonly options: readonly string[];
  /** For the kernel, and systemd. */
  readonly words?: readonly string[];
}

/** The serial console of a boot to power-off. */
export const emulate = async (emulation: Emulation): Promise<string> => {
  const { release, initramfs, end, seconds, options, words = [] } = emulation;
  const work = mkdtempSync(join(tmpdir(), 'kmodsort-console-'));
  // Into a pipe the emulator drops what is not read at once.
  const file = join(work, 'console');
  const common = ['-machine', 'pc,accel=tcg', '-nic', 'none', '-display', 'none', '-no-reboot'];
  const append = ['console=ttyS0', 'panic=-1', ...words].join(' ');
  const kernel = ['-kernel', realKernel(release).image, '-initrd', initramfs, '-append', append];
  try {
    const argv = [...common, '-serial', `file:${file}`, ...kernel, ...options];
    const child = spawn('timeout', [String(seconds), 'qemu-system-x86_64', ...argv], { detached: true, stdio: 'pipe' });
    const { stderr } = await endOf(child, { timeout: (seconds + 10) * 1000 });
    const said = existsSync(file) ? readFileSync(file, 'utf8').replaceAll('\r', '') : '';
    if (!said.includes(end)) throw new Error(`the machine did not come up:\n${stderr}${said.slice(-3000)}`);
    return said;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
};

/** Give kernels of a machine the image of a real one: what it says when it comes up tells which of them it was. */
export const putRealImage = (machine: Machine, real: string, releases: readonly string[]): void => {
  for (const release of releases) copyFileSync(realKernel(real).image, machine.path(`/boot/vmlinuz-${release}`));
};

/** What GRUB reads besides its menu. */
const grubModules =
  'biosdisk ext2 normal linux search search_fs_uuid loadenv test echo configfile gzio minicmd all_video';

/**
 * Switch on a computer with the disk of a machine, GRUB on it, and nobody at the keyboard.
 *
 * @returns the kernel that was booted, as its own command line names it
 */
export const bootByGrub = async (machine: Machine): Promise<string> => {
  const made = await machine.sh(
    `cd /boot && grub-mkimage -O i386-pc -p '(hd0)/boot/grub' -o core.img ${grubModules} &&
     cat /usr/lib/grub/i386-pc/lnxboot.img core.img > grub.lnx && rm core.img && cp -r /usr/lib/grub/i386-pc /boot/grub && sync`,
  );
  if (made.code !== 0) throw new Error(made.stderr);
  const work = mkdtempSync(join(tmpdir(), 'kmodsort-disk-'));
  const [disk, file] = [join(work, 'disk'), join(work, 'console')];
  try {
    run('dd', [`if=${machine.path('/dev/sda')}`, `of=${disk}`, 'bs=1M', 'conv=sparse', 'status=none']);
    const computer = ['-machine', 'pc,accel=tcg', '-m', '512', '-nic', 'none', '-display', 'none', '-no-reboot'];
    const drive = ['-drive', `file=${disk},format=raw,if=ide,cache=unsafe`, '-kernel', machine.path('/boot/grub.lnx')];
    const argv = ['60', 'qemu-system-x86_64', ...computer, '-serial', `file:${file}`, ...drive];
    const child = spawn('timeout', argv, { detached: true, stdio: 'pipe' });
    const { stderr } = await endOf(child, { timeout: 70_000 });
    const said = existsSync(file) ? readFileSync(file, 'utf8') : '';
    const image = /BOOT_IMAGE=\/boot\/vmlinuz-(\S+)/.exec(said)?.[1];
    if (image === undefined) throw new Error(`no kernel came up:\n${stderr}${said.slice(-2000)}`);
    return image;
  } finally {
    rmSync(work, { recursive: true, force: true });
    await machine.sh('rm -r /boot/grub.lnx /boot/grub/i386-pc');
  }
};

/** As emulate, of a machine with all of its services, from a disk that is gone afterwards. */
export const bootWhole = async (machine: Machine, kernel: TestKernel, end: string): Promise<string> => {
  const { release } = kernel;
  const work = mkdtempSync(join(tmpdir(), 'kmodsort-disk-'));
  try {
    const initramfs = join(work, 'initramfs');
    const own = await makeInitramfs(machine, initOnDisk);
    writeFileSync(initramfs, Buffer.concat([readFileSync(realKernel(release).drivers), readFileSync(own)]));
    const disk = join(work, 'disk');
    await makeDisk(machine, kernel, disk);
    const options = ['-m', '1024', '-drive', `file=${disk},format=raw,if=virtio,cache=unsafe`];
    // Guards against speculation make an emulator slow; messages about what starts would stand between others.
    const words = ['mitigations=off', 'systemd.show_status=error'];
    return await emulate({ release, initramfs, end, seconds: 420, options, words });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
};
