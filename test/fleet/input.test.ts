import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { expectRefused, expectTaken, expectUseless } from './asking.ts';
import { builderKey, configure, type Fleet, openFleet, push } from './fleet.ts';
import { Images, keysIn } from './images.ts';
import type { FleetNode } from './node.ts';
import { type FaultyProxy, startProxy } from './proxy.ts';
import { isSlice } from './slice.ts';

/**
 * What is too much or makes no sense. Names that are none, refused credentials, Statements of another version and a list of
 * builders that others may write are in test/real/prebuilt.test.ts.
 */

const provision = inject('fleet');
const kernels = 'missing' in provision ? [] : provision.kernels.slice(0, 1);

describe.each(kernels)('a registry with too much in it ($release)', (kernel) => {
  let fleet: Fleet;
  let builder: FleetNode;
  let images: Images;
  let proxy: FaultyProxy;
  let keys: ReturnType<typeof keysIn>;
  beforeAll(async () => {
    ({ fleet, builder } = await openFleet(kernel));
    images = new Images(fleet);
    keys = keysIn(await push(builder));
    proxy = await startProxy(fleet.registryNode.address);
  });
  beforeEach(() => {
    proxy.rules = [];
    proxy.asked.length = 0;
  });
  afterAll(() => proxy.stop());

  it('has an Artifact of 5 GB, of which nobody fetches a byte', async () => {
    const signed = (await images.text('low', keys.low)) ?? '';
    await images.resign('low', keys.low, builder, builderKey, (text) =>
      text.replace(/"size": \d+/, '"size": 5000000000'),
    );
    await expectRefused(fleet, /too large: sha256:\S+ has 4769 MiB, at most 1024 MiB are taken/, { way: 'hub' });
    expect(proxy.asked.filter((asked) => asked.includes('/low/blobs/'))).toEqual([]);
    await images.put('low', keys.low, signed);
  });

  it('sends a manifest without end', async () => {
    proxy.rules = [{ on: /^GET \/v2\/kmods\/low\/manifests\//, fault: 'endless' }];
    await expectUseless(fleet, /exceeded maximum allowed size|too large/, { way: 'hub' });
  });

  it('sends a blob without end', async () => {
    proxy.rules = [{ on: /^GET \/v2\/kmods\/low\/blobs\//, fault: 'endless' }];
    await expectRefused(fleet, /too large: docker:\/\/hub:5000\/kmods\/low@sha256:/, { way: 'hub' });
  });

  it('sends the page of a hotel’s network in the place of everything', async () => {
    proxy.rules = [{ on: /./, fault: { page: '<html><title>Welcome</title></html>' } }];
    await expectRefused(fleet, /it is not signed/, { way: 'hub' });
  });

  it('has a hundred thousand tags, which nobody lists', async () => {
    const tags = join(fleet.registry.storage, 'docker/registry/v2/repositories/kmods/low/_manifests/tags');
    const [link = ''] = [fleet.registryNode.read(join(tags, keys.low, 'current/link'))];
    for (let number = 0; number < (isSlice ? 10_000 : 100_000); number += 1) {
      const place = join(fleet.registryNode.path(tags), `tag-${number}`, 'current');
      mkdirSync(place, { recursive: true });
      writeFileSync(join(place, 'link'), link);
    }
    const start = performance.now();
    await expectTaken(fleet, { way: 'hub' });
    configure(builder, { way: 'hub', more: `push_key="${builderKey}"` });
    expect(await push(builder)).toContain('2 already there');
    expect(performance.now() - start).toBeLessThan(20_000);
    const known =
      /^(GET|HEAD) \/v2\/(kmods\/(low|high)\/(manifests\/(sha256:)?[0-9a-f]{64}|blobs\/sha256:[0-9a-f]{64}))?$/;
    expect(proxy.asked.length).toBeGreaterThan(8);
    expect(proxy.asked.filter((asked) => !known.test(asked))).toEqual([]);
  });
});
