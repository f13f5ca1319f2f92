import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { run } from '../packages.ts';
import type { World } from '../world.ts';
import { disposableWorld } from './disposable.ts';
import { put } from './dkms-session.ts';
import { disorder } from './installed.ts';
import { until } from './until.ts';

/** What must follow when a kernel's modules have changed happens, whatever died in between. */

const provision = inject('provision');
const kernels = provision.kind === 'ready' ? provision.kernels.slice(0, 1) : [];
const release = kernels[0]?.release ?? '';
const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

const newWorld = (): World => {
  const world = disposableWorld({ kernels, distribution: 'arch' });
  world.addModule('lonely');
  return world;
};

/** A PATH on which a program is this script the first time, and the system's own after that. */
const onceInstead = (world: World, name: string, script: string): { readonly env: { readonly PATH: string } } => {
  const traps = join(world.root, 'traps');
  const mark = join(world.root, `${name}-was-here`);
  put(
    join(traps, name),
    `#!/bin/sh\n[ -e ${mark} ] && PATH=${systemPath} exec ${name} "$@"\n: > ${mark}\n${script}\n`,
    0o755,
  );
  return { env: { PATH: `${traps}:${systemPath}` } };
};

/** Whether modprobe would find a module. */
const isFound = (world: World, name: string): boolean =>
  readFileSync(join(world.trees.installTree, release, 'modules.dep'), 'utf8').includes(`/${name}.ko`);

const due = (world: World): string[] => {
  const directory = join(world.trees.stateDir, 'due');
  return existsSync(directory) ? readdirSync(directory) : [];
};

describe.skipIf(provision.kind === 'missing')('depmod', () => {
  it.each([
    ['a sync', ['sync']],
    ['a hook', ['hook', 'run', 'pacman', 'install']],
    ['a command of dkms', undefined],
  ])('that failed is a failure, and made up for by %s', async (_what, words) => {
    const world = newWorld();
    const first = await world.kmodsort(['sync'], onceInstead(world, 'depmod', 'echo depmod: no >&2; exit 1'));
    expect([first.code, first.stdout]).toEqual([
      1,
      expect.stringContaining(`FAILED: depmod failed: ${release}: depmod: no`),
    ]);
    expect([isFound(world, 'lonely'), due(world)]).toEqual([false, [release]]);
    const next = words ? await world.kmodsort(words) : await world.dkms(['autoinstall', '-k', release]);
    expect([next.code, isFound(world, 'lonely'), due(world)]).toEqual([0, true, []]);
    expect(disorder(world)).toEqual([]);
  });
  it('that fails again is told again, and counts for required modules', async () => {
    const world = newWorld();
    world.configure('required_modules="lonely"\n');
    put(join(world.root, 'traps/depmod'), '#!/bin/sh\nexit 1\n', 0o755);
    const env = { PATH: `${join(world.root, 'traps')}:${systemPath}` };
    for (const words of [['sync'], ['hook', 'run', 'boot'], ['hook', 'run', 'pacman', 'install']]) {
      const ended = await world.kmodsort(words, { env });
      expect([words, ended.code, ended.stdout]).toEqual([
        words,
        1,
        expect.stringContaining(`do not reboot into ${release}: required modules are missing: lonely`),
      ]);
    }
  });
  it('is made up for after a power cut in the middle of it', async () => {
    const world = newWorld();
    const first = await world.kmodsort(['sync'], onceInstead(world, 'depmod', 'kill -9 $PPID'));
    expect([first.code === 0, isFound(world, 'lonely')]).toEqual([false, false]);
    expect((await world.hook(['pacman', 'install'])).code).toBe(0);
    expect([isFound(world, 'lonely'), due(world)]).toEqual([true, []]);
  });
  it('runs after Ctrl-C for what was installed before', async () => {
    const world = newWorld();
    const began = join(world.root, 'began');
    world.addModule('scripted', {
      edit: (directory) => put(join(directory, 'configure'), `#!/bin/sh\n: > ${began}\nsleep 60\n`, 0o755),
    });
    const live = world.kmodsortStart(['sync', '-j', '2']);
    await until(() => existsSync(began) && world.installedObjects(release).includes('lonely'));
    live.child.kill('SIGINT');
    expect((await live.ended).code).toBe(130);
    expect([isFound(world, 'lonely'), due(world)]).toEqual([true, []]);
  });
  it('of a kernel that is gone is due no more', async () => {
    const world = newWorld();
    await world.kmodsort(['sync'], onceInstead(world, 'depmod', 'exit 1'));
    rmSync(join(world.trees.installTree, release), { recursive: true });
    await world.kmodsort(['sync']);
    expect(due(world)).toEqual([]);
  });
  it('is left to the caller with --no-depmod', async () => {
    const world = newWorld();
    expect((await world.dkms(['install', 'lonely/1.0', '-k', release, '--no-depmod'])).code).toBe(0);
    expect([isFound(world, 'lonely'), due(world)]).toEqual([false, []]);
  });
});

describe.skipIf(provision.kind === 'missing')('post_transaction', () => {
  it('that failed is run again by the next run, and then no more', async () => {
    const world = newWorld();
    const [told, broken] = [join(world.root, 'told'), join(world.root, 'broken')];
    world.configure(`post_transaction="[ ! -e ${broken} ] && echo $kernelver >> ${told}"\n`);
    put(broken, '');
    expect((await world.kmodsort(['sync'])).stdout).toContain('post_transaction failed with exit code 1');
    rmSync(broken);
    for (const words of [['sync'], ['sync']]) expect((await world.kmodsort(words)).code).toBe(0);
    expect(readFileSync(told, 'utf8')).toBe(`${release}\n`);
  });
});

describe.skipIf(provision.kind === 'missing')('a record that cannot be written', () => {
  it('keeps neither depmod nor the summary from coming', async () => {
    const world = newWorld();
    world.addModule('broken');
    await world.kmodsort(['sync']);
    const record = join(world.trees.stateDir, 'record/broken/1.0', `${release}@x86_64.json`);
    rmSync(record);
    mkdirSync(record);
    run('rm', ['-rf', join(world.trees.sourceTree, 'broken-1.0')]);
    const { name, version } = world.addModule('zeta-core');
    const ended = await world.kmodsort(['sync']);
    expect(ended.stdout).toMatch(/^ {2}installed +zeta-core/m);
    expect([ended.code, isFound(world, 'zeta_core'), due(world)]).toEqual([1, true, []]);
    expect(`${name}/${version}`).toBe('zeta-core/1.0');
  });
});
