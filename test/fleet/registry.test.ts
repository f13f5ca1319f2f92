import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { disorder } from '../real/installed.ts';
import { expectRefused, expectTaken, expectUseless } from './asking.ts';
import { type Fleet, kmodsort, openFleet, push } from './fleet.ts';
import { type FaultyProxy, type Rule, startProxy } from './proxy.ts';
import { startRegistryOn } from './registry-server.ts';
import { isSlice, thorough } from './slice.ts';

/**
 * A registry that is away, slow or broken: every machine has its modules all the same where it may build them, and says
 * that it has not where it may not.
 */

const provision = inject('fleet');
const kernels = 'missing' in provision ? [] : provision.kernels.slice(0, 1);

describe.each(kernels)('a registry that is not well ($release)', (kernel) => {
  let fleet: Fleet;
  let proxy: FaultyProxy;
  beforeAll(async () => {
    const opened = await openFleet(kernel);
    ({ fleet } = opened);
    await push(opened.builder);
    proxy = await startProxy(fleet.registryNode.address);
  });
  afterAll(() => proxy.stop());

  it('is taken from where it is well', () => expectTaken(fleet));

  const manifest = /^GET \/v2\/kmods\/low\/manifests\//;
  const blob = /^GET \/v2\/kmods\/low\/blobs\//;

  it.each<[string, Rule, RegExp]>([
    ['answers 500 to all', { on: /./, fault: { status: 500 } }, /500|internal server error/i],
    ...thorough<[string, Rule, RegExp]>(
      ['answers 503 for blobs', { on: blob, fault: { status: 503 } }, /503|service unavailable/i],
      ['cuts a manifest in the middle', { on: manifest, fault: { cutAfter: 1000 } }, /unexpected EOF/],
      ['cuts a blob at its first byte', { on: blob, fault: { cutAfter: 0 } }, /EOF/],
    ),
    ['cuts a blob in the middle', { on: blob, fault: { cutAfter: 700 } }, /unexpected EOF/],
    ['changes a byte of a blob', { on: blob, fault: { wrongByte: 400 } }, /digest|gzip|checksum|corrupt/i],
    ...thorough<[string, Rule, RegExp]>(
      ['takes too long', { on: manifest, fault: { bytesPerSecond: 100 } }, /timed out after 20 s/],
      ['stops in the middle of a manifest', { on: manifest, fault: { stopsAfter: 1000 } }, /timed out after 20 s/],
    ),
  ])('that %s', async (_what, rule, why) => {
    proxy.rules = [rule];
    await expectUseless(fleet, why, { way: 'hub' });
  });

  it('that changes a byte of what was signed', async () => {
    proxy.rules = [{ on: manifest, fault: { wrongByte: 900 } }];
    await expectRefused(fleet, /bad signature/, { way: 'hub' });
  });

  it.skipIf(isSlice)('that is slow has what is wanted all the same', async () => {
    proxy.rules = [{ on: /./, fault: { bytesPerSecond: 1500 } }];
    await expectTaken(fleet, { way: 'hub' });
  });

  it('that was not well is asked again by the next run', async () => {
    proxy.rules = [{ on: blob, fault: { cutAfter: 700 } }];
    const node = await fleet.machine('again', { way: 'hub', policy: 'only' });
    expect((await kmodsort(node, 'sync')).code).toBe(1);
    proxy.rules = [];
    const { code, said } = await kmodsort(node, 'sync');
    expect([code, said]).toEqual([0, expect.stringContaining('prebuilt by builder@example.org')]);
    expect(disorder(fleet.world(node))).toEqual([]);
    await node.stop();
  });

  it.skipIf(isSlice)('that is not plugged in', async () => {
    fleet.network.unplug(fleet.registryNode);
    try {
      await expectUseless(fleet, /no route to host|i\/o timeout|timed out after 20 s/);
    } finally {
      fleet.network.unplug(fleet.registryNode, false);
    }
  });

  it('that does not run, and runs again', async () => {
    await fleet.registry.stop();
    await expectUseless(fleet, /connection refused/);
    fleet.registry = await startRegistryOn(fleet.registryNode);
    await expectTaken(fleet);
  });
});
