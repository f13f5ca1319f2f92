import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { repository } from '../kernels.ts';
import type { World } from '../world.ts';
import { disposableWorld } from './disposable.ts';
import { identities } from './installed.ts';

/** An upgrade of ours builds nothing: what a version before 0.2 remembered is taken over. */

/** The last commit whose records know no Key. */
const earlier = '62e8360';

const provision = inject('provision');
const kernels = provision.kind === 'ready' ? provision.kernels : [];
const own = join(repository, 'dist/kmodsort.mjs');
const isThere = spawnSync('git', ['-C', repository, 'cat-file', '-e', `${earlier}^{commit}`]).status === 0;

const sh = (script: string, directory: string): void => {
  const { status, stderr } = spawnSync('sh', ['-ec', script], { cwd: directory, encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(status).toBe(0);
};

/** That version's program, built from its own sources. */
const programIn = (directory: string): string => {
  mkdirSync(directory, { recursive: true });
  sh(`git -C '${repository}' archive ${earlier} | tar -x`, directory);
  symlinkSync(join(repository, 'node_modules'), join(directory, 'node_modules'));
  sh('node packaging/bundle.mjs', directory);
  return join(directory, 'dist/kmodsort.mjs');
};

const recordsOf = (world: World): string[] =>
  readdirSync(join(world.trees.stateDir, 'record'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.json'))
    .map((name) => readFileSync(join(world.trees.stateDir, 'record', name), 'utf8'));

const built = (text: string): unknown => {
  const record: unknown = JSON.parse(text);
  return record instanceof Object && 'build' in record ? record.build : undefined;
};

describe.skipIf(kernels.length === 0 || !isThere)('what a version before 0.2 has built', () => {
  const releases = kernels.map((kernel) => kernel.release);
  let world: World;
  let program = '';
  let before: unknown[] = [];
  const look = (): unknown[] => releases.map((release) => identities(world, release));

  const hookBy = async (file: string): Promise<string> => {
    const stdin = releases.map((release) => `usr/lib/modules/${release}/vmlinuz\n`).join('');
    const { stdout, stderr } = await world.otherBuild(file, ['hook', 'run', 'pacman', 'install'], { stdin });
    return stdout + stderr;
  };

  beforeAll(async () => {
    world = disposableWorld({ kernels, distribution: 'arch' });
    for (const name of ['zeta-core', 'mid-link', 'lonely', 'broken']) world.addModule(name);
    program = programIn(join(world.root, 'earlier'));
    await hookBy(program);
    before = look();
  });

  it('is not built again, and its failures are not tried again', async () => {
    for (const text of recordsOf(world)) expect(text).toContain('"version": 1');
    const output = await hookBy(own);
    expect(output).not.toContain('building');
    expect(output).toMatch(/FAILED +broken\/1\.0 .*in an earlier run/);
    expect(look()).toEqual(before);
  });

  it('has a Key from then on, and what the next hook does depends on that alone', async () => {
    const known = recordsOf(world).map(built).filter(Boolean);
    expect(known).toHaveLength(3 * releases.length);
    for (const build of known) expect(build).toMatchObject({ parts: { format: 1 } });
    expect(await hookBy(own)).not.toContain('building');
    const source = join(world.trees.sourceTree, 'lonely-1.0/lonely.c');
    writeFileSync(source, readFileSync(source));
    expect(await hookBy(own)).not.toContain('building');
    writeFileSync(source, `${readFileSync(source, 'utf8')}\n/* changed */\n`);
    expect(await hookBy(own)).toContain('lonely/1.0');
  });

  it('and is then built by it, is taken by that version as what dkms has built', async () => {
    const after = look();
    expect(existsSync(program)).toBe(true);
    expect(await hookBy(program)).not.toMatch(/building .*lonely/);
    expect(look()).toEqual(after);
  });
});
