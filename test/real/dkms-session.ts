import { chmodSync, lstatSync, mkdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import type { Ended } from '../child.ts';
import type { World } from '../world.ts';

/** Commands of the drop-in on a world, and what they leave. */

/** Write a file, with its directory. */
export const put = (path: string, text: string, mode = 0o644): void => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, mode);
};

const told = (path: string): string => {
  const facts = lstatSync(path);
  return facts.isSymbolicLink() ? `-> ${readlinkSync(path)}` : `${facts.ino} ${facts.size} ${facts.mtimeMs}`;
};

/** Every file of the three trees with what tells it from another; the log of a failed build is no change. */
export const treesOf = (world: World): string[] =>
  [world.trees.dkmsTree, world.trees.sourceTree, world.trees.installTree].flatMap((tree) =>
    world
      .files(tree)
      .map((path) => join(tree, path))
      .filter((path) => !/^[^/]+\/[^/]+\/build\//.test(path.slice(world.trees.dkmsTree.length + 1)))
      .map((path) => `${path.slice(world.root.length)} ${told(path)}`),
  );

/** All that a command said, without the world's own place. */
export const saidBy = (world: World, ended: Ended): string =>
  `${ended.stdout}${ended.stderr}`.replaceAll(world.root, '');

/** A command that fails: its code, the cause among what it says, and trees that are as they were. */
export const refused = async (
  world: World,
  args: readonly string[],
  code: number,
  cause: string | RegExp,
  environment: Readonly<Record<string, string>> = {},
): Promise<Ended> => {
  const before = treesOf(world);
  const ended = await world.dkms(args, { env: environment });
  const said = saidBy(world, ended);
  expect([args.join(' '), ended.code, said]).toEqual([args.join(' '), code, expect.stringMatching(cause)]);
  expect(treesOf(world)).toEqual(before);
  return ended;
};

/** A command that ends well; all that it said. */
export const done = async (
  world: World,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<string> => {
  const ended = await world.dkms(args, { env: environment });
  const said = saidBy(world, ended);
  expect([args.join(' '), ended.code, ended.code === 0 ? '' : said]).toEqual([args.join(' '), 0, '']);
  return said;
};

/** The lines of `dkms status`. */
export const statusLines = async (world: World, args: readonly string[] = []): Promise<string[]> => {
  const { code, stdout } = await world.dkms(['status', ...args]);
  expect(code).toBe(0);
  return stdout.split('\n').filter(Boolean);
};
