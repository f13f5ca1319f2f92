import { beforeAll, describe, expect, inject, it } from 'vitest';
import { disorder } from '../real/installed.ts';
import { expectTaken } from './asking.ts';
import { builderKey, configure, type Fleet, kmodsort, must, names, openFleet, push, registerOn } from './fleet.ts';
import type { FleetNode } from './node.ts';
import { isSlice } from './slice.ts';

/** Disks that are full, on one side or the other: the failure is told, and as soon as there is room all is well. */

const provision = inject('fleet');
const kernels = 'missing' in provision ? [] : provision.kernels.slice(0, 1);

/** Pages that are left, so that the disk is full at one step or another. */
const left = isSlice ? [0] : [0, 2, 6, 14];

const policies = isSlice ? (['only'] as const) : (['prefer', 'only'] as const);

/** Fill a file system but for so many pages. */
const fill = async (node: FleetNode, directory: string, pages: number): Promise<void> => {
  await node.sh(`rm -f ${directory}/filler; dd if=/dev/zero of=${directory}/filler bs=4096 2> /dev/null`);
  await must(node, 'truncate', '-s', `-${pages * 4096}`, `${directory}/filler`);
};

/** docker-registry leaves links without a byte where its disk was full, and answers 500 for what they are of. */
const removeEmptyLinks = ({ registryNode, registry }: Fleet): Promise<string> =>
  must(registryNode, 'find', registry.storage, '-name', 'link', '-size', '0', '-delete');

describe.each(kernels)('a disk that is full ($release)', (kernel) => {
  let fleet: Fleet;
  let builder: FleetNode;
  beforeAll(async () => {
    ({ fleet, builder } = await openFleet(kernel, { registrySize: '1m' }));
  });

  it('is the registry’s: push says so, nobody takes anything half, and later all is pushed', async () => {
    const { storage } = fleet.registry;
    let failed = 0;
    for (const pages of left) {
      const repository = `left${pages}`;
      configure(builder, { repository, more: `push_key="${builderKey}"` });
      await fill(fleet.registryNode, storage, pages);
      const { code, said } = await kmodsort(builder, 'push');
      if (code !== 0) {
        failed += 1;
        expect([code, said]).toEqual([
          1,
          expect.stringMatching(/FAILED: cannot use the registry: registry:5000\/\S+: ./),
        ]);
        const node = await fleet.machine(`early${pages}`, { repository });
        const taken = await kmodsort(node, 'sync');
        expect([taken.code, fleet.installed(node)]).toEqual([0, names]);
        expect(taken.said).toContain('2 installed');
        expect(disorder(fleet.world(node))).toEqual([]);
        await node.stop();
      }
      await must(fleet.registryNode, 'rm', `${storage}/filler`);
      await removeEmptyLinks(fleet);
      expect(await push(builder)).toMatch(/pushed|already there/);
      await expectTaken(fleet, { repository });
    }
    expect(failed).toBeGreaterThan(0);
  });

  const places = ['/var/lib/kmodsort', '/var/lib/dkms', '/tmp', `/usr/lib/modules/${kernel.release}`];

  /** A small disk of its own, with what was there. */
  const mountSmall = (node: FleetNode, place: string): Promise<string> =>
    must(
      node,
      ...[
        'sh',
        '-euc',
        'mkdir /mnt/kept; cp -a "$1/." /mnt/kept; mount -t tmpfs -o size=2m small "$1"; cp -a /mnt/kept/. "$1"',
      ],
      ...['sh', place],
    );

  it.each(places.flatMap((place) => policies.map((policy) => [place, policy] as const)))(
    'is a machine’s: %s, prebuilt_policy=%s',
    async (place, policy) => {
      const repository = 'full';
      configure(builder, { repository, more: `push_key="${builderKey}"` });
      await push(builder);
      const node = await fleet.machine(`full${place.replaceAll('/', '-')}-${policy}`, { repository, policy });
      await must(node, 'mkdir', '-p', place);
      await mountSmall(node, place);
      const ends = new Set<number | null>();
      for (const pages of left) {
        await fill(node, place, pages);
        const { code, said } = await kmodsort(node, 'sync');
        ends.add(code);
        expect(said).not.toMatch(/unexpected|^ {4}at /m);
        if (code === 0) expect(fleet.installed(node)).toEqual(names);
        else expect(said).toMatch(/no space left on device/i);
        await must(node, 'rm', `${place}/filler`);
        const next = await kmodsort(node, 'sync');
        expect([next.code, fleet.installed(node)]).toEqual([0, names]);
        expect(disorder(fleet.world(node))).toEqual([]);
        expect((await kmodsort(node, 'verify')).code).toBe(0);
        // As it was before, for the next time.
        for (const name of names) await must(node, 'rm', '-rf', `/var/lib/dkms/${name}`);
        await must(node, 'sh', '-c', `rm -rf /var/lib/kmodsort/* /usr/lib/modules/${kernel.release}/updates`);
        for (const name of names) await registerOn(node, name);
      }
      expect([...ends].some((code) => code !== 0)).toBe(true);
      await node.stop();
    },
  );
});
