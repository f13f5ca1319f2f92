import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, inject, it } from 'vitest';
import type { World } from '../world.ts';
import { disposableWorld } from './disposable.ts';
import { generate } from './generated-source.ts';

/** What waits for the next run, and who takes it up. */

const provision = inject('provision');
const kernels = provision.kind === 'ready' ? provision.kernels.slice(0, 2) : [];
const [older = '', newer = ''] = kernels.map(({ release }) => release);

describe.skipIf(kernels.length < 2)('a hook that waits for its kernel', () => {
  let world: World;
  const queue = (): string[] => readdirSync(join(world.trees.stateDir, 'queue'));

  beforeEach(() => {
    world = disposableWorld({ kernels, distribution: 'debian' });
    generate(world, 'sound');
    mkdirSync(join(world.trees.stateDir, 'queue'), { recursive: true });
    writeFileSync(join(world.trees.stateDir, 'queue', '10.1'), `apt\npostinst\n${older}\n\n`);
  });

  it.each([
    ['kmodsort sync', () => world.kmodsort(['sync', '-k', newer])],
    ['dkms autoinstall', () => world.dkms(['autoinstall', '-k', newer])],
  ])('is not taken up by %s for another one', async (_what, run) => {
    const ended = await run();
    expect(ended.code).toBe(0);
    expect(ended.stdout).not.toContain('taking up');
    expect([queue(), world.installedObjects(older)]).toEqual([['10.1'], []]);
  });

  it('is heard by a sync for another one as far as it is about a source, and waits on', async () => {
    writeFileSync(join(world.trees.stateDir, 'queue', '10.2'), 'apt\nsource\nqueued\n1.0\n\n');
    generate(world, 'queued', { unregistered: true });
    expect((await world.kmodsort(['sync', '-k', newer])).code).toBe(0);
    expect([queue(), world.installedObjects(newer)]).toEqual([
      ['10.1', '10.2'],
      ['queued', 'sound'],
    ]);
  });

  it('is taken up by a sync of the usual ones, with its kernel', async () => {
    const ended = await world.kmodsort(['sync']);
    expect(ended.code).toBe(0);
    expect([queue(), world.installedObjects(older), world.installedObjects(newer)]).toEqual([[], ['sound'], ['sound']]);
  });
});

describe.skipIf(kernels.length < 2)('the notice at the login', () => {
  it('names a command that helps, also for a kernel that is not the newest', async () => {
    const world = disposableWorld({ kernels, distribution: 'debian' }).letBuildsTell();
    const { directory } = generate(world, 'flaky', { conf: 'PRE_BUILD="wait"\n' });
    writeFileSync(join(directory, 'wait'), `#!/bin/sh\ntest -e ${world.root}/ready\n`, { mode: 0o755 });
    await world.hook(['apt', 'postinst', older]);
    const notice = join(world.trees.stateDir, 'notice');
    const said = readFileSync(notice, 'utf8');
    const [, words = ''] = /'kmodsort (sync[^']*)' tries again/.exec(said) ?? [];
    expect(words).toContain(`-k ${older}`);
    writeFileSync(join(world.root, 'ready'), '');
    expect((await world.kmodsort(words.split(' '))).code).toBe(0);
    expect(existsSync(notice)).toBe(false);
    expect(world.installedObjects(older)).toEqual(['flaky']);
  });
});

describe.skipIf(kernels.length === 0)('a place where no key can be made', () => {
  it('leaves the modules unsigned, and says so', async () => {
    const world = disposableWorld({ kernels: kernels.slice(0, 1) });
    generate(world, 'sound');
    writeFileSync(join(world.root, 'file'), '');
    const key = join(world.root, 'file', 'keys', 'mok');
    world.configure(`try_sign_modules="true"\nmok_signing_key="${key}.key"\nmok_certificate="${key}.pub"\n`);
    const ended = await world.kmodsort(['sync', '-k', older]);
    expect(ended.code).toBe(0);
    expect(ended.stdout).toContain('is not signed: EEXIST');
    expect(world.installedObjects(older)).toEqual(['sound']);
  });
});
