import { appendFileSync } from 'node:fs';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { expectRefused, expectTaken } from './asking.ts';
import { builderKey, type Fleet, makeKeyOn, openFleet, push, trustOn } from './fleet.ts';
import { Images, keysIn } from './images.ts';
import type { FleetNode } from './node.ts';
import { letInsecureOn } from './registry-server.ts';

/** Whoever may write to the registry puts something else there: no machine takes it, and each says why. */

const provision = inject('fleet');
const kernels = 'missing' in provision ? [] : provision.kernels.slice(0, 1);

describe.each(kernels)('a registry in the hands of somebody else ($release)', (kernel) => {
  let fleet: Fleet;
  let images: Images;
  let builder: FleetNode;
  let keys: ReturnType<typeof keysIn>;
  let older: ReturnType<typeof keysIn>;
  let signed = '';
  beforeAll(async () => {
    ({ fleet, builder } = await openFleet(kernel));
    images = new Images(fleet);
    letInsecureOn(fleet.registryNode, [fleet.registry.host]);
    // What was built of the source as it was before somebody mended it.
    const before = await fleet.addBuilder('before', (node) =>
      appendFileSync(node.path('/usr/src/low-1.0/low.c'), 'MODULE_INFO(fault, "not mended");\n'),
    );
    older = keysIn(await push(before));
    keys = keysIn(await push(builder));
    signed = (await images.text('low', keys.low)) ?? '';
  });

  it('has two builds of one module', () => {
    expect(older.low).not.toBe(keys.low);
    expect(signed).toContain('kmodsort.signature');
  });

  const revoke = async (node: FleetNode): Promise<void> => {
    node.write('/etc/kmodsort/revoked_signers', builder.read(`${builderKey}.pub`));
  };
  const list = (node: FleetNode, options: string): void =>
    trustOn(node, `builder@example.org ${options} ${builder.read(`${builderKey}.pub`)}`);
  const nothing = (): undefined => undefined;

  it.each<[string, () => unknown, RegExp, ((node: FleetNode) => unknown)?]>([
    [
      'an older Artifact, of another Key',
      () => images.copy(['low', older.low], ['low', keys.low]),
      /it is another build, with the key [0-9a-f]{64}/,
    ],
    [
      'an Artifact of another module',
      () => images.copy(['high', keys.high], ['low', keys.low]),
      /it is another build, with the key [0-9a-f]{64}/,
    ],
    [
      'the layers of another Artifact',
      async () => {
        const other: unknown = JSON.parse((await images.text('low', older.low)) ?? '');
        await images.remake('low', keys.low, (manifest) =>
          Object.assign(manifest, { layers: Object(other).layers, config: Object(other).config }),
        );
      },
      /hash mismatch: layer 0 is not what was signed/,
    ],
    [
      'what a stranger has signed',
      async () => {
        await makeKeyOn(fleet.registryNode, '/root/stranger');
        await images.resign('low', keys.low, fleet.registryNode, '/root/stranger');
      },
      /signed with SHA256:\S{43}, which \/etc\/kmodsort\/allowed_signers does not list/,
    ],
    [
      'what a builder signed whose time is over',
      nothing,
      /key has expired/,
      (node) => list(node, 'valid-before="20200101"'),
    ],
    ['what a builder signed who is revoked', nothing, /signed with SHA256:\S{43}, which is revoked/, revoke],
  ])('gives nobody %s', async (_what, damage, why, edit) => {
    await images.put('low', keys.low, signed);
    await damage();
    await expectRefused(fleet, why, {}, edit);
  });

  it('is taken from as soon as all is as it was', async () => {
    await images.put('low', keys.low, signed);
    await expectTaken(fleet, {}, 'builder');
  });
});
