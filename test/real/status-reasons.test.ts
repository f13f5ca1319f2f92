import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import type { World } from '../world.ts';
import { disposableWorld } from './disposable.ts';
import { done, statusLines } from './dkms-session.ts';
import { generate } from './generated-source.ts';
import { disorder } from './installed.ts';

/** `kmodsort status` says why nothing is built, as the last run did; `dkms status`, which scripts read, says `added`. */

const provision = inject('provision');
const all = provision.kind === 'ready' ? provision.kernels : [];
const kernels = all.slice(0, 1);
const release = kernels[0]?.release ?? '';

const escaped = (text: string): string => text.replaceAll(/[.+]/g, '\\$&');
const hook = (world: World) => world.hook(['pacman', 'install'], [`usr/lib/modules/${release}/vmlinuz`]);
/** Its lines, without the failures below them and the times. */
const linesOf = async (world: World, ...words: readonly string[]): Promise<string[]> =>
  (await world.kmodsort(['status', ...words])).stdout
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith(' '))
    .map((line) => line.replace(/; since 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\)$/, ')'));

describe.skipIf(provision.kind === 'missing')('plan', () => {
  it('says how long the last build took, on another kernel if need be', async () => {
    const world = disposableWorld({ kernels: all, distribution: 'arch' });
    const [first = '', second = ''] = all.map((kernel) => kernel.release);
    generate(world, 'timed');
    await done(world, ['install', 'timed/1.0', '-k', first]);
    const { stdout } = await world.kmodsort(['plan']);
    expect(stdout).toMatch(new RegExp(`timed/1\\.0 +${escaped(second)} +not built yet \\(\\d+\\.\\d s last time\\)`));
  });
});

describe.skipIf(provision.kind === 'missing')('status of what was passed over', () => {
  const at = `${release}, x86_64`;

  it('has the reason, on each kernel, until something is done or the module goes', async () => {
    const world = disposableWorld({ kernels, distribution: 'arch' });
    generate(world, 'base', { makefile: '$(error no)\n' });
    generate(world, 'needs-base', { depends: ['base'] });
    generate(world, 'manual', { conf: 'AUTOINSTALL=no\n' });
    generate(world, 'old', { conf: 'BUILD_EXCLUSIVE_KERNEL="^2\\."\n' });
    generate(world, 'orphan', { depends: ['nobody'] });
    await hook(world);
    expect(await linesOf(world)).toEqual([
      `base/1.0, ${at}: added`,
      `manual/1.0, ${at}: added (skipped: AUTOINSTALL=no in its dkms.conf)`,
      `needs-base/1.0, ${at}: added (not tried: base failed)`,
      `old/1.0, ${at}: added (skipped: excluded on this kernel: BUILD_EXCLUSIVE_KERNEL=^2\\.)`,
      `orphan/1.0, ${at}: added (deferred: depends on nobody, which is not in the dkms tree)`,
    ]);
    const since = (await world.kmodsort(['status', 'old'])).stdout;
    expect(since).toMatch(/^old\/1\.0, .*; since 20[\d-]+ [\d:]+\)\n$/);
    await hook(world);
    expect((await world.kmodsort(['status', 'old/1.0'])).stdout).toBe(since);
    expect(await linesOf(world, '--failed')).toEqual([
      `base/1.0, ${at}: added`,
      `needs-base/1.0, ${at}: added (not tried: base failed)`,
    ]);
    expect(await linesOf(world, '--failed', '-k', '9.9.9')).toEqual(['nothing has failed']);
    expect(await linesOf(world, 'manual', '-k', '9.9.9')).toEqual(['manual/1.0: added']);
    const plain = ['base', 'manual', 'needs-base', 'old', 'orphan'].map((name) => `${name}/1.0: added`);
    expect(await statusLines(world)).toEqual(plain);
    const kinds = ['skipped', 'blocked', 'skipped', 'deferred'];
    expect(await world.json(['status'])).toMatchObject({
      entries: [{ failure: { kind: 'make-failed' } }, ...kinds.map((kind) => ({ passedOver: { kind } }))],
    });
    await done(world, ['install', 'manual/1.0', '-k', release]);
    rmSync(join(world.trees.sourceTree, 'base-1.0/Makefile'));
    generate(world, 'base', { unregistered: true });
    await hook(world);
    expect((await linesOf(world)).slice(0, 3)).toEqual([
      `base/1.0, ${at}: installed`,
      `manual/1.0, ${at}: installed`,
      `needs-base/1.0, ${at}: installed`,
    ]);
    for (const name of ['base', 'manual', 'needs-base', 'old', 'orphan'])
      await done(world, ['remove', `${name}/1.0`, '--all']);
    expect(await linesOf(world)).toEqual(['no modules in the dkms tree']);
    expect(disorder(world)).toEqual([]);
  });
});
