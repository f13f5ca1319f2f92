import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { repository } from '../kernels.ts';
import type { World } from '../world.ts';
import { disposableWorld } from './disposable.ts';
import { saidBy, treesOf } from './dkms-session.ts';
import { generate } from './generated-source.ts';
import { headersPackage } from './incoming-debs.ts';

/** `kmodsort matrix`: every module for every kernel, and nothing but the store and the logs changed. */

const provision = inject('provision');
const kernels = provision.kind === 'ready' ? provision.kernels : [];
const [first = '', second = ''] = kernels.map(({ release }) => release);
const isRoot = process.getuid?.() === 0;
const canUnshare = isRoot && spawnSync('unshare', ['--mount', '--pid', '--fork', 'true']).status === 0;

const newWorld = (): World => disposableWorld({ kernels, distribution: 'debian', withoutKernels: true });

/** Sources as an author has them in a checkout. */
const checkout = (world: World, ...names: readonly string[]): string[] =>
  names.map((name) => {
    const place = join(world.root, 'checkout', name);
    cpSync(join(repository, 'test/fixtures', name), place, { recursive: true });
    return place;
  });

/** A directory with the headers of both kernels in it. */
const headersPlace = (world: World): string => {
  const place = join(world.root, 'headers');
  mkdirSync(place);
  for (const { release, headers } of kernels) symlinkSync(headers, join(place, release));
  return place;
};

const built = async (world: World, ...words: readonly string[]): Promise<{ code: number | null; said: string }> => {
  const ended = await world.kmodsort(['matrix', ...words]);
  return { code: ended.code, said: saidBy(world, ended) };
};

/** What is in the state directory but the store and the logs. */
const leftBehind = (world: World): string[] =>
  world.files(world.trees.stateDir).filter((path) => !/^(store|log)\//.test(path));

const cells = (line: string): string[] => line.trim().split(/ {2,}/);

describe.skipIf(!canUnshare || kernels.length < 2)('kmodsort matrix', () => {
  it('builds directories for directories of headers, in order, and shows a grid', async () => {
    const world = newWorld();
    const sources = checkout(world, 'needs-broken', 'mid-link', 'zeta-core', 'broken');
    const place = headersPlace(world);
    const before = treesOf(world);
    const page = join(world.root, 'page.html');
    const { code, said } = await built(world, ...sources, '--kernels-from', place, '--html', page);
    const lines = said.split('\n');
    expect(said).toMatch(/^kmodsort: matrix: 4 modules on 2 kernels: 4 ok, 2 blocked, 2 FAILED in \d/m);
    const head = lines.findIndex((line) => line.trim().startsWith('broken/1.0'));
    expect(lines.slice(head, head + 3).map(cells)).toEqual([
      ['broken/1.0', 'mid-link/1.0', 'needs-broken/1.0', 'zeta-core/1.0'],
      [first, 'FAILED', 'ok', 'blocked', 'ok'],
      [second, 'FAILED', 'ok', 'blocked', 'ok'],
    ]);
    for (const release of [first, second]) {
      const ready = (name: string): number =>
        lines.findIndex((line) => line.includes(`${name}/1.0, ${release}: ready`));
      expect(ready('zeta-core')).toBeGreaterThan(0);
      expect(ready('mid-link')).toBeGreaterThan(ready('zeta-core'));
      expect(said).toContain(`FAILED     broken/1.0        ${release}`);
    }
    expect(said).toMatch(/broken_mod\.c:\d+:\d+: error: /);
    expect(said).not.toContain('retry');
    expect(code).toBe(1);
    expect(treesOf(world)).toEqual(before);
    expect(leftBehind(world)).toEqual([]);

    const html = readFileSync(page, 'utf8');
    expect(html.match(/class="failed"/g)).toHaveLength(2);
    expect(html).toMatch(/<pre>[^<]*error: ‘missing_answer’ undeclared/);
    expect(readdirSync(world.root).filter((name) => name.includes('page'))).toEqual(['page.html']);
  });

  it('takes the second time what it has built from the store, and gives programs the same', async () => {
    const world = newWorld();
    const [source = ''] = checkout(world, 'zeta-core');
    const words = ['matrix', source, '--kernels-from', headersPlace(world)];
    const row = (release: string, more: object) => ({
      module: { name: 'zeta-core', version: '1.0' },
      kernel: { release, arch: 'x86_64' },
      outcome: { kind: 'installed', ...more },
    });
    const once = await world.json(words);
    expect(once).toMatchObject({ kind: 'matrix', releases: [first, second], failures: [] });
    expect(once).not.toMatchObject({ rows: [row(first, { from: {} })] });
    expect(await world.json(words)).toMatchObject({
      rows: expect.arrayContaining(
        [first, second].map((release) => expect.objectContaining(row(release, { from: expect.anything() }))),
      ),
    });
  });

  it('builds modules of the dkms tree for headers in packages, with what they need', async () => {
    const world = newWorld();
    generate(world, 'low');
    generate(world, 'high', { depends: ['low'] });
    generate(world, 'other');
    const { code, said } = await built(world, 'high', '--kernels', headersPackage(world, kernels[1]));
    expect(said).toContain(`kmodsort: trying 1 package: linux-headers-${second}.deb`);
    expect(said).toContain('kmodsort: matrix: 2 modules on 1 kernel: 2 ok in ');
    expect(said).not.toContain('other');
    expect(code).toBe(0);
  });

  it.each([
    ['a name that nobody knows', ['nosuch', '--kernels', '6.1.0-1-amd64'], 1, 'not in the dkms tree: nosuch'],
    ['a directory without a dkms.conf', ['./none', '--kernels', '6.1.0-1-amd64'], 1, 'dkms.conf not found'],
    ['a package that is not there', ['./none', '--kernels', './x.deb'], 1, 'archive not found'],
    [
      'a place without headers',
      ['./none', '--kernels-from', '/usr/share/empty'],
      1,
      'neither headers of a kernel nor packages',
    ],
    ['no kernels', ['low'], 2, 'matrix needs --kernels or --kernels-from'],
    ['no modules', ['--kernels', '6.1.0-1-amd64'], 2, ''],
    ['a release that is none', ['low', '--kernels', '-x'], 2, ''],
  ])('says what is wrong with %s', async (_what, words, code, cause) => {
    const world = newWorld();
    world.addKernel(first);
    const given = words.map((word) => (word === '6.1.0-1-amd64' ? first : word));
    const ended = await built(world, ...given);
    expect(ended.said).toContain(cause);
    expect(ended.code).toBe(code);
    expect(leftBehind(world)).toEqual([]);
  });

  it('runs no conf that anybody may write', async () => {
    const world = newWorld();
    const [source = ''] = checkout(world, 'zeta-core');
    chmodSync(join(source, 'dkms.conf'), 0o666);
    const { code, said } = await built(world, source, '--kernels-from', headersPlace(world));
    expect(said).toMatch(/world-writable/);
    expect(code).toBe(1);
  });

  it('says so where the page cannot be written', async () => {
    const world = newWorld();
    const [source = ''] = checkout(world, 'zeta-core');
    const { code, said } = await built(
      world,
      source,
      '--kernels-from',
      headersPlace(world),
      '--html',
      '/proc/page.html',
    );
    expect(said).toContain('matrix: 1 module on 2 kernels: 2 ok');
    expect(said).toMatch(/\/proc\/page\.html|\/proc/);
    expect(code).not.toBe(0);
  });
});
