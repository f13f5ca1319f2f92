import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import type { World } from '../world.ts';
import { disposableWorld } from './disposable.ts';
import { put, saidBy, treesOf } from './dkms-session.ts';
import { generate } from './generated-source.ts';
import { deb, headersPackage } from './incoming-debs.ts';
import { disorder } from './installed.ts';

/** An answer before anything is installed, and the transaction that finds it. */

const provision = inject('provision');
const kernels = provision.kind === 'ready' ? provision.kernels : [];
const [release = '', second = ''] = kernels.map((kernel) => kernel.release);
const isRoot = process.getuid?.() === 0;
const canUnshare = isRoot && spawnSync('unshare', ['--mount', '--pid', '--fork', 'true']).status === 0;

const newWorld = (): World => disposableWorld({ kernels, distribution: 'debian', withoutKernels: true });

const tried = async (world: World, ...words: readonly string[]): Promise<{ code: number | null; said: string }> => {
  const ended = await world.kmodsort(['try', ...words]);
  return { code: ended.code, said: saidBy(world, ended) };
};

/** What is in the state directory but the store, and what else is where it must not be. */
const leftBehind = (world: World): string[] =>
  world.files(world.trees.stateDir).filter((path) => !/^(store|log|tried)\//.test(path));

describe.skipIf(!canUnshare || kernels.length < 2)('kmodsort try', () => {
  it('answers for a kernel whose headers are still in their package, and the transaction compiles nothing', async () => {
    const world = newWorld();
    world.addKernel(release);
    generate(world, 'low');
    generate(world, 'high', { depends: ['low'] });
    const before = treesOf(world);
    const { code, said } = await tried(world, headersPackage(world, kernels[1]));
    expect([code, said]).toEqual([
      0,
      expect.stringContaining(`kmodsort: trying 1 package: linux-headers-${second}.deb`),
    ]);
    expect(said).toContain(`trial: 2 modules on 1 kernel: 2 ready\n  ready      low/1.0   ${second}`);
    expect(said).toContain('kmodsort: nothing was installed; what is ready will be installed from the store\n');
    expect(treesOf(world)).toEqual(before);
    expect(leftBehind(world)).toEqual([]);
    const status = async (): Promise<string> => (await world.kmodsort(['status'])).stdout;
    expect(await status()).toMatch(
      new RegExp(`low/1\\.0, ${second.replaceAll('+', '[+]')}, x86_64: ready \\(tried 20.*; not installed yet\\)`),
    );
    expect((await world.dkms(['status'])).stdout).not.toContain(second);
    world.addKernel(second);
    expect(await status()).not.toContain('not installed yet');
    const { stdout } = await world.hook(['apt', 'postinst', second]);
    expect(stdout.match(/from the store \(built /g)?.length).toBeGreaterThanOrEqual(2);
    expect(world.installedObjects(second)).toEqual(['high', 'low']);
    expect((await world.kmodsort(['verify', '-k', second])).code).toBe(0);
    expect(disorder(world)).toEqual([]);
  });

  it('says which module will not build, with the line of the compiler, and keeps its log', async () => {
    const world = newWorld();
    world.addKernel(release);
    generate(world, 'good');
    const bad = generate(world, 'bad');
    appendFileSync(join(bad.directory, 'bad.c'), 'int broken(void) { return nothing_of_that_name; }\n');
    const { code, said } = await tried(world, '-k', release);
    expect([code, said]).toEqual([1, expect.stringContaining('trial: 2 modules on 1 kernel: 1 ready, 1 FAILED')]);
    expect(said).toMatch(/FAILED +bad\/1\.0 .*compiler error\n.*nothing_of_that_name/);
    expect(said).toContain(`modules would be missing on ${release}: bad`);
    const [, log = ''] = /log +(\S+)/.exec(said) ?? [];
    expect(readFileSync(join(world.root, log), 'utf8')).toContain('nothing_of_that_name');
    expect(world.installedObjects(release)).toEqual([]);
    expect(existsSync(join(world.trees.dkmsTree, 'good/1.0', release))).toBe(false);
  });

  it('takes the version of a module that would come, and only what is named', async () => {
    const world = newWorld();
    world.addKernel(release);
    generate(world, 'low');
    generate(world, 'other');
    const { directory } = generate(world, 'low', { version: '2.0', unregistered: true });
    const file = deb(world, 'low-dkms', (root) => {
      mkdirSync(join(root, 'usr/src'), { recursive: true });
      renameSync(directory, join(root, 'usr/src/low-2.0'));
    });
    const { code, said } = await tried(world, 'low', '--packages', file, '-k', release);
    expect([code, said]).toEqual([0, expect.stringContaining('trial: 1 module on 1 kernel: 1 ready')]);
    expect(said).toMatch(/ready +low\/2\.0/);
    expect(existsSync(directory)).toBe(false);
    expect(readdirSync(join(world.trees.dkmsTree, 'low'))).toEqual(['1.0']);
  });

  it('runs nothing that changes the machine, and says so of what it did not try', async () => {
    const world = newWorld();
    world.addKernel(release);
    world.configure('required_modules="tool other"\nunconfined_modules="other"\npost_transaction="touch $PWD/done"\n');
    const mark = join(world.root, 'mark');
    const conf = 'POST_INSTALL="mark.sh"\nPRE_INSTALL="mark.sh"\nPOST_ADD="mark.sh"\n';
    for (const name of ['tool', 'other', 'writer']) {
      const { directory } = generate(world, name, {
        conf: `${conf}${name === 'writer' ? 'PRE_BUILD="mark.sh"\n' : ''}`,
      });
      put(join(directory, 'mark.sh'), `#!/bin/sh\necho x >> ${mark}\n`, 0o755);
    }
    const { code, said } = await tried(world, '-k', release);
    expect(said).toContain('trial: 3 modules on 1 kernel: 1 ready, 2 not tried');
    expect(said).toMatch(/not tried +other\/1\.0 .*it does not build confined \(unconfined_modules\)/);
    expect(said).toMatch(
      /not tried +writer\/1\.0 .*it does not build confined \(.*(Permission denied|Read-only file system)\)/,
    );
    expect(said).toContain(`do not install ${release}: required modules would be missing: other`);
    expect(code).toBe(1);
    expect(existsSync(mark)).toBe(false);
    expect(existsSync(join(world.root, 'done'))).toBe(false);
  });

  it('says what is wrong with a package, and with a kernel that nobody has', async () => {
    const world = newWorld();
    world.addKernel(release);
    generate(world, 'low');
    const file = join(world.root, 'broken.deb');
    writeFileSync(file, 'no archive\n');
    expect(await tried(world, file)).toEqual({
      code: 1,
      said: expect.stringContaining('the archive is refused: /broken.deb'),
    });
    expect(await tried(world, join(world.root, 'none.deb'))).toEqual({
      code: 1,
      said: expect.stringContaining('archive not found: /none.deb'),
    });
    expect((await tried(world, 'a/b')).code).toBe(2);
    expect(leftBehind(world)).toEqual([]);
  });

  it('gives programs one document', async () => {
    const world = newWorld();
    world.addKernel(release);
    generate(world, 'low');
    expect(await world.json(['try', '-k', release])).toMatchObject({
      version: 1,
      kind: 'trial',
      packages: [],
      failures: [],
      rows: [{ module: { name: 'low' }, outcome: { kind: 'installed' } }],
    });
  });

  it.each(['SIGINT', 'SIGKILL'] as const)('leaves nothing of itself behind after %s', async (signal) => {
    const world = newWorld();
    world.addKernel(release);
    const { directory } = generate(world, 'slow', { conf: 'PRE_BUILD="pre.sh"\n' });
    const seconds = String(8000 + (process.pid % 900));
    put(join(directory, 'pre.sh'), `#!/bin/sh\nsleep ${seconds}\n`, 0o755);
    const { child, ended } = world.kmodsortStart(['try', '-k', release]);
    const isSleeping = (): boolean => spawnSync('pgrep', ['-f', `^sleep ${seconds}`]).status === 0;
    const patience = Date.now() + 30_000;
    while (!isSleeping() && Date.now() < patience) await new Promise((resolve) => setTimeout(resolve, 50));
    child.kill(signal);
    await ended;
    const deadline = Date.now() + 5000;
    while (isSleeping() && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
    expect(isSleeping()).toBe(false);
    if (signal === 'SIGINT') expect(leftBehind(world)).toEqual([]);
    writeFileSync(join(directory, 'pre.sh'), '#!/bin/sh\n', { mode: 0o755 });
    expect((await tried(world, '-k', release)).code).toBe(0);
    expect(leftBehind(world)).toEqual([]);
  });
});
