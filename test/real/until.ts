import { setTimeout } from 'node:timers/promises';

/** Wait until something is so; throws after half a minute. */
export const until = async (isSo: () => boolean): Promise<void> => {
  const deadline = Date.now() + 30_000;
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error('it did not come to that in 30 s');
    await setTimeout(10);
  }
};
