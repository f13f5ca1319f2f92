import { mkdirSync, mkdtempSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSettings } from '../../../../src/engine/conf/framework-conf.ts';
import { type Compression, compressionOf, objectNameOf, suffixOf } from '../../../../src/engine/kernel/compression.ts';
import {
  bootableKernels,
  canBoot,
  findCommand,
  isBootable,
  kernelFacts,
  parseConfig,
} from '../../../../src/engine/kernel/kernel.ts';
import type { Settings } from '../../../../src/engine/settings.ts';
import { put, temporaryDirectory } from '../../temporary.ts';

const root = temporaryDirectory();
const release = '6.1.0-56-amd64';
const kernel = { release, arch: 'x86_64' };

describe('parseConfig', () => {
  it.each<[string, readonly (readonly [string, string])[]]>([
    ['', []],
    [
      'CONFIG_A=y\nCONFIG_B=m\n',
      [
        ['CONFIG_A', 'y'],
        ['CONFIG_B', 'm'],
      ],
    ],
    ['CONFIG_A=y', [['CONFIG_A', 'y']]],
    [
      'CONFIG_HZ=250\nCONFIG_ADDR=0x1000\n',
      [
        ['CONFIG_HZ', '250'],
        ['CONFIG_ADDR', '0x1000'],
      ],
    ],
    ['CONFIG_HASH="sha256"\n', [['CONFIG_HASH', 'sha256']]],
    [
      'CONFIG_EMPTY=""\nCONFIG_BARE=\n',
      [
        ['CONFIG_EMPTY', ''],
        ['CONFIG_BARE', ''],
      ],
    ],
    [
      'CONFIG_CC_VERSION_TEXT="gcc-12 (Debian 12.2.0-14) \\"12\\""\n',
      [['CONFIG_CC_VERSION_TEXT', 'gcc-12 (Debian 12.2.0-14) \\"12\\"']],
    ],
    ['CONFIG_A="x" y\n', [['CONFIG_A', '"x" y']]],
    ['# CONFIG_A is not set\n#CONFIG_B=y\n CONFIG_C=y\n', []],
    ['CONFIG_=y\nOTHER=y\nXCONFIG_A=y\nCONFIG_A y\n', []],
    ['CONFIG_A=y\nCONFIG_A=m\n', [['CONFIG_A', 'm']]],
  ])('reads %j', (text, expected) => {
    expect([...parseConfig(text)]).toEqual(expected);
  });
});

describe('names of module files', () => {
  it.each<[string, Compression | undefined, string | undefined]>([
    ['zfs.ko', 'none', 'zfs'],
    ['zfs.ko.gz', 'gz', 'zfs'],
    ['zfs.ko.xz', 'xz', 'zfs'],
    ['zfs.ko.zst', 'zst', 'zfs'],
    ['a.ko.ko', 'none', 'a.ko'],
    ['zfs.ko.bz2', undefined, undefined],
    ['zfs.o', undefined, undefined],
    ['zfsko', undefined, undefined],
    ['zfs.ko.xz.tmp', undefined, undefined],
    ['zfs.kod', undefined, undefined],
  ])('%s', (file, compression, name) => {
    expect([compressionOf(file), objectNameOf(file)]).toEqual([compression, name]);
  });
  it('are no names without a word before the ending', () => {
    expect(objectNameOf('.ko')).toBeUndefined();
  });
  it('end in what they are compressed with', () => {
    const all: readonly Compression[] = ['none', 'gz', 'xz', 'zst'];
    expect(all.map(suffixOf)).toEqual(['.ko', '.ko.gz', '.ko.xz', '.ko.zst']);
  });
});

describe('a kernel is there', () => {
  const tree = mkdtempSync(join(root, 'modules-'));
  it.each([
    ['vmlinuz', true],
    ['modules.order', true],
    ['kernel/drivers/a.ko', true],
    ['modules.dep', false],
    ['build/Makefile', false],
    ['updates/dkms/zfs.ko', false],
  ])('by its own %s: %s', (file, expected) => {
    const name = `by-${file.replaceAll('/', '-')}`;
    put(join(tree, name, file));
    expect(isBootable(tree, name)).toBe(expected);
  });
  it('only as a directory, the newest last', () => {
    const several = mkdtempSync(join(root, 'several-'));
    for (const name of ['6.10', '6.9', '6.11']) put(join(several, name, 'vmlinuz'));
    put(join(several, 'vmlinuz'));
    mkdirSync(join(several, '6.12'));
    expect(bootableKernels(several)).toEqual(['6.9', '6.10', '6.11']);
    expect(bootableKernels(join(root, 'gone'))).toEqual([]);
  });
});

describe('what cannot be looked at', () => {
  it('is no kernel, and no headers', async () => {
    const tree = mkdtempSync(join(root, 'loops-'));
    symlinkSync('6.9', join(tree, '6.9'));
    put(join(tree, '6.8/vmlinuz'));
    expect(bootableKernels(tree)).toEqual(['6.8']);
    expect(canBoot(tree, '6.9')).toBe(false);
    const settings = await world({});
    symlinkSync('build', join(settings.installTree, release, 'build'));
    expect(kernelFacts(settings, kernel).headers).toBeUndefined();
  });
});

describe('findCommand', () => {
  const bin = mkdtempSync(join(root, 'bin-'));
  put(join(bin, 'first/cc'), '', 0o644);
  put(join(bin, 'second/cc'), '', 0o755);
  put(join(bin, 'third/cc'), '', 0o755);
  it('finds the first that can be run', () => {
    const path = ['none', 'first', 'second', 'third'].map((name) => join(bin, name)).join(':');
    expect(findCommand('cc', path)).toBe(join(bin, 'second/cc'));
    expect(findCommand('ld', path)).toBeUndefined();
  });
});

/** A kernel in a tree of its own, made of these files. */
const world = async (files: Readonly<Record<string, string>>, path = ''): Promise<Settings> => {
  const base = mkdtempSync(join(root, 'world-'));
  mkdirSync(join(base, 'modules', release), { recursive: true });
  for (const [name, text] of Object.entries(files)) put(join(base, 'modules', release, name), text);
  const osRelease = put(join(base, 'os-release'), 'ID=debian\n');
  return readSettings({ installTree: join(base, 'modules'), confDir: base, osRelease }, { PATH: path }, 1);
};
const factsIn = async (files: Readonly<Record<string, string>>, path = '') =>
  kernelFacts(await world(files, path), kernel);

describe('the facts of a kernel', () => {
  it('are few where nothing is there', async () => {
    const settings = await world({});
    expect(kernelFacts(settings, kernel)).toEqual({
      kernel,
      directory: join(settings.installTree, release),
      bootable: false,
      config: new Map(),
      compression: 'none',
    });
  });

  it.each([
    ['build/Makefile', true],
    ['build/include/linux/a.h', true],
    ['build/README', false],
    ['source/Makefile', false],
  ])('have headers by %s: %s', async (file, expected) => {
    const facts = await factsIn({ [file]: '' });
    expect(facts.headers).toBe(expected ? join(facts.directory, 'build') : undefined);
  });

  it.each<[string, Readonly<Record<string, string>>, string | undefined]>([
    [
      'auto.conf before .config',
      { 'build/include/config/auto.conf': 'CONFIG_A=1', 'build/.config': 'CONFIG_A=2', config: 'CONFIG_A=3' },
      '1',
    ],
    [
      '.config where the headers have no auto.conf',
      { 'build/Makefile': '', 'build/.config': 'CONFIG_A=2', config: 'CONFIG_A=3' },
      '2',
    ],
    [
      "the kernel's own config where there are no headers",
      { config: 'CONFIG_A=3', 'build/.config': 'CONFIG_A=2' },
      '3',
    ],
    ['nothing where none is there', { 'build/Makefile': '' }, undefined],
  ])('have their configuration from %s', async (_what, files, expected) => {
    expect((await factsIn(files)).config.get('CONFIG_A')).toBe(expected);
  });

  it('have another configuration and other headers where a command gives them', async () => {
    const settings = await world({ 'build/include/config/auto.conf': 'CONFIG_A=1' });
    const headers = mkdtempSync(join(root, 'headers-'));
    const config = put(join(root, 'given.config'), 'CONFIG_A=9');
    put(join(headers, '.config'), 'CONFIG_A=8');
    expect(kernelFacts(settings, kernel, headers)).toMatchObject({ headers, config: new Map([['CONFIG_A', '8']]) });
    expect(kernelFacts(settings, kernel, headers, config).config.get('CONFIG_A')).toBe('9');
    expect(kernelFacts(settings, kernel, undefined, config).config.get('CONFIG_A')).toBe('9');
    expect(kernelFacts(settings, kernel, undefined, join(root, 'gone')).config.get('CONFIG_A')).toBe('1');
    expect(kernelFacts(settings, kernel, join(root, 'gone'))).not.toHaveProperty('headers');
  });
});

describe("how a kernel's modules are compressed", () => {
  const config = (...names: readonly string[]) => names.map((name) => `CONFIG_MODULE_COMPRESS${name}=y\n`).join('');
  it.each<[string, Readonly<Record<string, string>>, Compression]>([
    [
      'by the list of depmod',
      { 'modules.dep': 'kernel/drivers/net/dummy.ko.xz:\nkernel/b.ko.gz: kernel/a.ko.xz\n' },
      'xz',
    ],
    ['by the list, though the config says other', { 'modules.dep': 'kernel/a.ko:\n', config: config('_ZSTD') }, 'none'],
    [
      'by a file, where the list names only ours',
      { 'modules.dep': 'updates/a.ko.xz:\nextra/kernel/b.ko.xz:\n', 'kernel/c.ko.zst': '' },
      'zst',
    ],
    ['by a file of its own, not by one of ours', { 'extra/a.ko.xz': '', 'kernel/c.ko.zst': '' }, 'zst'],
    ['by a file, where there is no list', { 'kernel/drivers/a.ko.gz': '', 'kernel/README': '' }, 'gz'],
    ['by the config, where there is no module', { config: config('_ZSTD') }, 'zst'],
    ['by the config: xz', { config: config('_XZ') }, 'xz'],
    ['by the config: gzip', { config: config('_GZIP') }, 'gz'],
    ['by the config: none', { config: config('_NONE') }, 'none'],
    ['by the config since 6.12: all', { config: config('', '_ZSTD', '_ALL') }, 'zst'],
    ['by the config since 6.12: not all', { config: config('', '_ZSTD') }, 'none'],
    ['by the config: zstd before all others', { config: config('_GZIP', '_XZ', '_ZSTD') }, 'zst'],
    [
      'by the config where the list names nothing that can be a module',
      { 'modules.dep': 'kernel/a.ko.bz2:\n', config: config('_XZ') },
      'xz',
    ],
  ])('is told %s', async (_how, files, expected) => {
    expect((await factsIn(files)).compression).toBe(expected);
  });
});

describe('the compiler of a kernel', () => {
  const bin = mkdtempSync(join(root, 'compilers-'));
  put(join(bin, 'gcc-12'), 'one', 0o755);
  put(join(bin, 'gcc'), 'another', 0o755);
  const named = (text: string) => ({ config: `CONFIG_CC_VERSION_TEXT="${text}"\n` });

  it('is the one that the config names, where it is here', async () => {
    expect(await factsIn(named('gcc-12 (Debian 12.2.0) 12.2.0'), bin)).toMatchObject({ compiler: 'gcc-12' });
    expect(await factsIn(named('gcc-13 (Debian 13) 13.1'), bin)).not.toHaveProperty('compiler');
    expect(await factsIn({}, bin)).not.toHaveProperty('compiler');
  });
  it('is clang where that built the kernel, whoever packed it', async () => {
    put(join(bin, 'clang'), 'clang', 0o755);
    const config = 'CONFIG_CC_IS_CLANG=y\nCONFIG_CC_VERSION_TEXT="Ubuntu clang version 18.1.3"\n';
    expect(await factsIn({ config }, bin)).toMatchObject({ compiler: 'clang', llvm: '1' });
  });
  it('is the clang of the very version where all that LLVM brings is there of it', async () => {
    const config = 'CONFIG_CC_IS_CLANG=y\nCONFIG_CLANG_VERSION=160006\nCONFIG_LTO_CLANG_THIN=y\n';
    const versioned = mkdtempSync(join(root, 'llvm-'));
    for (const name of ['clang', 'clang-16', 'ld.lld-16', 'llvm-ar-16', 'llvm-nm-16', 'llvm-objcopy-16'])
      put(join(versioned, name), '', 0o755);
    expect(await factsIn({ config }, versioned)).toMatchObject({ compiler: 'clang', llvm: '1' });
    put(join(versioned, 'llvm-strip-16'), '', 0o755);
    expect(await factsIn({ config }, versioned)).toMatchObject({ compiler: 'clang-16', llvm: '-16' });
    const other = config.replace('160006', '150007');
    expect(await factsIn({ config: other }, versioned)).toMatchObject({ compiler: 'clang', llvm: '1' });
    const gnu = `${config}CONFIG_LD_IS_BFD=y\n`;
    expect(await factsIn({ config: gnu }, versioned)).not.toHaveProperty('llvm');
  });
});
