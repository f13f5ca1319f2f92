import { mkdirSync, mkdtempSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  installedVersion,
  isRegistered,
  newestEntries,
  originalsDirectory,
  readTree,
  register,
  stateOn,
  type TreeEntry,
} from '../../../../src/engine/tree/tree.ts';
import { put, temporaryDirectory } from '../../temporary.ts';

const root = temporaryDirectory();
const kernel = { release: '6.1', arch: 'x86_64' };

interface Trees {
  readonly dkms: string;
  readonly sources: string;
}

const makeTrees = (): Trees => {
  const base = mkdtempSync(join(root, 'trees-'));
  const trees = { dkms: join(base, 'dkms'), sources: join(base, 'src') };
  mkdirSync(trees.dkms);
  mkdirSync(trees.sources);
  return trees;
};

const add = ({ dkms, sources }: Trees, name: string, version: string): void => {
  const source = join(sources, `${name}-${version}`);
  put(join(source, 'dkms.conf'));
  register(dkms, { name, version }, source);
};

const build = ({ dkms }: Trees, name: string, version: string, release = '6.1', arch = 'x86_64'): void => {
  put(join(dkms, name, version, release, arch, 'module', `${name}.ko`));
};

const install = ({ dkms }: Trees, name: string, version: string): void =>
  symlinkSync(`${version}/6.1/x86_64`, join(dkms, name, 'kernel-6.1-x86_64'));

const read = ({ dkms, sources }: Trees): TreeEntry[] => readTree(dkms, sources);
const labels = (entries: readonly TreeEntry[]): string[] =>
  entries.map(({ module, broken }) => `${module.name}/${module.version}${broken ? ' broken' : ''}`);

describe('readTree', () => {
  it('finds nothing in a tree that is not there', () => {
    expect(readTree(join(root, 'gone'), root)).toEqual([]);
  });
  it('lists names and versions in byte order, with what is built', () => {
    const trees = makeTrees();
    add(trees, 'b', '1.0');
    add(trees, 'a', '1.10');
    add(trees, 'a', '1.9');
    build(trees, 'a', '1.9');
    build(trees, 'a', '1.9', '6.12', 'i686');
    expect(labels(read(trees))).toEqual(['a/1.10', 'a/1.9', 'b/1.0']);
    expect(read(trees)[1]?.built).toEqual([
      { release: '6.1', arch: 'x86_64' },
      { release: '6.12', arch: 'i686' },
    ]);
  });
  it('takes no directory of its own for a version or a kernel', () => {
    const trees = makeTrees();
    add(trees, 'a', '1.0');
    build(trees, 'a', '1.0');
    install(trees, 'a', '1.0');
    for (const name of ['build/module', 'tarball', '6.1/.tmp_x86_64_q/module', '6.1/i686'])
      mkdirSync(join(trees.dkms, 'a/1.0', name), { recursive: true });
    mkdirSync(join(trees.dkms, 'a/original_module/6.1/x86_64'), { recursive: true });
    put(join(trees.dkms, 'a/notes'));
    put(join(trees.dkms, 'mok.key'));
    expect(labels(read(trees))).toEqual(['a/1.0']);
    expect(read(trees)[0]?.built).toEqual([kernel]);
  });
  it('says broken where the source leads to nothing, and where it leads', () => {
    const trees = makeTrees();
    mkdirSync(join(trees.dkms, 'a/1.0'), { recursive: true });
    symlinkSync(join(trees.sources, 'a-1.0'), join(trees.dkms, 'a/1.0/source'));
    expect(read(trees)).toMatchObject([{ broken: true, source: join(trees.sources, 'a-1.0') }]);
  });
  it('says broken where the link is missing and the source is there, and knows nothing of an empty directory', () => {
    const trees = makeTrees();
    mkdirSync(join(trees.dkms, 'a/1.0'), { recursive: true });
    mkdirSync(join(trees.dkms, 'b/1.0'), { recursive: true });
    put(join(trees.sources, 'a-1.0/dkms.conf'));
    expect(labels(read(trees))).toEqual(['a/1.0 broken']);
  });
  it('resolves a source that is itself a link', () => {
    const trees = makeTrees();
    put(join(trees.sources, 'real/dkms.conf'));
    symlinkSync('real', join(trees.sources, 'a-1.0'));
    register(trees.dkms, { name: 'a', version: '1.0' }, join(trees.sources, 'a-1.0'));
    expect(read(trees)[0]?.source).toBe(join(trees.sources, 'real'));
  });
});

describe('an entry', () => {
  const firstOf = (make: (trees: Trees) => void): TreeEntry | undefined => {
    const trees = makeTrees();
    make(trees);
    return read(trees)[0];
  };
  it('has its source where it is a directory of its own', () => {
    const found = firstOf(({ dkms }) => put(join(dkms, 'a/1.0/source/dkms.conf')));
    expect(found).toMatchObject({ broken: false, source: join(found?.directory ?? '', 'source') });
  });
  it('is known by what was built alone, and broken', () => {
    const trees = makeTrees();
    build(trees, 'a', '1.0');
    expect(read(trees)).toMatchObject([{ broken: true, source: join(trees.sources, 'a-1.0'), built: [kernel] }]);
  });
  it('says where a broken link leads, also one that is not told from the top', () => {
    const source = (target: string) =>
      firstOf(({ dkms }) => {
        mkdirSync(join(dkms, 'a/1.0'), { recursive: true });
        symlinkSync(target, join(dkms, 'a/1.0/source'));
      })?.source;
    expect([source('/nowhere/a'), source('nowhere/a')]).toEqual(['/nowhere/a', '/nowhere/a']);
  });
  it('is none in a directory that is no clean name, and no file or link is one', () => {
    const trees = makeTrees();
    add(trees, 'a', '1.0');
    for (const name of ['-b/1.0', 'a b/1.0', 'b/1 0', 'b/..x', 'b/.hidden', 'b/original_module', 'b/kernel-6.1-x86_64'])
      put(join(trees.dkms, name, 'source/dkms.conf'));
    symlinkSync('1.0', join(trees.dkms, 'a/latest'));
    symlinkSync('nowhere', join(trees.dkms, 'a/2.0'));
    expect(labels(read(trees))).toEqual(['a/1.0']);
  });
  it('counts a directory as built only where it has a module/, and none of its own', () => {
    const trees = makeTrees();
    add(trees, 'a', '1.0');
    for (const name of [
      '6.1/x86_64/log',
      'source.old',
      '.6.1/x86_64/module',
      'tarball/x86_64/module',
      'build/a/module',
    ])
      mkdirSync(join(trees.dkms, 'a/1.0', name), { recursive: true });
    put(join(trees.sources, 'a-1.0/sub/module/x'));
    put(join(trees.dkms, 'a/1.0/6.2'));
    expect(read(trees)[0]?.built).toEqual([]);
  });
});

describe('isRegistered', () => {
  it('goes by where a directory really is', () => {
    const trees = makeTrees();
    add(trees, 'a', '1.0');
    add(trees, 'b', '1.0');
    symlinkSync('b-1.0', join(trees.sources, 'c'));
    put(join(trees.sources, 'd-1.0/dkms.conf'));
    const known = (name: string) => isRegistered(read(trees), join(trees.sources, name));
    expect(['a-1.0', 'b-1.0', 'c', 'd-1.0', 'gone'].map(known)).toEqual([true, true, true, false, false]);
  });
});

it('keeps originals by module and kernel', () => {
  expect(originalsDirectory('/d', 'zfs', kernel)).toBe('/d/zfs/original_module/6.1/x86_64');
});

describe('installedVersion', () => {
  it.each([
    ['1.0/6.1/x86_64', '1.0'],
    ['./1.0/6.1/x86_64', '1.0'],
    ['.//1.0//6.1/x86_64', '1.0'],
    ['2.0/6.1/x86_64', undefined],
  ])('reads %j', (target, expected) => {
    const trees = makeTrees();
    add(trees, 'a', '1.0');
    build(trees, 'a', '1.0');
    symlinkSync(target, join(trees.dkms, 'a/kernel-6.1-x86_64'));
    expect(installedVersion(trees.dkms, 'a', kernel)).toBe(expected);
  });
  it('is none where a directory stands in place of the link, or nothing', () => {
    const trees = makeTrees();
    mkdirSync(join(trees.dkms, 'a/kernel-6.1-x86_64'), { recursive: true });
    expect(installedVersion(trees.dkms, 'a', kernel)).toBeUndefined();
    expect(installedVersion(trees.dkms, 'b', kernel)).toBeUndefined();
  });
});

describe('stateOn', () => {
  it('goes from added to built to installed, for that kernel only', () => {
    const trees = makeTrees();
    const state = (release = '6.1') =>
      read(trees).map((entry) => stateOn(trees.dkms, entry, { release, arch: 'x86_64' }));
    add(trees, 'a', '1.0');
    expect(state()).toEqual(['added']);
    build(trees, 'a', '1.0');
    expect(state()).toEqual(['built']);
    install(trees, 'a', '1.0');
    expect(state()).toEqual(['installed']);
    expect(state('6.12')).toEqual(['added']);
    const elsewhere = read(trees).map((entry) => stateOn(trees.dkms, entry, { release: '6.1', arch: 'i686' }));
    expect(elsewhere).toEqual(['added']);
  });
  it('is built where another version is installed, or the link leads to nothing', () => {
    const trees = makeTrees();
    for (const version of ['1.0', '2.0']) {
      add(trees, 'a', version);
      build(trees, 'a', version);
    }
    install(trees, 'a', '1.0');
    expect(read(trees).map((entry) => stateOn(trees.dkms, entry, kernel))).toEqual(['installed', 'built']);
    expect(installedVersion(trees.dkms, 'a', kernel)).toBe('1.0');
    symlinkSync('7.0/6.12/x86_64', join(trees.dkms, 'a/kernel-6.12-x86_64'));
    expect(installedVersion(trees.dkms, 'a', { ...kernel, release: '6.12' })).toBeUndefined();
  });
});

describe('newestEntries', () => {
  it('takes the newest version of each name, a sound one before any broken one', () => {
    const trees = makeTrees();
    for (const version of ['1.9', '1.10']) add(trees, 'a', version);
    add(trees, 'b', '1.0');
    mkdirSync(join(trees.dkms, 'b/2.0'), { recursive: true });
    symlinkSync('/nowhere', join(trees.dkms, 'b/2.0/source'));
    mkdirSync(join(trees.dkms, 'c/1.0'), { recursive: true });
    symlinkSync('/nowhere', join(trees.dkms, 'c/1.0/source'));
    expect(labels(newestEntries(read(trees)))).toEqual(['a/1.10', 'b/1.0', 'c/1.0 broken']);
  });
});
