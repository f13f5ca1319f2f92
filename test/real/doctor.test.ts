import { spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { diagnosisSeverities } from '../../src/engine/diagnoses.ts';
import { hashFile } from '../../src/engine/system/files.ts';
import { repository } from '../kernels.ts';
import { isRoot } from '../packages.ts';
import type { World } from '../world.ts';
import { brokenTrees, type Healthy, oddTrees } from './broken-trees.ts';
import { disposableWorld } from './disposable.ts';
import { canMount, mountAt, unmountAll } from './mounts.ts';

/** `kmodsort doctor`: each broken tree is found, nothing else is, and `--fix` repairs what it says it does. */

const provision = inject('provision');
const kernels = provision.kind === 'ready' ? provision.kernels : [];
const [first = '', second = ''] = kernels.map(({ release }) => release);

/** Every path below a world but its temporary directory: kind, mode, owner, bytes or target; times where asked for. */
const manifest = ({ root }: World, withTimes: boolean): string[] =>
  readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => !/^(tmp|bin)(\/|$)/.test(path))
    .map((path) => {
      const whole = join(root, path);
      const facts = lstatSync(whole);
      const content = facts.isFile() ? hashFile(whole) : facts.isSymbolicLink() ? readlinkSync(whole) : 'directory';
      const time = withTimes ? ` ${facts.mtimeMs}` : '';
      return `${path} ${facts.mode.toString(8)} ${facts.uid} ${content}${time}`;
    })
    .sort();

/** `CODE` of each finding, and whether it was repaired. */
interface Told {
  readonly code: string;
  readonly remedy: string;
  readonly state: string;
}

const toldIn = (stdout: string): Told[] =>
  [...stdout.matchAll(/^([a-z-]+): .+\n {2}(fix|repaired|left) {2}(.+)$/gm)].map(
    ([, code = '', state = '', remedy = '']) => ({ code, state, remedy }),
  );

const codesIn = (stdout: string): string[] => [...new Set(toldIn(stdout).map(({ code }) => code))].sort();

const isError = (code: string): boolean =>
  Object.entries(diagnosisSeverities).some(([one, severity]) => one === code && severity === 'error');
const statusFor = (codes: readonly string[]): number => (codes.some(isError) ? 1 : 0);

let healthy: Healthy;
let kept = '';

const copy = (from: string, to: string): void => {
  const { status, stderr } = spawnSync('cp', ['-a', '--reflink=auto', `${from}/.`, to], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
};

const doctor = (...words: readonly string[]) => healthy.world.kmodsort(['doctor', ...words]);

describe.skipIf(kernels.length < 2)('kmodsort doctor', () => {
  beforeAll(async () => {
    const world = disposableWorld({ kernels, distribution: 'arch' });
    for (const name of ['lonely', 'replacer', 'twice']) world.addModule(name);
    const { code, stdout } = await world.kmodsort(['sync']);
    if (code !== 0) throw new Error(stdout);
    kept = mkdtempSync(join(tmpdir(), 'kmodsort-kept-'));
    copy(world.root, kept);
    healthy = { world, first, second };
  });
  afterAll(() => rmSync(kept, { recursive: true, force: true }));

  beforeEach(() => {
    const { root } = healthy.world;
    for (const name of readdirSync(root)) rmSync(join(root, name), { recursive: true, force: true });
    copy(kept, root);
  });

  it.each(oddTrees)('says nothing of a world $what', async ({ make, env }) => {
    make(healthy);
    const options = env ? { env: env(healthy) } : {};
    const before = manifest(healthy.world, true);
    const { code, stdout, stderr } = await healthy.world.kmodsort(['doctor'], options);
    expect([code, stdout, stderr]).toEqual([
      0,
      expect.stringMatching(/^doctor: nothing wrong: 3 modules, 2 kernels\n$/),
      '',
    ]);
    expect(manifest(healthy.world, true)).toEqual(before);
  });

  it.each(brokenTrees.filter(({ codes }) => isRoot() || !codes.includes('foreign-owner')))(
    '$codes: $what',
    async ({ codes, breakIt, left = {}, thenLeft = [], after, env }) => {
      breakIt(healthy);
      const options = env ? { env: env(healthy) } : {};
      const run = (...words: readonly string[]) => healthy.world.kmodsort(['doctor', ...words], options);
      const broken = manifest(healthy.world, true);
      const found = await run();
      expect(codesIn(found.stdout)).toEqual(codes);
      expect(found.code).toBe(statusFor(codes));
      expect(toldIn(found.stdout).filter(({ state }) => state !== 'fix')).toEqual([]);
      expect(manifest(healthy.world, true)).toEqual(broken);

      const fixed = await run('--fix');
      const remaining = [...Object.keys(left), ...thenLeft].sort();
      const told = toldIn(fixed.stdout);
      expect(codesIn(fixed.stdout)).toEqual([...codes, ...thenLeft].sort());
      expect([...new Set(told.flatMap(({ code, state }) => (state === 'left' ? [code] : [])))].sort()).toEqual(
        remaining,
      );
      for (const [code, piece] of Object.entries(left)) {
        expect(told).toContainEqual({ code, state: 'left', remedy: expect.stringContaining(piece) });
      }
      expect(fixed.code).toBe(statusFor(remaining));
      after?.(healthy);

      const once = manifest(healthy.world, false);
      const again = await run('--fix');
      expect(codesIn(again.stdout)).toEqual(remaining);
      expect(again.stdout).not.toContain('repaired');
      expect(manifest(healthy.world, false)).toEqual(once);
    },
  );

  it.each([
    'a built directory that is gone, and its files still installed',
    'an object that is gone from both places',
    'an installed file that was changed',
    'an install that was interrupted',
    'a command that is due',
    'a source that was changed since',
  ])('is right that kmodsort sync helps: %s', async (what) => {
    const broken = brokenTrees.find((one) => one.what === what);
    broken?.breakIt(healthy);
    expect((await doctor('--fix')).stdout).toMatch(/kmodsort sync/);
    expect((await healthy.world.kmodsort(['sync'])).code).toBe(0);
    const { code, stdout } = await doctor();
    expect([stdout, code]).toEqual(['doctor: nothing wrong: 3 modules, 2 kernels\n', 0]);
  });

  it.each([
    'an installed file that is gone',
    'a built object that is gone',
    'an entry without a source link, its source in place',
    'a built directory that had made room for another',
    'half an installed file',
  ])('leaves a machine on which verify finds nothing and sync has nothing to do: %s', async (what) => {
    brokenTrees.find((one) => one.what === what)?.breakIt(healthy);
    expect((await doctor('--fix')).code).toBe(0);
    expect((await healthy.world.kmodsort(['verify'])).code).toBe(0);
    const { stdout } = await healthy.world.kmodsort(['plan']);
    expect(stdout).toMatch(/nothing to do/);
    const { stdout: status } = await healthy.world.kmodsort(['status']);
    expect(status.match(/: installed/g)).toHaveLength(6);
  });

  it('repairs many things at once, in whatever order it takes', async () => {
    const many = brokenTrees.filter(({ what }) =>
      [
        'a kernel that is gone',
        'an installed file that is gone',
        'an entry with nothing in it',
        'a record that cannot be read',
        'half a source',
        'a key that others may read',
        'the lock of a run that was killed',
        'a notice of failures where there are none',
      ].includes(what),
    );
    for (const one of many) if (!one.what.includes('record')) one.breakIt(healthy);
    const found = await doctor();
    expect(found.stdout).toMatch(/^doctor: 10 findings, 10 can be repaired: kmodsort doctor --fix$/m);
    const fixed = await doctor('--fix');
    expect(fixed.stdout).toMatch(/^doctor: 10 findings: 10 repaired$/m);
    expect(fixed.code).toBe(0);
    expect((await doctor()).stdout).toBe('doctor: nothing wrong: 3 modules, 1 kernel\n');
  });

  it('gives programs the code, the sentence and what became of it', async () => {
    const [key] = brokenTrees.filter(({ codes }) => codes[0] === 'key-readable');
    key?.breakIt(healthy);
    const path = join(healthy.world.trees.dkmsTree, 'mok.key');
    const entry = { code: 'key-readable', severity: 'error', path, canRepair: true, mode: 0o644 };
    expect(await healthy.world.json(['doctor'])).toMatchObject({
      kind: 'examined',
      fix: false,
      entries: [
        { ...entry, reason: expect.stringContaining('mode 644'), remedy: 'kmodsort doctor --fix makes it 600' },
      ],
    });
    expect(await healthy.world.json(['doctor', '--fix', '--dry-run'])).toMatchObject({ fix: false });
    expect(await healthy.world.json(['doctor', '--fix'])).toMatchObject({
      fix: true,
      entries: [{ ...entry, isRepaired: true, remedy: 'made it 600' }],
    });
  });

  it('does not look at what a run that is at work has half done', async () => {
    const half = join(healthy.world.trees.dkmsTree, 'lonely/.tmp_half');
    const start = readFileSync(`/proc/${process.pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[19];
    mkdirSync(half);
    writeFileSync(join(healthy.world.trees.stateDir, 'lock'), `${process.pid} ${start} kmodsort sync\n`);
    const { stdout, code } = await doctor();
    expect(codesIn(stdout)).toEqual([]);
    expect(stdout).toMatch(/another run is at work/);
    expect(code).toBe(0);
  });

  it('leaves alone what a trial that is at work has half done', async () => {
    const { stateDir } = healthy.world.trees;
    const half = join(stateDir, 'store/lonely/.tmp_half');
    mkdirSync(half);
    mkdirSync(join(stateDir, 'trial', `${process.pid}.abc`), { recursive: true });
    const { stdout, code } = await doctor('--fix');
    expect([codesIn(stdout), code, existsSync(half)]).toEqual([[], 0, true]);
    expect(stdout).toMatch(/another run is at work/);
  });

  it('repairs nothing under a script of a run', async () => {
    const start = readFileSync(`/proc/${process.pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[19];
    writeFileSync(join(healthy.world.trees.stateDir, 'lock'), `${process.pid} ${start} kmodsort sync\n`);
    const env = { KMODSORT_RUN: `${process.pid}:${start}` };
    const { stderr, code } = await healthy.world.kmodsort(['doctor', '--fix'], { env });
    expect(stderr).toMatch(/refused inside a build/);
    expect(code).toBe(1);
  });
});

describe.skipIf(!canMount())('kmodsort doctor on file systems', () => {
  afterEach(unmountAll);

  it('says that one is full', async () => {
    const world = disposableWorld();
    const place = join(world.trees.dkmsTree);
    mountAt(place, 'size=512k');
    const { stdout, code } = await world.kmodsort(['doctor']);
    expect(codesIn(stdout)).toEqual(['disk-full']);
    expect(stdout).toContain(`where ${place} is`);
    expect(code).toBe(1);
  });

  it('says that one is read-only, and that it repairs nothing there', async () => {
    const world = disposableWorld();
    mountAt(world.trees.dkmsTree, 'size=8m,ro');
    const { stdout, code } = await world.kmodsort(['doctor']);
    expect(codesIn(stdout)).toEqual(['read-only']);
    expect(code).toBe(1);
    const fixed = await world.kmodsort(['doctor', '--fix']);
    expect(fixed.stdout).toMatch(/left {2}mount its file system for writing/);
    expect(fixed.code).toBe(1);
  });
});

describe('docs/doctor.md', () => {
  it('has a section for each code, and each is broken here', () => {
    const page = readFileSync(join(repository, 'docs/doctor.md'), 'utf8');
    const sections = [...page.matchAll(/^## ([a-z-]+)$/gm)].map(([, code = '']) => code);
    expect(sections).toEqual(Object.keys(diagnosisSeverities));
    const broken = new Set(brokenTrees.flatMap(({ codes }) => codes));
    expect(sections.filter((code) => !broken.has(code))).toEqual(['disk-full', 'read-only', 'boot-loader-missing']);
  });
});
