import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { makeWorld, type World } from '../world.ts';

/** A build that fails while an earlier one is installed: the earlier one stays, and the report says whether it will load. */

const provision = inject('provision');
const kernels = provision.kind === 'ready' ? provision.kernels.slice(0, 1) : [];
const release = kernels[0]?.release ?? '';
const hook = ['pacman', 'install'];

describe.skipIf(provision.kind === 'missing')('an earlier build', () => {
  let world: World;
  const spoil = (path: string): void => {
    const file = join(world.trees.sourceTree, path);
    writeFileSync(file, `${readFileSync(file, 'utf8')}\n#error "this one is broken"\n`);
  };

  beforeEach(async () => {
    world = makeWorld({ kernels });
    for (const fixture of ['zeta-core', 'mid-link', 'lonely']) world.addModule(fixture);
    world.configure('required_modules="lonely mid-link"\n');
    expect((await world.hook(hook)).code).toBe(0);
  });

  afterEach(() => world.dispose());

  it('that will load is named, and no reason not to reboot', async () => {
    spoil('lonely-1.0/lonely.c');
    const ended = await world.hook(hook);
    expect(ended.code).toBe(1);
    expect(ended.stdout).toMatch(/FAILED +lonely\/1\.0/);
    expect(ended.stdout).toContain('fallback: an earlier build of lonely/1.0 is still installed and will load');
    expect(ended.stdout).not.toContain('modules are missing');
    const login = readFileSync(join(world.trees.stateDir, 'notice'), 'utf8');
    expect(login).toMatch(/^kmodsort: kernel modules could not be rebuilt:\n {2}lonely\/1\.0 on /);
    expect(world.installedObjects(release)).toEqual(['lonely', 'mid_link', 'zeta_core']);
  });

  it('that nobody can check is missing: without headers there is nothing to check it against', async () => {
    spoil('lonely-1.0/lonely.c');
    rmSync(join(world.trees.installTree, release, 'build'));
    const ended = await world.hook(hook);
    expect(ended.stdout).toMatch(/FAILED +lonely\/1\.0/);
    expect(ended.stdout).not.toContain('will load');
    expect(ended.stdout).toContain(`do not reboot into ${release}: required modules are missing: lonely`);
    expect((await world.kmodsort(['verify', '-k', release])).stdout).toBe(
      `${release}: cannot verify 3 objects without the kernel headers; the release is right\n`,
    );
  });

  it('that will not load is missing', async () => {
    for (const file of ['zeta_core.c', 'zeta.h']) {
      const path = join(world.trees.sourceTree, 'zeta-core-1.0', file);
      writeFileSync(path, readFileSync(path, 'utf8').replace('zeta_count(void)', 'zeta_count(long unused)'));
    }
    spoil('mid-link-1.0/module/mid_link.c');
    const ended = await world.hook(hook);
    expect(ended.stdout).toMatch(/installed +zeta-core\/1\.0/);
    expect(ended.stdout).not.toContain('stays');
    expect(ended.stdout).toContain(`do not reboot into ${release}: required modules are missing: mid-link`);
    const login = readFileSync(join(world.trees.stateDir, 'notice'), 'utf8');
    expect(login).toMatch(/^kmodsort: kernel modules are missing:\n {2}mid-link\/1\.0 on /);
  });
});
