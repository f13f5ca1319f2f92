import { afterAll } from 'vitest';
import { makeWorld, type World, type WorldOptions } from '../world.ts';

const worlds: World[] = [];

afterAll(() => {
  for (const world of worlds) world.dispose();
});

/** A world that is gone when the tests of the file that asked for it have ended. */
export const disposableWorld = (options: WorldOptions = {}): World => {
  const world = makeWorld(options);
  worlds.push(world);
  return world;
};
