import { appendFileSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import type { World } from '../world.ts';
import { disposableWorld } from './disposable.ts';
import { done, statusLines } from './dkms-session.ts';
import { generate } from './generated-source.ts';
import { installedFile } from './installed.ts';

/** An upgrade as pacman and rpm go about it: the machine is never without a module that it had. */

const provision = inject('provision');
const kernels = provision.kind === 'ready' ? provision.kernels.slice(0, 1) : [];
const [release = ''] = kernels.map((kernel) => kernel.release);

const confPath = (source: string): string => `usr/src/${source}/dkms.conf`;
const sourceOf = (world: World, source: string): string => join(world.trees.sourceTree, source);
const newWorld = (): World => disposableWorld({ kernels, distribution: 'arch' });

const come = (world: World, name: string, version: string, broken = false): void => {
  const { directory } = generate(world, name, { version, unregistered: true });
  if (broken) appendFileSync(join(directory, `${name}.c`), '#error "does not compile"\n');
};

const go = (world: World, source: string): void => rmSync(sourceOf(world, source), { recursive: true });

/** pacman: what it says before it changes files, the files, and what it says after that. */
const pacmanUpgrade = async (
  world: World,
  gone: readonly string[],
  bring: () => readonly string[],
): Promise<string> => {
  // Its hooks look at file lists: nothing has come yet.
  const coming = bring();
  const paths = [...gone, ...coming].map(confPath);
  for (const source of coming) go(world, source);
  const before = await world.hook(['pacman', 'remove'], paths);
  for (const source of gone) go(world, source);
  bring();
  const after = await world.hook(['pacman', 'install'], paths);
  return `${before.stdout}${after.stdout}`;
};

const bringing =
  (world: World, name: string, version: string, broken = false) =>
  (): readonly string[] => {
    come(world, name, version, broken);
    return [`${name}-${version}`];
  };

describe.skipIf(kernels.length === 0)('an upgrade by pacman', () => {
  it('leaves the old version installed where the new one does not compile, until one does', async () => {
    const world = newWorld();
    generate(world, 'tool');
    await world.hook(['pacman', 'install']);
    const before = readFileSync(installedFile(world, release, 'tool'));
    const said = await pacmanUpgrade(world, ['tool-1.0'], bringing(world, 'tool', '2.0', true));
    expect(said).toMatch(/FAILED +tool\/2\.0/);
    expect(said).toContain('fallback: tool/1.0 is still installed and will load');
    expect(readFileSync(installedFile(world, release, 'tool')).equals(before)).toBe(true);
    await pacmanUpgrade(world, ['tool-2.0'], bringing(world, 'tool', '3.0'));
    expect(await statusLines(world)).toEqual([`tool/3.0, ${release}, x86_64: installed`]);
  });

  it('takes the old version away when the new one is installed', async () => {
    const world = newWorld();
    generate(world, 'tool');
    await world.hook(['pacman', 'install']);
    const said = await pacmanUpgrade(world, ['tool-1.0'], bringing(world, 'tool', '2.0'));
    expect(said.match(/kept until/g)).toHaveLength(1);
    expect(await statusLines(world)).toEqual([`tool/2.0, ${release}, x86_64: installed`]);
  });

  it('takes a module for no other version of one whose name it merely begins with', async () => {
    const world = newWorld();
    generate(world, 'tool');
    await world.hook(['pacman', 'install']);
    await pacmanUpgrade(world, ['tool-1.0'], bringing(world, 'tool-kit', '2.0'));
    expect(await statusLines(world)).toEqual([`tool-kit/2.0, ${release}, x86_64: installed`]);
    expect(world.installedObjects(release)).toEqual(['tool_kit']);
  });

  it('that is a removal and nothing else removes at once, while the source is there', async () => {
    const world = newWorld();
    generate(world, 'tool');
    await world.hook(['pacman', 'install']);
    await world.hook(['pacman', 'remove'], [confPath('tool-1.0')]);
    expect(world.installedObjects(release)).toEqual([]);
  });
});

describe.skipIf(kernels.length === 0)('an upgrade by rpm', () => {
  const scriptlet = (world: World, verb: string, version: string): Promise<unknown> =>
    world.dkms([verb, '-m', 'tool', '-v', version, '--rpm_safe_upgrade', ...(verb === 'remove' ? ['--all'] : [])]);
  const post = async (world: World, version: string): Promise<void> => {
    await scriptlet(world, 'add', version);
    await world.dkms(['install', '-m', 'tool', '-v', version, '-k', release]);
  };

  it('leaves the old version installed where the new one does not compile', async () => {
    const world = newWorld();
    generate(world, 'tool');
    await done(world, ['install', 'tool/1.0', '-k', release]);
    const before = readFileSync(installedFile(world, release, 'tool'));
    come(world, 'tool', '2.0', true);
    await post(world, '2.0');
    await scriptlet(world, 'remove', '1.0');
    go(world, 'tool-1.0');
    await world.hook(['rpm', 'files-in'], [confPath('tool-2.0')]);
    await world.hook(['rpm', 'files-out'], [confPath('tool-1.0')]);
    expect(readFileSync(installedFile(world, release, 'tool')).equals(before)).toBe(true);
  });

  it('takes the old version away when the new one is installed', async () => {
    const world = newWorld();
    generate(world, 'tool');
    await done(world, ['install', 'tool/1.0', '-k', release]);
    come(world, 'tool', '2.0');
    await post(world, '2.0');
    await scriptlet(world, 'remove', '1.0');
    go(world, 'tool-1.0');
    await world.hook(['rpm', 'files-out'], [confPath('tool-1.0')]);
    expect(await statusLines(world)).toEqual([`tool/2.0, ${release}, x86_64: installed`]);
  });

  it('that is a removal and nothing else removes at once', async () => {
    const world = newWorld();
    generate(world, 'tool');
    await done(world, ['install', 'tool/1.0', '-k', release]);
    await scriptlet(world, 'remove', '1.0');
    expect(world.installedObjects(release)).toEqual([]);
  });
});
