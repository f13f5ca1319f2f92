import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { beforeEach, describe, expect, inject, it } from 'vitest';
import { run } from '../packages.ts';
import type { World } from '../world.ts';
import { disposableWorld } from './disposable.ts';
import { generate } from './generated-source.ts';
import { installedFile } from './installed.ts';

/** What verify says beside what modprobe finds. */

const provision = inject('provision');
const kernels = provision.kind === 'ready' ? provision.kernels.slice(0, 1) : [];
const [kernel] = kernels;
const release = kernel?.release ?? '';

describe.skipIf(kernels.length === 0)('verify', () => {
  let world: World;
  const directory = (...path: string[]): string => join(world.trees.installTree, release, ...path);
  const verify = (): Promise<{ code: number | null; stdout: string }> => world.kmodsort(['verify', '-k', release]);
  const install = async (): Promise<void> => {
    await world.hook(['pacman', 'install']);
  };
  const depmod = (): void => {
    run('depmod', ['-b', world.root, release]);
  };

  beforeEach(() => {
    world = disposableWorld({ kernels, distribution: 'arch' });
  });

  it('asks an object once, as long as its file is the same', async () => {
    world.addModule('lonely');
    await install();
    const file = join(world.trees.stateDir, 'objects', `${release}.json`);
    const object = installedFile(world, release, 'lonely');
    expect((await verify()).code).toBe(0);
    // What is written down counts: it is not looked at again.
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replaceAll(/"vermagic":"[^"]*"/g, '"vermagic":"9.9 other"'));
    expect((await verify()).stdout).toContain('9.9 other');
    // The same bytes, written anew.
    writeFileSync(object, readFileSync(object));
    expect((await verify()).code).toBe(0);
    for (const bad of ['', '{', 'null', '{"format":1,"objects":{"x":{"file":"","facts":null}}}', '{"format":2}']) {
      writeFileSync(file, bad);
      expect([bad, (await verify()).code]).toEqual([bad, 0]);
    }
    // Only a run that may change something writes it.
    expect(readFileSync(file, 'utf8')).toBe('{"format":2}');
    generate(world, 'another');
    await install();
    expect(readFileSync(file, 'utf8')).toContain('another');
    await world.hook(['pacman', 'remove'], [`usr/lib/modules/${release}/vmlinuz`]);
    expect(existsSync(file)).toBe(false);
  });

  it('misses no required module of which the kernel itself has a newer version', async () => {
    world.addModule('replacer', { version: '0.5' });
    world.configure('required_modules="replacer"\n');
    await install();
    expect(world.installedObjects(release)).toEqual([]);
    depmod();
    expect(await verify()).toMatchObject({ code: 0 });
  });

  it('does not approve of a kernel that lacks a required module, or a wanted one', async () => {
    world.configure('required_modules="zfs broken"\n');
    world.addModule('broken');
    world.addModule('lonely');
    await install();
    const { code, stdout } = await verify();
    expect(code).toBe(1);
    expect(stdout).toContain(`${release}: 1 object will load\n`);
    expect(stdout).toMatch(/^ {2}broken\/1\.0 is not installed: compiler error: broken_mod\.c:7/m);
    expect(stdout).toContain('  zfs is not in the dkms tree\n');
    expect(stdout).toContain(`${release}: do not reboot into it: required modules are missing: broken, zfs\n`);
    expect(await world.json(['verify', '-k', release])).toMatchObject({
      kernels: [
        {
          missing: [
            { name: 'broken', required: true },
            { name: 'zfs', required: true },
          ],
        },
      ],
    });
  });

  it('misses nothing that is not wanted', async () => {
    generate(world, 'manual', { conf: 'AUTOINSTALL="no"\n' });
    generate(world, 'excluded', { conf: 'BUILD_EXCLUSIVE_KERNEL="^2\\."\n' });
    generate(world, 'sound');
    await install();
    expect(await verify()).toMatchObject({ code: 0, stdout: `${release}: 1 object will load\n` });
    rmSync(join(world.trees.sourceTree, 'manual-1.0'), { recursive: true });
    expect(await verify()).toMatchObject({ code: 0 });
  });

  it('misses what was never built, and nothing where autoinstall is switched off', async () => {
    generate(world, 'sound');
    expect(await verify()).toMatchObject({
      code: 1,
      stdout: `${release}: no modules installed\n${release}: 1 module missing\n  sound/1.0 is not installed\n`,
    });
    writeFileSync(join(world.trees.confDir, 'no-autoinstall'), '');
    expect(await verify()).toMatchObject({ code: 0, stdout: `${release}: no modules installed\n` });
  });

  /** A symbol that a module of the kernel's own exports, without a namespace; this world does not have that module. */
  const provided = (): { symbol: string; module: string } => {
    const lines = readFileSync(join(kernel?.headers ?? '', 'Module.symvers'), 'utf8').split('\n');
    const line =
      lines
        .map((one) => one.split('\t'))
        .find(([, , object, , space]) => object !== 'vmlinux' && object?.includes('/') && !space) ?? [];
    const [, symbol = '', object = ''] = line;
    return { symbol, module: object };
  };

  it("says when a module of the kernel's own is not there", async () => {
    const { symbol, module } = provided();
    expect(symbol).not.toBe('');
    generate(world, 'vid', { conf: '' });
    const source = join(world.trees.sourceTree, 'vid-1.0', 'vid.c');
    appendFileSync(
      source,
      `extern char ${symbol}[];\nvoid *vid_uses(void);\nvoid *vid_uses(void)\n{\n\treturn ${symbol};\n}\n`,
    );
    await install();
    const { code, stdout } = await verify();
    expect(code).toBe(1);
    expect(stdout).toContain(
      `vid.ko: Unknown symbol ${symbol}: the module ${basename(module)} of this kernel exports it, and is not installed`,
    );
    // An empty file will do: who reads modules.dep loads nothing.
    const path = directory('kernel', `${module}.ko`);
    mkdirSync(join(path, '..'), { recursive: true });
    renameSync(directory('kernel/drivers/misc/intree_demo.ko'), path);
    depmod();
    expect(await verify()).toMatchObject({ code: 0 });
    // Headers alone, as where images are made: nobody knows which modules of the kernel will be there.
    rmSync(directory('kernel'), { recursive: true });
    depmod();
    expect(await verify()).toMatchObject({ code: 0 });
  });

  it('counts what somebody else has installed', async () => {
    generate(world, 'foreign');
    generate(world, 'user', { depends: ['foreign'] });
    await install();
    const path = installedFile(world, release, 'foreign');
    mkdirSync(directory('extra'), { recursive: true });
    writeFileSync(join(world.root, 'foreign.ko'), readFileSync(path));
    await world.dkms(['uninstall', 'foreign/1.0', '-k', release]);
    await world.dkms(['remove', 'foreign/1.0', '--all']);
    expect((await verify()).stdout).toMatch(/user\.ko: Unknown symbol foreign_value: nothing exports it/);
    renameSync(join(world.root, 'foreign.ko'), directory('extra/foreign.ko'));
    depmod();
    expect(await verify()).toMatchObject({ code: 0, stdout: `${release}: 1 object will load\n` });
  });

  it('says what depmod has not seen', async () => {
    generate(world, 'sound');
    await install();
    expect((await verify()).code).toBe(0);
    const path = installedFile(world, release, 'sound');
    renameSync(path, join(world.root, 'aside.ko'));
    depmod();
    renameSync(join(world.root, 'aside.ko'), path);
    const { code, stdout } = await verify();
    expect(code).toBe(1);
    expect(stdout).toContain(`sound.ko: modprobe will not find it: modules.dep does not list it: depmod ${release}`);
    depmod();
    expect((await verify()).code).toBe(0);
  });

  it('minds signatures where the kernel does', async () => {
    world.configure('try_sign_modules="true"\n');
    generate(world, 'sound');
    await install();
    rmSync(directory('build'));
    cpSync(kernel?.headers ?? '', directory('build'), { recursive: true });
    const config = directory('build/include/config/auto.conf');
    const { atime, mtime } = statSync(config);
    appendFileSync(config, 'CONFIG_MODULE_SIG_FORCE=y\n');
    // make would configure this kernel anew.
    utimesSync(config, atime, mtime);
    expect(await verify()).toMatchObject({ code: 0, stdout: `${release}: 1 object will load\n` });
    // As it drops what stands behind the sections.
    run('strip', ['-g', installedFile(world, release, 'sound')]);
    const unsigned = await verify();
    expect(unsigned.code).toBe(1);
    expect(unsigned.stdout).toContain('sound.ko: Required key not available: it is not signed');
  });
});
