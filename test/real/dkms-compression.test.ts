import { readFileSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { run } from '../packages.ts';
import type { World } from '../world.ts';
import { disposableWorld } from './disposable.ts';
import { done, put, statusLines } from './dkms-session.ts';
import { disorder, installedFiles } from './installed.ts';

/** Modules are compressed as the kernel's own are; of all four kinds they are found, compared, replaced and put back. */

const provision = inject('provision');
const kernels = provision.kind === 'ready' ? provision.kernels.slice(0, 1) : [];
const release = kernels[0]?.release ?? '';
const programs: Readonly<Record<string, readonly string[]>> = {
  gz: ['gzip', '-n'],
  xz: ['xz', '--check=crc32'],
  zst: ['zstd', '-q', '--rm'],
};

/** First bytes of a file of each kind. */
const magic: Readonly<Record<string, string>> = { '': '7f454c46', gz: '1f8b', xz: 'fd377a58', zst: '28b52ffd' };

/** A kernel whose own module is of a kind; where it stands. */
const kernelWith = (kind: string): { readonly world: World; readonly own: string } => {
  const world = disposableWorld({ kernels, distribution: 'arch' });
  const plain = join(world.trees.installTree, release, 'kernel/drivers/misc', basename(kernels[0]?.inTree ?? ''));
  const [program, ...options] = programs[kind] ?? [];
  if (program) run(program, [...options, plain]);
  run('depmod', ['-b', world.root, release]);
  return { world, own: program ? `${plain}.${kind}` : plain };
};

const startOf = (path: string, kind: string): string =>
  readFileSync(path)
    .subarray(0, (magic[kind]?.length ?? 0) / 2)
    .toString('hex');

describe.skipIf(provision.kind === 'missing').each(['', 'gz', 'xz', 'zst'])(
  'modules of a kernel with .ko%s',
  (kind) => {
    it('are of that kind themselves, replace one of it, and the original comes back as it was', async () => {
      const { world, own } = kernelWith(kind);
      const before = readFileSync(own);
      world.addModule('replacer');
      await done(world, ['install', 'replacer/2.0', '-k', release, '--force']);
      const [file, ...more] = installedFiles(world, release);
      expect(more).toEqual([]);
      expect(basename(file ?? '')).toBe(basename(own));
      expect(startOf(file ?? '', kind)).toBe(magic[kind]);
      const saved = join(world.trees.dkmsTree, 'replacer/original_module', release, 'x86_64', basename(own));
      expect(readFileSync(saved).equals(before)).toBe(true);
      expect(await statusLines(world)).toEqual([
        `replacer/2.0, ${release}, x86_64: installed (Original modules exist)`,
      ]);
      expect(disorder(world)).toEqual([]);
      await done(world, ['remove', 'replacer/2.0', '--all']);
      expect(readFileSync(own).equals(before)).toBe(true);
      expect(installedFiles(world, release)).toEqual([]);
    });

    it('are seen to differ when they do', async () => {
      const { world } = kernelWith(kind);
      world.addModule('lonely');
      await done(world, ['install', 'lonely/1.0', '-k', release]);
      const [file = ''] = installedFiles(world, release);
      rmSync(file);
      expect(await statusLines(world)).toEqual([
        `lonely/1.0, ${release}, x86_64: installed (Differences between built and installed modules)`,
      ]);
      await done(world, ['install', 'lonely/1.0', '-k', release, '--force']);
      expect(await statusLines(world)).toEqual([`lonely/1.0, ${release}, x86_64: installed`]);
      expect(dirname(file)).toContain(release);
    });
  },
);

describe.skipIf(provision.kind === 'missing')('the settings of compressors', () => {
  it('reach them', async () => {
    const { world } = kernelWith('xz');
    world.configure('compress_xz_opts="--check=sha256 -0"\n');
    world.addModule('lonely');
    await done(world, ['install', 'lonely/1.0', '-k', release]);
    const [file = ''] = installedFiles(world, release);
    expect(run('xz', ['--robot', '--list', file])).toContain('SHA-256');
  });
});

const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

describe.skipIf(provision.kind === 'missing')('a tool that fails after the build', () => {
  it.each([
    ['strip', 'printf x >"$2"; echo strip: no space for symbols >&2', 'unstripped: strip: no space for symbols'],
    ['xz', 'echo xz: cannot >&2', 'uncompressed: xz: cannot'],
  ])('is a warning, as in dkms: %s', async (name, text, expected) => {
    const { world } = kernelWith('xz');
    world.addModule('lonely');
    const traps = join(world.root, 'traps');
    put(join(traps, name), `#!/bin/sh\n${text}\nexit 3\n`, 0o755);
    const env = { PATH: `${traps}:${systemPath}` };
    const said = await done(world, ['install', 'lonely/1.0', '-k', release], env);
    expect(said).toContain(`warning: lonely/1.0, ${release} is installed ${expected}`);
    const [file = '', ...more] = installedFiles(world, release);
    expect(more).toEqual([]);
    expect(basename(file)).toBe(name === 'xz' ? 'lonely.ko' : 'lonely.ko.xz');
    expect(run('modinfo', ['-F', 'vermagic', file])).toContain(release);
    expect(await statusLines(world)).toEqual([`lonely/1.0, ${release}, x86_64: installed`]);
    expect(disorder(world)).toEqual([]);
  });
});
