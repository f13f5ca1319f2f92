import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, inject, it } from 'vitest';
import type { World } from '../world.ts';
import { disposableWorld } from './disposable.ts';
import { done, put, statusLines, treesOf } from './dkms-session.ts';
import { generate } from './generated-source.ts';
import { commandLine, environmentOf } from './start-program.ts';

/** The lines of `dkms status`, which scripts scrape, to the letter. */

const provision = inject('provision');
const missing = provision.kind === 'missing';
const arch = 'x86_64';

/** A version that dkms built, as it leaves it in its tree. */
const built = (world: World, name: string, version: string, release: string, objects = [name]): void => {
  const directory = join(world.trees.dkmsTree, name, version, release, arch, 'module');
  mkdirSync(directory, { recursive: true });
  for (const object of objects) put(join(directory, `${object}.ko`), `${object} ${version} for ${release}`);
};

const place = (world: World, release: string, object: string): string =>
  join(world.trees.installTree, release, 'updates', 'dkms', `${object}.ko`);

/** The same, installed on the kernel. */
const installed = (world: World, name: string, version: string, release: string, objects = [name]): void => {
  built(world, name, version, release, objects);
  for (const object of objects) put(place(world, release, object), `${object} ${version} for ${release}`);
  symlinkSync(`${version}/${release}/${arch}`, join(world.trees.dkmsTree, name, `kernel-${release}-${arch}`));
};

describe.skipIf(missing)('dkms status', () => {
  let world: World;

  beforeEach(() => {
    world = disposableWorld();
  });

  it('says nothing and ends with 0 where nothing is known, also without a dkms tree', async () => {
    const silent = { code: 0, stdout: '', stderr: '' };
    expect(await world.dkms(['status'])).toMatchObject(silent);
    expect(await world.dkms(['status', 'nobody/1.0', '-k', '6.1'])).toMatchObject(silent);
    mkdirSync(world.trees.dkmsTree);
    expect(await world.dkms(['status'])).toMatchObject(silent);
  });

  it('says added, built and installed', async () => {
    for (const name of ['one', 'three', 'two']) generate(world, name);
    built(world, 'two', '1.0', '6.1');
    installed(world, 'three', '1.0', '6.1');
    expect(await world.dkms(['status'])).toMatchObject({
      code: 0,
      stdout: 'one/1.0: added\nthree/1.0, 6.1, x86_64: installed\ntwo/1.0, 6.1, x86_64: built\n',
      stderr: '',
    });
  });

  it('comes in the order of a shell glob: names, versions, kernels', async () => {
    for (const version of ['1.9', '1.10', '1.2']) generate(world, 'b', { version });
    generate(world, 'B');
    generate(world, 'a-b');
    generate(world, 'a');
    for (const release of ['6.9', '6.10', '6.1']) built(world, 'a', '1.0', release);
    expect(await statusLines(world)).toEqual([
      'B/1.0: added',
      'a/1.0, 6.1, x86_64: built',
      'a/1.0, 6.10, x86_64: built',
      'a/1.0, 6.9, x86_64: built',
      'a-b/1.0: added',
      'b/1.10: added',
      'b/1.2: added',
      'b/1.9: added',
    ]);
  });

  it('says which originals are kept, what differs and what is missing', async () => {
    for (const name of ['altered', 'gone', 'lost', 'replacer', 'unbuilt']) generate(world, name);
    for (const name of ['altered', 'gone', 'replacer']) installed(world, name, '1.0', '6.1');
    put(place(world, '6.1', 'altered'), 'something else');
    rmSync(place(world, '6.1', 'gone'));
    put(join(world.trees.dkmsTree, 'replacer', 'original_module', '6.1', arch, 'replacer.ko'), "the kernel's own");
    built(world, 'unbuilt', '1.0', '6.1', []);
    installed(world, 'lost', '1.0', '6.1');
    rmSync(join(world.trees.dkmsTree, 'lost', '1.0', '6.1', arch, 'module', 'lost.ko'));
    expect(await statusLines(world)).toEqual([
      'altered/1.0, 6.1, x86_64: installed (Differences between built and installed modules)',
      'gone/1.0, 6.1, x86_64: installed (Differences between built and installed modules)',
      'lost/1.0, 6.1, x86_64: installed (Built modules are missing in the kernel modules folder)',
      'replacer/1.0, 6.1, x86_64: installed (Original modules exist)',
      'unbuilt/1.0, 6.1, x86_64: built (Built modules are missing in the kernel modules folder)',
    ]);
    put(place(world, '6.1', 'replacer'), 'something else');
    expect(await statusLines(world, ['replacer'])).toEqual([
      'replacer/1.0, 6.1, x86_64: installed (Original modules exist) (Differences between built and installed modules)',
    ]);
  });

  it('keeps to a name, a version, a kernel and an architecture', async () => {
    for (const version of ['1.0', '2.0']) generate(world, 'pair', { version });
    generate(world, 'other');
    installed(world, 'pair', '2.0', '6.1');
    built(world, 'pair', '2.0', '6.2');
    built(world, 'other', '1.0', '6.2');
    const onBoth = ['pair/2.0, 6.1, x86_64: installed', 'pair/2.0, 6.2, x86_64: built'];
    const rows: [string[], string[]][] = [
      [['pair'], ['pair/1.0: added', ...onBoth]],
      [
        ['-m', 'pair'],
        ['pair/1.0: added', ...onBoth],
      ],
      [['pair/2.0'], onBoth],
      [['-m', 'pair', '-v', '2.0'], onBoth],
      [['pair/3.0'], []],
      [['pai'], []],
      [['pair/2.0', '-k', '6.1'], ['pair/2.0, 6.1, x86_64: installed']],
      [['pair/2.0', '-k', '6.1/x86_64'], ['pair/2.0, 6.1, x86_64: installed']],
      [['pair/2.0', '-a', 'x86_64'], onBoth],
      [['pair/2.0', '-k', '6.2', '-a', 'i686'], ['pair/2.0: added']],
    ];
    for (const [words, lines] of rows) expect([words, await statusLines(world, words)]).toEqual([words, lines]);
  });

  it('counts what is built for other kernels only as added, once for each -k', async () => {
    generate(world, 'pair');
    generate(world, 'single');
    installed(world, 'pair', '1.0', '6.1');
    expect(await statusLines(world, ['-k', '6.2'])).toEqual(['pair/1.0: added', 'single/1.0: added']);
    expect(await statusLines(world, ['-k', '6.2', '-k', '6.1', '-k', '6.3'])).toEqual([
      'pair/1.0: added',
      'pair/1.0, 6.1, x86_64: installed',
      'pair/1.0: added',
      'single/1.0: added',
      'single/1.0: added',
      'single/1.0: added',
    ]);
  });

  it('calls a module broken whose source is gone or not named, and says so on stderr too', async () => {
    const { directory } = generate(world, 'gone');
    rmSync(directory, { recursive: true });
    generate(world, 'linkless');
    rmSync(join(world.trees.dkmsTree, 'linkless', '1.0', 'source'));
    generate(world, 'sound');
    const { code, stdout, stderr } = await world.dkms(['status']);
    expect([code, stdout]).toEqual([0, 'gone/1.0: broken\nlinkless/1.0: broken\nsound/1.0: added\n']);
    expect(stderr.replaceAll(world.root, '')).toBe(
      'kmodsort: gone/1.0 is broken and left as it is: source not found: /usr/src/gone-1.0\n' +
        'kmodsort: linkless/1.0 is broken and left as it is: source not found: /usr/src/linkless-1.0\n',
    );
    expect((await world.dkms(['status', 'sound'])).stderr).toBe('');
    expect(await statusLines(world, ['gone/1.0', '-k', '6.1'])).toEqual(['gone/1.0: broken']);
  });

  it('leaves what is no module alone: a directory without a source, the links and originals of a name', async () => {
    generate(world, 'sound');
    mkdirSync(join(world.trees.dkmsTree, 'sound', 'original_module', '6.1', arch), { recursive: true });
    mkdirSync(join(world.trees.dkmsTree, 'stray', '1.0', 'build'), { recursive: true });
    put(join(world.trees.dkmsTree, 'mok.key'), 'key');
    put(join(world.trees.dkmsTree, 'sound', '1.0', 'build', 'make.log'), 'log');
    mkdirSync(join(world.trees.dkmsTree, 'sound', '1.0', '6.1', `.tmp_${arch}_x`, 'module'), { recursive: true });
    expect(await statusLines(world)).toEqual(['sound/1.0: added']);
  });

  it('has no line of its own for a build that failed', async () => {
    world.addModule('lonely');
    for (const release of ['6.1', '6.2']) world.addKernel(release, { headers: false });
    for (const release of ['6.1', '6.2']) await world.dkms(['autoinstall', '-k', release]);
    expect((await world.kmodsort(['status'])).stdout).toContain('FAILED');
    expect(await statusLines(world)).toEqual(['lonely/1.0: added']);
    expect(await statusLines(world, ['-k', '6.1', '-k', '6.2', '-k', '6.3'])).toEqual(
      Array.from({ length: 3 }, () => 'lonely/1.0: added'),
    );
    built(world, 'lonely', '1.0', '6.9');
    expect(await statusLines(world)).toEqual(['lonely/1.0, 6.9, x86_64: built']);
  });

  it('follows the links of weak-modules where the distribution makes them', async () => {
    const rhel = disposableWorld({ distribution: 'rhel' });
    generate(rhel, 'kmod');
    installed(rhel, 'kmod', '1.0', '5.14.0-1');
    const link = (target: World): void => {
      const weak = join(target.trees.installTree, '5.14.0-2', 'weak-updates', 'kmod.ko');
      mkdirSync(dirname(weak), { recursive: true });
      symlinkSync(place(target, '5.14.0-1', 'kmod'), weak);
    };
    link(rhel);
    expect(await statusLines(rhel)).toEqual([
      'kmod/1.0, 5.14.0-1, x86_64: installed',
      'kmod, 1.0, 5.14.0-2, x86_64: installed-weak from 5.14.0-1',
    ]);
    expect(await statusLines(rhel, ['-k', '5.14.0-2'])).toEqual([
      'kmod, 1.0, 5.14.0-2, x86_64: installed-weak from 5.14.0-1',
    ]);
    generate(world, 'kmod');
    installed(world, 'kmod', '1.0', '5.14.0-1');
    link(world);
    expect(await statusLines(world)).toEqual(['kmod/1.0, 5.14.0-1, x86_64: installed']);
  });

  it('changes nothing', async () => {
    generate(world, 'sound');
    installed(world, 'sound', '1.0', '6.1');
    const before = treesOf(world);
    await done(world, ['status']);
    await done(world, ['status', 'sound/1.0', '-k', '6.1']);
    expect(treesOf(world)).toEqual(before);
    expect(world.files(world.trees.stateDir)).toEqual([]);
  });
});

const tracer: string = process.env.STRACE ?? 'strace';
const hasStrace = spawnSync(tracer, ['-V']).status === 0;

/** Programs that a command starts besides node itself. */
const startedBy = async (world: World, words: readonly string[]): Promise<string[]> => {
  await world.dkms(['--version']);
  const [node = '', , ...rest] = commandLine(world, words);
  const trace = join(world.root, 'trace');
  const options = ['-f', '-o', trace, '-e', 'trace=execve,fork,vfork,clone,clone3'];
  const argv = [...options, node, join(world.root, 'bin', 'dkms'), ...rest];
  const { status } = spawnSync(tracer, argv, { env: environmentOf(world), cwd: world.root });
  expect(status).toBe(0);
  // A thread is a clone that shares its memory and its number.
  return readFileSync(trace, 'utf8')
    .split('\n')
    .filter((line) => /\b(execve|v?fork|clone3?)\(/.test(line) && !line.includes('CLONE_THREAD'))
    .slice(1);
};

describe.skipIf(missing || !hasStrace)('questions start no other program (seen by strace)', () => {
  it.each([['--version'], ['status'], ['status -k 6.1'], ['build --help']])('dkms %s', async (line) => {
    const world = disposableWorld();
    generate(world, 'sound');
    installed(world, 'sound', '1.0', '6.1');
    world.configure('parallel_jobs=2\nmok_signing_key="/k/$kernelver.key"\n');
    expect(await startedBy(world, line.split(' '))).toEqual([]);
  });
  it('strace sees what does start some', async () => {
    const world = disposableWorld();
    generate(world, 'sound');
    expect(await startedBy(world, ['remove', 'sound/1.0', '--all'])).not.toEqual([]);
  });
});
