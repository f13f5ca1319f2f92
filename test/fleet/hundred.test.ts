import { describe, expect, inject, it } from 'vitest';
import { disorder } from '../real/installed.ts';
import { kmodsort, names, openFleet, push } from './fleet.ts';
import type { FleetNode } from './node.ts';
import { isSlice } from './slice.ts';
import { strangeAfterInstall, writtenBy } from './written.ts';

/** Very many machines ask one registry at the same moment. */

const provision = inject('fleet');
const kernels = 'missing' in provision ? [] : provision.kernels.slice(0, 1);
const many = isSlice ? 12 : 100;

const taken = new RegExp(
  names
    .map((name) => `installed {2}${name}/1\\.0 .* prebuilt by builder@[^]*`)
    .toReversed()
    .join(''),
);

describe.each(kernels)('many machines at once ($release)', (kernel) => {
  it(`have their modules, or say that they have not: ${many}`, { timeout: 900_000 }, async () => {
    const { fleet, builder } = await openFleet(kernel);
    await push(builder);
    const machines: FleetNode[] = [];
    for (let number = 1; number <= many; number += 1)
      machines.push(await fleet.machine(`many${number}`, { policy: 'only' }));
    const before = new Map(machines.map((machine) => [machine, writtenBy(machine)]));
    const start = performance.now();
    const ends = await Promise.all(
      machines.map(async (machine) => ({ machine, ...(await kmodsort(machine, 'sync')) })),
    );
    const late = ends.filter(({ code }) => code !== 0);
    const seconds = Math.round((performance.now() - start) / 1000);
    process.stderr.write(`${many} machines at once, ${seconds} s: ${late.length} could not wait for the registry\n`);
    for (const { machine, code, said } of ends) {
      const isFine = code === 0;
      expect(fleet.installed(machine)).toEqual(isFine ? names : said.includes('installed  low') ? ['low'] : []);
      expect(said).toMatch(isFine ? taken : /FAILED {5}\w+\/1\.0 +\S+ +cannot use the registry: \S+\n +\S.*timed out/);
      if (!isFine) continue;
      expect(strangeAfterInstall(before.get(machine) ?? new Map(), machine)).toEqual([]);
      expect(disorder(fleet.world(machine))).toEqual([]);
    }
    // Whoever was late tries again, as hooks do.
    for (const { machine } of late) {
      expect((await kmodsort(machine, 'sync')).said).toMatch(taken);
      expect(disorder(fleet.world(machine))).toEqual([]);
    }
  });
});
