import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repository } from '../kernels.ts';
import { missingPackages, run } from '../packages.ts';
import { aptWell, headers, image, kmodsortMachine, older, provision, stopMachines } from './apt-machine.ts';
import { headersPackage, imagePackage, modulePackage } from './debs.ts';
import type { Machine } from './machine.ts';

/**
 * What was built in a transaction is loaded by the real kernel in an emulator; modules that were built in the wrong
 * order, or without symbols, are not; and `kmodsort verify` knew it.
 */

const release = older.release;
const chain = ['alpha-top', 'mid-link', 'zeta-core'];

/** The image out of Debian's package, kept in the cache. */
const realImage = (): string => {
  const cache = join(repository, '.cache', 'images');
  const kept = join(cache, `vmlinuz-${release}`);
  if (existsSync(kept)) return kept;
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, '.tmp-'));
  try {
    run('apt-get', ['download', '-q', `linux-image-${release}`], { cwd: work });
    const file = readdirSync(work).find((name) => name.endsWith('.deb')) ?? '';
    run('dpkg', ['-x', join(work, file), join(work, 'x')]);
    renameSync(join(work, 'x/boot', `vmlinuz-${release}`), kept);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return kept;
};

const init = `#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox modprobe alpha_top && echo "modprobe: well" || echo "modprobe: failed"
echo "loaded: $(/bin/busybox cut -d ' ' -f 1 /proc/modules | /bin/busybox sort | /bin/busybox tr '\\n' ' ')"
echo "end of init"
/bin/busybox poweroff -f
`;

/** An initramfs of busybox and the out-of-tree modules of a machine. */
const makeInitramfs = async (machine: Machine): Promise<string> => {
  machine.write('/tmp/initrd/init', init, 0o755);
  const made = await machine.sh(
    `cd /tmp/initrd && mkdir -p bin proc dev lib/modules/${release} && cp /bin/busybox bin/ &&
     mknod -m 600 dev/console c 5 1 2>/dev/null; cp -a /usr/lib/modules/${release}/kernel /usr/lib/modules/${release}/updates lib/modules/${release}/ 2>/dev/null;
     cp /usr/lib/modules/${release}/modules.order /usr/lib/modules/${release}/modules.builtin* lib/modules/${release}/ 2>/dev/null
     depmod -b /tmp/initrd ${release} && find . | cpio -o -H newc --quiet > /tmp/initrd.img && rm -rf /tmp/initrd`,
  );
  if (made.code !== 0) throw new Error(made.stderr);
  return machine.path('/tmp/initrd.img');
};

/** The serial console of a boot to power-off. */
const boot = async (machine: Machine): Promise<string> => {
  const options = ['-machine', 'pc,accel=tcg', '-m', '256', '-nic', 'none', '-nographic', '-no-reboot'];
  const kernel = ['-kernel', realImage(), '-initrd', await makeInitramfs(machine), '-append', 'console=ttyS0 panic=-1'];
  const said = run('timeout', ['120', 'qemu-system-x86_64', ...options, ...kernel]);
  // qemu ends well after a panic too.
  if (!said.includes('end of init')) throw new Error(`the machine did not come up:\n${said.slice(-3000)}`);
  return said;
};

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

describe.skipIf(!provision || process.arch !== 'x64')('load: the real kernel', () => {
  let machine: Machine;

  beforeAll(async () => {
    const missing = missingPackages(['qemu-system-x86', 'cpio']);
    if (missing) throw new Error(missing);
    const packages = [imagePackage(release), headersPackage(older), ...chain.map((fixture) => modulePackage(fixture))];
    machine = await kmodsortMachine('bookworm', ...packages);
    await aptWell(machine, 'install', image(older), headers(older), ...chain.map((name) => `${name}-dkms`));
    await machine.sh(`cp -a /usr/lib/modules/${release} /tmp/kept`);
  });

  afterAll(stopMachines);

  const restore = () => machine.sh(`rm -rf /usr/lib/modules/${release} && cp -a /tmp/kept /usr/lib/modules/${release}`);

  it('loads a chain of three that one apt call brought in the wrong order', async () => {
    expect(await verify(machine)).toMatchObject({ code: 0 });
    const said = await boot(machine);
    expect(said).toContain('modprobe: well');
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
    expect(verified.stdout).toMatch(/mid-link\/1\.0 .*built for another zeta_count/);
    const said = await boot(machine);
    expect(said).toContain('modprobe: failed');
    expect(said).toContain('disagrees about version of symbol zeta_count');
    await restore();
  });

  it('does not load a module that was built without the symbols of what it needs, and verify says so', async () => {
    await buildByHand(machine, 'mid_link', 'module', 'true', 'KBUILD_MODPOST_WARN=1');
    const verified = await verify(machine);
    expect(verified.code).toBe(1);
    expect(verified.stdout).toMatch(/mid-link\/1\.0 .*uses zeta_\w+ of zeta_core and does not name it/);
    const said = await boot(machine);
    expect(said).toContain('modprobe: failed');
    expect(said).toMatch(/mid_link: Unknown symbol zeta_/);
    await restore();
  });
});
