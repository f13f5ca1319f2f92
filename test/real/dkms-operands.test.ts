import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, inject, it } from 'vitest';
import type { World, WorldOptions } from '../world.ts';
import { disposableWorld } from './disposable.ts';
import { done, refused, saidBy, statusLines } from './dkms-session.ts';
import { generate } from './generated-source.ts';

/** What a command is given besides a name: archives, directories, several kernels, other headers and configs. */

const provision = inject('provision');
const missing = provision.kind === 'missing';
const kernels = provision.kind === 'ready' ? provision.kernels.slice(0, 1) : [];
const [older = ''] = kernels.map((kernel) => kernel.release);
const [headers = ''] = kernels.map((kernel) => kernel.headers);
const arch = 'x86_64';
const newWorld = (options: WorldOptions = {}): World => disposableWorld({ kernels, ...options });

/** The source of a module packed up, and nowhere else. */
const packed = (world: World, name: string): string => {
  const { directory } = generate(world, name, { unregistered: true });
  const archive = join(world.root, `${name}.tar.gz`);
  expect(spawnSync('tar', ['-czf', archive, '-C', directory, '.']).status).toBe(0);
  rmSync(directory, { recursive: true });
  return archive;
};

describe.skipIf(missing)('an archive as the operand', () => {
  let world: World;

  beforeEach(() => {
    world = newWorld({ kernels: [] });
  });

  it('is loaded by add, whether it is named with its path or alone', async () => {
    const archive = packed(world, 'tool');
    packed(world, 'other');
    expect(await done(world, ['add', archive])).toBe('kmodsort: tool/1.0 added\n');
    expect(await done(world, ['add', 'other.tar.gz'])).toBe('kmodsort: other/1.0 added\n');
    expect(await statusLines(world)).toEqual(['other/1.0: added', 'tool/1.0: added']);
    expect(world.files(join(world.trees.sourceTree, 'tool-1.0'))).toEqual(['Makefile', 'dkms.conf', 'tool.c']);
  });
  it('ends with 8 where the module is known already, 7 where the file is no archive', async () => {
    const archive = packed(world, 'tool');
    await done(world, ['add', archive]);
    await refused(world, ['add', archive], 8, /the module in the archive is already in the dkms tree: tool\/1\.0/);
    writeFileSync(join(world.root, 'notes'), 'nothing packed\n');
    await refused(world, ['add', './notes'], 7, /the archive is refused: \/notes: /);
  });
  it('is no file that merely has the name of a module', async () => {
    generate(world, 'tool', { unregistered: true });
    writeFileSync(join(world.root, 'tool'), 'a file\n');
    await done(world, ['add', 'tool', '-v', '1.0']);
    expect(await statusLines(world)).toEqual(['tool/1.0: added']);
  });
});

describe.skipIf(missing)('install of what is not registered yet', () => {
  it('takes an archive', async () => {
    const world = newWorld();
    await done(world, ['install', packed(world, 'tool'), '-k', older]);
    expect(await statusLines(world)).toEqual([`tool/1.0, ${older}, ${arch}: installed`]);
  });
  it('takes a directory with a dkms.conf; one that is there already stays unless --force says otherwise', async () => {
    const world = newWorld();
    const aside = join(world.root, 'unpacked');
    renameSync(generate(world, 'tool', { unregistered: true }).directory, aside);
    await done(world, ['install', aside, '-k', older]);
    expect(await statusLines(world)).toEqual([`tool/1.0, ${older}, ${arch}: installed`]);
    const ended = await refused(
      world,
      ['install', aside, '-k', older],
      3,
      /already in the dkms tree: \/usr\/src\/tool-1\.0/,
    );
    expect(saidBy(world, ended)).toContain('use --force to replace it');
  });
});

describe.skipIf(missing)('several kernels', () => {
  it('are each tried by install, though one of them is not there', async () => {
    const world = newWorld();
    generate(world, 'tool');
    const ended = await world.dkms(['install', 'tool/1.0', '-k', '6.0.0-none', '-k', older]);
    expect([ended.code, saidBy(world, ended)]).toEqual([
      6,
      expect.stringContaining('no modules directory of this kernel: /lib/modules/6.0.0-none'),
    ]);
    expect(await statusLines(world)).toEqual([`tool/1.0, ${older}, ${arch}: installed`]);
    await refused(world, ['install', 'tool/1.0', '-k', '6.0.0-none', '-k', '6.0.0-no'], 6, /6\.0\.0-none/);
  });
});

describe.skipIf(missing)('what stands for the headers of a kernel', () => {
  let world: World;

  beforeEach(() => {
    world = newWorld();
  });

  it('is with --config the configuration', async () => {
    const conf = 'BUILD_EXCLUSIVE_CONFIG="CONFIG_OF_MINE !CONFIG_NOT_MINE"\nMAKE[0]="echo last words; false"\n';
    generate(world, 'tool', { conf });
    writeFileSync(join(world.root, 'kconfig'), 'CONFIG_OF_MINE=y\n');
    const build = ['build', 'tool/1.0', '-k', older];
    await refused(world, build, 77, /BUILD_EXCLUSIVE_CONFIG=CONFIG_OF_MINE/);
    await refused(world, [...build, '--config', 'kconfig'], 10, /make failed\n +last words\n/);
  });
  it('is with --kernelsourcedir a directory, or the build ends with 21', async () => {
    generate(world, 'tool');
    const build = ['build', 'tool/1.0', '-k', older, '--kernelsourcedir', 'nowhere'];
    await refused(world, build, 21, /kernel headers .*not found/);
  });
  it('names in .kernelvariables the compiler', async () => {
    const own = join(world.root, 'headers');
    mkdirSync(own);
    for (const name of readdirSync(headers)) {
      if (name !== '.kernelvariables') symlinkSync(join(headers, name), join(own, name));
    }
    writeFileSync(join(own, '.kernelvariables'), 'override CC = some-compiler\n');
    generate(world, 'tool', { conf: `MAKE[0]="printenv CC KERNEL_CC > ${world.root}/seen; false"\n` });
    expect((await world.dkms(['build', 'tool/1.0', '-k', older, '--kernelsourcedir', own])).code).toBe(10);
    expect(readFileSync(join(world.root, 'seen'), 'utf8')).toMatch(/^some-compiler\ngcc\S*\n$/);
  });
});

describe.skipIf(missing)('settings and states that few have', () => {
  it('tmp_location is where a run keeps what goes away with it', async () => {
    const world = newWorld();
    const place = join(world.root, 'roomy');
    mkdirSync(place);
    world.configure(`tmp_location="${place}"\n`);
    generate(world, 'tool', { conf: `MAKE[0]="ls ${place} > ${world.root}/seen; false"\n` });
    expect((await world.dkms(['build', 'tool/1.0', '-k', older])).code).toBe(10);
    expect(readFileSync(join(world.root, 'seen'), 'utf8')).not.toBe('');
    expect(readdirSync(place)).toEqual([]);
  });
  it('status tells of kept originals at every version that is built', async () => {
    const world = newWorld({ kernels: [] });
    generate(world, 'tool');
    const built = join(world.trees.dkmsTree, 'tool', '1.0', '6.1', arch, 'module');
    const kept = join(world.trees.dkmsTree, 'tool', 'original_module', '6.1', arch);
    for (const directory of [built, kept]) {
      mkdirSync(directory, { recursive: true });
      writeFileSync(join(directory, 'tool.ko'), directory);
    }
    expect(await statusLines(world)).toEqual(['tool/1.0, 6.1, x86_64: built (Original modules exist)']);
  });
});

describe.skipIf(provision.kind === 'missing')('where dkms has its own way', () => {
  const newest = kernels.at(-1)?.release ?? '';
  it('a source that stands at its place and is not registered is replaced by the directory that is added', async () => {
    const world = disposableWorld({ kernels });
    const { directory } = generate(world, 'twin', { unregistered: true });
    const elsewhere = join(world.root, 'elsewhere');
    cpSync(directory, elsewhere, { recursive: true });
    writeFileSync(join(elsewhere, 'README'), 'the newer one');
    expect(await world.dkms(['add', elsewhere])).toMatchObject({ code: 0 });
    expect(existsSync(join(directory, 'README'))).toBe(true);
    expect((await world.dkms(['add', elsewhere])).code).toBe(3);
  });

  it('what is broken is refused before anything else, and stays broken', async () => {
    const world = disposableWorld({ kernels });
    generate(world, 'lost');
    const link = join(world.trees.dkmsTree, 'lost/1.0/source');
    rmSync(link);
    symlinkSync('/nowhere', link);
    for (const verb of ['build', 'install', 'unbuild', 'uninstall'])
      expect([verb, (await world.dkms([verb, 'lost/1.0', '-k', 'none'])).code]).toEqual([verb, 4]);
    expect((await world.dkms(['remove', 'lost/1.0', '--all'])).code).toBe(4);
    expect((await world.dkms(['status', 'lost/1.0'])).stdout).toContain('broken');
    // A package that is set up brings its source again, and must not fail.
    expect(await world.dkms(['add', 'lost/1.0'], { env: { DPKG_MAINTSCRIPT_NAME: 'postinst' } })).toMatchObject({
      code: 0,
    });
    expect((await world.dkms(['status', 'lost/1.0'])).stdout).toMatch(/: added$/m);
  });

  it('nothing that is registered lacks no kernel', async () => {
    const world = disposableWorld({ kernels });
    expect(await world.dkms(['autoinstall', '-k', 'none'])).toMatchObject({ code: 0 });
    generate(world, 'tool');
    expect((await world.dkms(['autoinstall', '-k', 'none'])).code).toBe(21);
  });

  it('autoinstall says that it is switched off', async () => {
    const world = disposableWorld({ kernels });
    generate(world, 'tool');
    writeFileSync(join(world.trees.confDir, 'no-autoinstall'), '');
    const ended = await world.dkms(['autoinstall', '-k', newest]);
    expect(ended.code).toBe(0);
    expect(ended.stdout).toContain('automatic installation is switched off by ');
  });

  it('what is built is installed although a module that it names is unknown', async () => {
    const world = disposableWorld({ kernels });
    generate(world, 'tool');
    expect((await world.dkms(['build', 'tool/1.0', '-k', newest])).code).toBe(0);
    appendFileSync(join(world.trees.sourceTree, 'tool-1.0/dkms.conf'), 'BUILD_DEPENDS[0]="gone"\n');
    expect(await world.dkms(['install', 'tool/1.0', '-k', newest])).toMatchObject({ code: 0 });
    await world.dkms(['uninstall', 'tool/1.0', '-k', newest]);
    const objects = join(world.trees.dkmsTree, 'tool/1.0', newest, 'x86_64/module');
    for (const name of readdirSync(objects)) rmSync(join(objects, name));
    expect((await world.dkms(['install', 'tool/1.0', '-k', newest])).code).toBe(6);
  });

  it('a patch outside its directory is refused by the build, not by add', async () => {
    const world = disposableWorld({ kernels });
    generate(world, 'climber', { conf: 'PATCH[0]="../../x.patch"\n', unregistered: true });
    expect((await world.dkms(['add', 'climber/1.0'])).code).toBe(0);
    const built = await world.dkms(['build', 'climber/1.0', '-k', newest]);
    expect(built.code).toBe(5);
    expect(built.stdout + built.stderr).toContain('a patch is outside its directory: ../../x.patch');
  });

  it('a module without objects is installed, and nothing of it is missing', async () => {
    const world = disposableWorld({ kernels });
    const { directory } = generate(world, 'bare');
    const conf = join(directory, 'dkms.conf');
    const text = readFileSync(conf, 'utf8').replace(/^(BUILT_MODULE|DEST_MODULE).*\n/gm, '');
    writeFileSync(conf, `${text}MAKE[0]="true"\n`);
    expect(await world.dkms(['install', 'bare/1.0', '-k', newest])).toMatchObject({ code: 0 });
    expect((await world.dkms(['status', 'bare/1.0'])).stdout).toMatch(/: installed$/m);
  });
});
