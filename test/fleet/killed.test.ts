import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { disorder } from '../real/installed.ts';
import { expectTaken } from './asking.ts';
import { builderKey, configure, type Fleet, kmodsort, names, openFleet, push } from './fleet.ts';
import type { FleetNode } from './node.ts';
import { type FaultyProxy, type Rule, startProxy } from './proxy.ts';
import { thorough } from './slice.ts';
import { strangeAfterInstall, writtenBy } from './written.ts';

/** A run that is killed while something comes or goes leaves nothing half, and the next one ends well. */

const provision = inject('fleet');
const kernels = 'missing' in provision ? [] : provision.kernels.slice(0, 1);

/** Never comes to its end, from that request on. */
const halting = (on: RegExp): Rule => ({ on, fault: { stopsAfter: 300 } });

const moments: readonly [string, RegExp][] = [
  ['the first manifest', /^GET \/v2\/kmods\/low\/manifests\//],
  ['the first blob', /^GET \/v2\/kmods\/low\/blobs\//],
  ...thorough<[string, RegExp]>(
    ['the second manifest', /^GET \/v2\/kmods\/high\/manifests\//],
    ['the second blob', /^GET \/v2\/kmods\/high\/blobs\//],
  ),
];

describe.each(kernels)('a machine that is killed ($release)', (kernel) => {
  let fleet: Fleet;
  let builder: FleetNode;
  let proxy: FaultyProxy;
  let count = 0;
  beforeAll(async () => {
    ({ fleet, builder } = await openFleet(kernel));
    await push(builder);
    proxy = await startProxy(fleet.registryNode.address);
  });
  beforeEach(() => {
    proxy.rules = [];
    proxy.asked.length = 0;
    count += 1;
  });
  afterAll(() => proxy.stop());

  const untilAsked = async (on: RegExp): Promise<void> => {
    await expect.poll(() => proxy.asked.some((asked) => on.test(asked)), { timeout: 60_000 }).toBe(true);
    // What is to come before it stops comes.
    await sleep(200);
  };

  /** The next run has all, and nothing is left of the one that was killed: neither files nor processes. */
  const expectWell = async (node: FleetNode, before: ReturnType<typeof writtenBy>): Promise<void> => {
    proxy.rules = [];
    const { code, said } = await kmodsort(node, 'sync');
    expect([code, fleet.installed(node)]).toEqual([0, names]);
    expect(said).toContain('prebuilt by builder@example.org');
    expect(strangeAfterInstall(before, node)).toEqual([]);
    expect(disorder(fleet.world(node))).toEqual([]);
    expect((await kmodsort(node, 'verify')).code).toBe(0);
    await expect.poll(() => node.processes(), { timeout: 5_000 }).toEqual([]);
    await node.stop();
  };

  it.each(moments)('by kill -9 in the middle of %s', async (_what, on) => {
    proxy.rules = [halting(on)];
    const node = await fleet.machine(`killed${count}`, { way: 'hub', policy: 'only' });
    const before = writtenBy(node);
    const { child, ended } = node.kmodsortStart(['sync']);
    await untilAsked(on);
    child.kill('SIGKILL');
    expect((await ended).signal).toBe('SIGKILL');
    await expectWell(node, before);
  });

  it.each(moments)('by its switch in the middle of %s', async (_what, on) => {
    proxy.rules = [halting(on)];
    const node = await fleet.machine(`off${count}`, { way: 'hub', policy: 'only' });
    const before = writtenBy(node);
    const { ended } = node.kmodsortStart(['sync']);
    await untilAsked(on);
    await node.stop();
    await ended;
    await expectWell(await fleet.network.again(node), before);
  });

  it.each<[string, RegExp]>([
    ['the first blob', /^(PATCH|PUT) \/v2\/killed\d*\/low\/blobs\/uploads\//],
    ...thorough<[string, RegExp]>(['the manifest', /^PUT \/v2\/killed\d*\/low\/manifests\//]),
  ])('by kill -9 in the middle of pushing %s', async (_what, on) => {
    const repository = `killed${count}`;
    const more = `push_key="${builderKey}"`;
    configure(builder, { way: 'hub', repository, more });
    proxy.rules = [{ on, fault: 'no-answer' }];
    const { child, ended } = builder.kmodsortStart(['push']);
    await untilAsked(on);
    child.kill('SIGKILL');
    await ended;
    configure(builder, { repository, more });
    expect(await push(builder)).toMatch(/ 2 pushed| 1 pushed, 1 already there/);
    await expectTaken(fleet, { repository });
  });
});
