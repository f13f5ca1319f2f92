import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Ended } from '../child.ts';
import type { TestKernel } from '../kernels.ts';
import { run } from '../packages.ts';
import { makeWorld, type World } from '../world.ts';
import { installedFile } from './installed.ts';
import { withoutVersions } from './without-versions.ts';

/**
 * Objects that DEST_MODULE_NAME renames name each other as they were called when they were built. What shows that one
 * was built with another's symbols is the CRC that it has of them.
 */

const provision = inject('provision');
const kernel: TestKernel = (provision.kind === 'ready' && provision.kernels[0]) || {
  release: '',
  headers: '',
  inTree: '',
};
const { release } = kernel;
const fixtures = ['unbound', 'on-renamed', 'renamed'];
const hook = ['pacman', 'install'];
const unboundProblem =
  'no symbol version for gear_turn: it was built without the symbols of renamed-current-gear, name renamed in BUILD_DEPENDS';

const field = (world: World, object: string, name: string): string =>
  run('modinfo', ['-F', name, installedFile(world, release, object)]).trim();

describe.skipIf(provision.kind === 'missing')('renamed objects', () => {
  let world: World;
  let ended: Ended;

  beforeAll(async () => {
    world = makeWorld({ kernels: [kernel] });
    for (const fixture of fixtures) world.addModule(fixture);
    ended = await world.hook(hook);
  });

  afterAll(() => world?.dispose());

  it('name each other as they were called before', () => {
    expect(field(world, 'renamed-current-drive', 'depends').split(',').sort()).toEqual(['base', 'gear']);
    expect(field(world, 'on_renamed', 'depends')).toBe('gear');
    expect(field(world, 'unbound', 'depends')).toBe('');
  });

  it('are no failure, nor is what was built on them', () => {
    expect(ended.stdout).toContain('summary: 3 modules on 1 kernel: 2 installed, 1 FAILED');
    expect(ended.stdout).toMatch(/^ {2}installed +renamed\/1\.0 /m);
    expect(ended.stdout).toMatch(/^ {2}installed +on-renamed\/1\.0 /m);
  });

  it('do not hide what was built without their symbols', async () => {
    expect(ended.stdout).toMatch(/^ {2}FAILED +unbound\/1\.0 .*it will not load/m);
    expect(ended.stdout).toContain(`${unboundProblem}\n`);
    const verified = await world.kmodsort(['verify', '-k', release]);
    expect(verified.code).toBe(1);
    expect(verified.stdout).toContain(`${release}: 1 of 5 objects will NOT load\n`);
    expect(verified.stdout).toMatch(/^ {2}unbound\/1\.0 .*\/unbound\.ko\S*: no symbol version for gear_turn: /m);
  });

  it('stay failed since the run that found it, and the next one writes nothing', async () => {
    const path = join(world.trees.stateDir, 'record/unbound/1.0', `${release}@x86_64.json`);
    const before = [readFileSync(path, 'utf8'), statSync(path).mtimeMs];
    const again = await world.hook(hook);
    expect(again.stdout).toMatch(/^ {2}FAILED +unbound\/1\.0 .*it will not load/m);
    expect([readFileSync(path, 'utf8'), statSync(path).mtimeMs]).toEqual(before);
  });

  it('block nothing in the next run', async () => {
    const again = await world.kmodsort(['plan']);
    for (const name of ['renamed', 'on-renamed']) {
      expect(again.stdout).toMatch(new RegExp(`^ +${name}/1\\.0 .* unchanged$`, 'm'));
    }
  });
});

describe.skipIf(provision.kind === 'missing')('a kernel without MODVERSIONS', () => {
  let world: World;
  let headers = '';

  beforeAll(() => {
    headers = mkdtempSync(join(tmpdir(), 'kmodsort-headers-'));
    world = makeWorld({ kernels: [withoutVersions(kernel, headers)] });
  });

  afterAll(() => {
    world?.dispose();
    rmSync(headers, { recursive: true, force: true });
  });

  it('asks for no CRCs: what was built without the symbols of others loads too', async () => {
    for (const fixture of fixtures) world.addModule(fixture);
    const ended = await world.hook(hook);
    expect(field(world, 'unbound', 'vermagic')).not.toContain('modversions');
    expect(ended.stdout).toContain('summary: 3 modules on 1 kernel: 3 installed');
    const verified = await world.kmodsort(['verify', '-k', release]);
    expect(verified).toMatchObject({ code: 0, stdout: `${release}: 5 objects will load\n` });
  });
});
