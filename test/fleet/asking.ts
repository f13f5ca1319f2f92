import { expect } from 'vitest';
import { disorder } from '../real/installed.ts';
import { type Fleet, kmodsort, names, type Settings } from './fleet.ts';
import type { FleetNode } from './node.ts';
import { strangeAfterFailure, strangeAfterInstall, writtenBy } from './written.ts';

/** What machines say that ask for prebuilt builds, and that nothing else of them has changed. */

/** Changes a machine before it asks. */
type Edit = (node: FleetNode) => unknown;

const numbers = new Map<Fleet, number>();

const nextName = (fleet: Fleet): string => {
  const number = (numbers.get(fleet) ?? 0) + 1;
  numbers.set(fleet, number);
  return `node${number}`;
};

/** A new machine with both modules asks: all that it said. It has both in the end, or neither. */
const ask = async (fleet: Fleet, settings: Settings, edit: Edit = () => undefined): Promise<string> => {
  const node = await fleet.machine(nextName(fleet), settings);
  await edit(node);
  const before = writtenBy(node);
  const { code, said } = await kmodsort(node, 'sync');
  const isFine = code === 0;
  expect([code, fleet.installed(node), said.includes('2 installed')]).toEqual([
    ...(isFine ? [0, names, true] : [1, [], false]),
  ]);
  expect((isFine ? strangeAfterInstall : strangeAfterFailure)(before, node)).toEqual([]);
  expect(disorder(fleet.world(node))).toEqual([]);
  await node.stop();
  return said;
};

/** One that may build and one that may not, at once. */
const askBoth = (fleet: Fleet, settings: Settings, edit?: Edit): Promise<[prefer: string, only: string]> =>
  Promise.all([ask(fleet, { ...settings, policy: 'prefer' }, edit), ask(fleet, { ...settings, policy: 'only' }, edit)]);

const takenOf = (name: string, builder: string): RegExp =>
  new RegExp(` {2}installed {2}${name}/1\\.0 +\\S+ +prebuilt by ${builder}@example\\.org`);

/** Both take what a builder has made, and nobody warns. */
export const expectTaken = async (fleet: Fleet, settings: Settings = {}, builder = '\\w+'): Promise<void> => {
  for (const said of await askBoth(fleet, settings)) {
    for (const name of names) expect(said).toMatch(takenOf(name, builder));
    expect(said).not.toContain('warning');
  }
};

/** The registry is of no use: both say so once, and why; one builds, the other has failed. */
export const expectUseless = async (fleet: Fleet, why: RegExp, settings: Settings = {}, edit?: Edit): Promise<void> => {
  const [prefer, only] = await askBoth(fleet, settings, edit);
  expect(prefer).toMatch(why);
  expect(prefer.match(/warning: no prebuilt builds, building here: /g)?.length).toBe(1);
  expect(prefer).not.toContain('prebuilt by');
  expect(only).toMatch(why);
  expect(only).toMatch(/ {2}FAILED {5}low\/1\.0 +\S+ +cannot use the registry: /);
  expect(only).toMatch(/ {2}blocked {4}high\/1\.0 /);
};

/** The build of low is refused: both say so, and why; one builds it, and takes high, the other has failed. */
export const expectRefused = async (fleet: Fleet, why: RegExp, settings: Settings = {}, edit?: Edit): Promise<void> => {
  const [prefer, only] = await askBoth(fleet, settings, edit);
  expect(prefer).toMatch(/warning: low\/1\.0, \S+: prebuilt build refused, building here: /);
  expect(prefer).toMatch(why);
  expect(only).toMatch(/ {2}FAILED {5}low\/1\.0 +\S+ +the prebuilt build is refused: /);
  expect(only).toMatch(why);
  expect(only).toMatch(/ {2}blocked {4}high\/1\.0 /);
};
