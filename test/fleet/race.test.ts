import { describe, expect, inject, it } from 'vitest';
import { expectTaken } from './asking.ts';
import { builderKey, configure, kmodsort, openFleet } from './fleet.ts';
import { isSlice } from './slice.ts';

/** Two builders push one Key at the same moment: both end well, and what is there is whole. */

const provision = inject('fleet');
const kernels = 'missing' in provision ? [] : provision.kernels.slice(0, 1);
const rounds = isSlice ? 2 : 4;

describe.each(kernels)('two builders of one Key ($release)', (kernel) => {
  it('end well, and so do the machines that ask meanwhile', async () => {
    const { fleet, builder: first } = await openFleet(kernel);
    const builders = [first, await fleet.addBuilder('second')];
    for (let round = 0; round < rounds; round += 1) {
      // A repository that nobody has pushed to, every other time.
      const more = `push_key="${builderKey}"`;
      const repository = `kmods${Math.floor(round / 2)}`;
      for (const builder of builders) configure(builder, { repository, more });
      const pushed = builders.map((builder) => kmodsort(builder, 'push'));
      // From the second round on there is something, which is another's the next moment.
      if (round % 2 === 1) await expectTaken(fleet, { repository });
      const ends = await Promise.all(pushed);
      expect(ends.map(({ code }) => code)).toEqual([0, 0]);
      // What is there is one builder's; the other one's is pushed over it.
      expect(ends.map(({ said }) => said).join('')).toMatch(/ 2 pushed| 1 pushed, 1 already there/);
      await expectTaken(fleet, { repository });
    }
  });
});
