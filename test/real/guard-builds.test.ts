import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import type { World } from '../world.ts';
import { disposableWorld } from './disposable.ts';
import { put, saidBy, treesOf } from './dkms-session.ts';
import { generate } from './generated-source.ts';
import { deb, headersPackage, imagePackage } from './incoming-debs.ts';
import { canMount, mountAt, unmountAll } from './mounts.ts';
import { until } from './until.ts';

/** kernel_guard="build": what is required is built before the transaction changes anything. */

const provision = inject('provision');
const kernels = provision.kind === 'ready' ? provision.kernels : [];
const [release = '', second = ''] = kernels.map((kernel) => kernel.release);
const canUnshare =
  process.getuid?.() === 0 && spawnSync('unshare', ['--mount', '--pid', '--fork', 'true']).status === 0;

const newWorld = (settings: string): World => {
  const world = disposableWorld({ kernels, distribution: 'debian', withoutKernels: true });
  world.addKernel(release);
  world.configure(settings);
  return world;
};

const required = 'kernel_guard="build"\nrequired_modules="low"\n';

/** What apt says to the guard: its configuration, then a line for each package. */
const listOf = (files: readonly string[]): string => {
  const lines = files.map((file) => `${file.replace(/^.*\/|\.deb$/g, '')} - - none < 1.0 all none ${file}`);
  return `VERSION 3\n\n${lines.join('\n')}\n`;
};

const guarded = async (
  world: World,
  ...files: readonly string[]
): Promise<{ code: number | null; said: string; seconds: number }> => {
  const before = treesOf(world);
  const start = performance.now();
  const ended = await world.kmodsort(['guard', 'apt'], { stdin: listOf(files) });
  expect(treesOf(world)).toEqual(before);
  return { code: ended.code, said: saidBy(world, ended), seconds: (performance.now() - start) / 1000 };
};

const kernelOf = (world: World): string[] => [imagePackage(world, kernels[1]), headersPackage(world, kernels[1])];

const breakModule = (directory: string, name: string): void =>
  appendFileSync(join(directory, `${name}.c`), 'int broken(void) { return nothing_of_that_name; }\n');

describe.skipIf(!canUnshare || kernels.length < 2)('kernel_guard="build"', () => {
  it('minds no kernel that the settings pass over, and says so', async () => {
    const world = newWorld(`${required}skip_kernels="${second}"\n`);
    breakModule(generate(world, 'low').directory, 'low');
    generate(world, 'picky', { conf: 'BUILD_EXCLUSIVE_KERNEL="^9\\."\n' });
    const files = kernelOf(world);
    const told = `${second}: skipped by skip_kernels in framework.conf\n`;
    const skipped = await guarded(world, ...files);
    expect([skipped.code, skipped.said]).toEqual([0, expect.stringContaining(told)]);
    expect(skipped.said).not.toContain('low');
    const tried = await world.kmodsort(['try', ...files]);
    expect([tried.code, tried.stdout]).toEqual([0, expect.stringContaining(told)]);
    world.configure(`kernel_guard="yes"\nrequired_modules="picky"\nskip_kernels="${second}"\n`);
    expect((await guarded(world, ...files)).code).toBe(0);
    world.configure('kernel_guard="yes"\nrequired_modules="picky"\n');
    expect((await guarded(world, ...files)).code).toBe(1);
  });

  it('lets a kernel pass for which the required modules build, and the hook compiles nothing', async () => {
    const world = newWorld(required);
    generate(world, 'low');
    breakModule(generate(world, 'other').directory, 'other');
    expect(await guarded(world, ...kernelOf(world))).toMatchObject({ code: 0 });
    world.addKernel(second);
    const { stdout } = await world.hook(['apt', 'postinst', second]);
    expect(stdout).toMatch(new RegExp(`installed +low/1\\.0 +${second.replaceAll('+', '[+]')} +from the store`));
  });

  it('stops one for which a required module does not build, says why and how to go on, and does not build it again', async () => {
    const world = newWorld(required);
    const { directory } = generate(world, 'low');
    breakModule(directory, 'low');
    const files = kernelOf(world);
    const { code, said, seconds } = await guarded(world, ...files);
    expect([code, said]).toEqual([
      1,
      expect.stringContaining(
        `kmodsort: STOP: low/1.0 does not build for the incoming kernel ${second}: compiler error: `,
      ),
    ]);
    expect(said).toMatch(/STOP: .*nothing_of_that_name/);
    expect(said).toContain('kmodsort: low must not be missing (required_modules): nothing was changed');
    expect(said).toContain('KMODSORT_GUARD=off');
    const [, log = ''] = /log +(\S+)/.exec(said) ?? [];
    expect(readFileSync(join(world.root, log), 'utf8')).toContain('nothing_of_that_name');
    const again = await guarded(world, ...files);
    expect([again.code, again.said]).toEqual([1, expect.stringContaining('STOP: low/1.0 does not build')]);
    expect(again.said).not.toContain('building');
    expect(again.seconds).toBeLessThan(Math.max(seconds, 3));
    writeFileSync(
      join(directory, 'low.c'),
      readFileSync(join(directory, 'low.c'), 'utf8').replace('nothing_of_that_name', '1'),
    );
    expect((await guarded(world, ...files)).code).toBe(0);
  });

  it('passes a module that is repaired in the same transaction', async () => {
    const world = newWorld(required);
    breakModule(generate(world, 'low').directory, 'low');
    const { directory } = generate(world, 'low', { version: '2.0', unregistered: true });
    const file = deb(world, 'low-dkms', (root) => {
      mkdirSync(join(root, 'usr/src'), { recursive: true });
      renameSync(directory, join(root, 'usr/src/low-2.0'));
    });
    expect(await guarded(world, ...kernelOf(world), file)).toMatchObject({ code: 0 });
  });

  it('stops a kernel that comes without headers', async () => {
    const world = newWorld(required);
    generate(world, 'low');
    const { code, said } = await guarded(world, imagePackage(world, kernels[1]));
    expect([code, said]).toEqual([
      1,
      expect.stringMatching(/STOP: low\/1\.0 does not build .*kernel headers .* not found/),
    ]);
    expect(said).toContain(`install the package with the headers of ${second}`);
  });

  it('warns of others where all are built', async () => {
    const world = newWorld('kernel_guard="build-all"\nrequired_modules="low"\n');
    generate(world, 'low');
    breakModule(generate(world, 'other').directory, 'other');
    const { code, said } = await guarded(world, ...kernelOf(world));
    expect([code, said]).toEqual([0, expect.stringContaining('kmodsort: warning: other/1.0 does not build')]);
    expect(said).not.toContain('STOP');
  });

  it('never stops for what was not tried, and never calls it fine', async () => {
    const world = newWorld(`${required}unconfined_modules="low"\n`);
    generate(world, 'low');
    const files = kernelOf(world);
    const exempt = await guarded(world, ...files);
    expect([exempt.code, exempt.said]).toEqual([
      0,
      expect.stringContaining('warning: low/1.0 was not tried for the incoming kernel'),
    ]);
    world.configure(`${required}guard_limit="0.02"\n`);
    put(join(world.trees.sourceTree, 'low-1.0/pre.sh'), '#!/bin/sh\nsleep 60\n', 0o755);
    appendFileSync(join(world.trees.sourceTree, 'low-1.0/dkms.conf'), 'PRE_BUILD="pre.sh"\n');
    const late = await guarded(world, ...files);
    expect([late.code, late.said]).toEqual([
      0,
      expect.stringMatching(/warning: the incoming kernels were not tried: it takes longer than 1\.2 s/),
    ]);
    world.configure(required);
    const broken = join(world.root, 'linux-image-x.deb');
    writeFileSync(broken, 'no archive\n');
    const unread = await guarded(world, broken);
    expect([unread.code, unread.said]).toEqual([
      0,
      expect.stringContaining('warning: the incoming kernels were not tried: the archive is refused'),
    ]);
  });

  it('stops nobody when it is told to end, and leaves nothing of itself', async () => {
    const world = newWorld(required);
    const { directory } = generate(world, 'low', { conf: 'PRE_BUILD="pre.sh"\n' });
    put(join(directory, 'pre.sh'), '#!/bin/sh\nsleep 60\n', 0o755);
    const { child, ended } = world.kmodsortStart(['guard', 'apt'], { stdin: listOf(kernelOf(world)) });
    let said = '';
    child.stderr?.on('data', (piece: Buffer) => {
      said += piece.toString();
    });
    await until(() => said.includes('building'));
    child.kill('SIGINT');
    const { code, stdout } = await ended;
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/warning: the incoming kernels were not tried: interrupted by a signal/),
    ]);
    expect(world.files(world.trees.stateDir).filter((path) => !/^(store|log|vetoes)\//.test(path))).toEqual([]);
  });

  it.skipIf(!canMount())('stops nobody where the disk is full', async () => {
    const world = newWorld(required);
    generate(world, 'low');
    const files = kernelOf(world);
    mountAt(world.trees.stateDir, 'size=200k');
    try {
      const { code, said } = await guarded(world, ...files);
      expect([code, said]).toEqual([
        0,
        expect.stringMatching(/warning: low\/1\.0 was not tried .*: no space left on device: /),
      ]);
    } finally {
      unmountAll();
    }
  });

  it('builds nothing where no kernel comes, or nothing is required', async () => {
    const world = newWorld(required);
    breakModule(generate(world, 'low').directory, 'low');
    const module = deb(world, 'other-dkms', (root) =>
      put(join(root, 'usr/src/other-1.0/dkms.conf'), 'PACKAGE_NAME="other"\n'),
    );
    expect(await guarded(world, module)).toMatchObject({ code: 0, said: expect.not.stringContaining('building') });
    world.configure('kernel_guard="build"\n');
    expect(await guarded(world, ...kernelOf(world))).toMatchObject({ code: 0, said: '' });
  });
});
