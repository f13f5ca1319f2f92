import { describe, expect, inject, it } from 'vitest';
import { type Fleet, kmodsort, names, openFleet, push } from './fleet.ts';
import type { FleetNode } from './node.ts';
import { startRegistryOn } from './registry-server.ts';

/** A cache at a site, which nobody trusts, stands before the registry: docs/fleet.md, "On paper". */

const provision = inject('fleet');
const kernels = 'missing' in provision ? [] : provision.kernels.slice(0, 1);

/** As containers-registries.conf(5) has mirrors: tried first, and where they do not have it the registry itself. */
const letMirror = (node: FleetNode, mirror: string): void =>
  node.write(
    '/etc/containers/registries.conf.d/fleet.conf',
    `[[registry]]
location = "registry:5000"
insecure = true
[[registry.mirror]]
location = "${mirror}"
insecure = true
`,
  );

const expectTaken = async (fleet: Fleet, node: FleetNode): Promise<void> => {
  const { said } = await kmodsort(node, 'sync');
  for (const name of names)
    expect(said).toMatch(new RegExp(` {2}installed {2}${name}/1\\.0 +\\S+ +prebuilt by builder@example\\.org`));
  expect(fleet.installed(node)).toEqual([...names]);
};

describe.each(kernels)('a mirror ($release)', (kernel) => {
  it('spares the registry what it has brought once, and is passed over when it is away', async () => {
    const { fleet, builder } = await openFleet(kernel);
    await push(builder);
    const site = await fleet.network.node('site');
    const mirror = await startRegistryOn(site, { cacheOf: 'registry:5000' });
    const [first, second, third] = [
      await fleet.machine('first'),
      await fleet.machine('second'),
      await fleet.machine('third'),
    ];
    for (const node of [first, second, third]) letMirror(node, mirror.host);
    await expectTaken(fleet, first);
    // A cache asks whether what it has under a name is still the same.
    await fleet.registry.stop();
    await expectTaken(fleet, second);
    fleet.registry = await startRegistryOn(fleet.registryNode);
    await mirror.stop();
    await expectTaken(fleet, third);
    await fleet.network.stop();
  });
});
