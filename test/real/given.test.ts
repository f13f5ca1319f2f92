import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import type { World } from '../world.ts';
import { disposableWorld } from './disposable.ts';
import { done } from './dkms-session.ts';
import { disorder, identities } from './installed.ts';

/** What a command was given for a build is remembered with it: no hook undoes it. */

const provision = inject('provision');
const kernels = provision.kind === 'ready' ? provision.kernels.slice(0, 1) : [];
const release = kernels[0]?.release ?? '';

const newWorld = (): World => {
  const world = disposableWorld({ kernels, distribution: 'arch' });
  world.addModule('lonely');
  return world;
};

/** A transaction in which something else happens. */
const hook = async (world: World): Promise<string> => {
  const { code, stdout, stderr } = await world.hook(['pacman', 'install'], [`usr/lib/modules/${release}/vmlinuz`]);
  expect(code, stdout + stderr).toBe(0);
  return stdout + stderr;
};

const install = (world: World, ...words: readonly string[]): Promise<string> =>
  done(world, ['install', 'lonely/1.0', '-k', release, ...words]);

const objects = (world: World): string[] => world.installedObjects(release);

const changeSource = (world: World): void => {
  const file = join(world.trees.sourceTree, 'lonely-1.0/lonely.c');
  writeFileSync(file, `${readFileSync(file, 'utf8')}\n/* changed */\n`);
};

const logOf = (world: World): string =>
  readFileSync(join(world.trees.dkmsTree, 'lonely/1.0', release, 'x86_64/log/make.log'), 'utf8');

describe.skipIf(provision.kind === 'missing')('a dkms.conf of -c', () => {
  const otherConf = (world: World): string => {
    const own = readFileSync(join(world.trees.sourceTree, 'lonely-1.0/dkms.conf'), 'utf8');
    const path = join(world.root, 'other.conf');
    writeFileSync(path, `${own}\nDEST_MODULE_NAME[0]="lonely_other"\n`);
    return path;
  };

  it('stays what the module is built by, in hooks and when its source has changed', async () => {
    const world = newWorld();
    await install(world, '-c', otherConf(world));
    expect(objects(world)).toEqual(['lonely_other']);
    const before = identities(world, release);
    await hook(world);
    expect(identities(world, release)).toEqual(before);
    changeSource(world);
    expect(await hook(world)).toContain('building (changed: sources)');
    expect(objects(world)).toEqual(['lonely_other']);
    expect((await world.kmodsort(['verify'])).code).toBe(0);
    expect(disorder(world)).toEqual([]);
  });

  it('that has changed is a change', async () => {
    const world = newWorld();
    const conf = otherConf(world);
    await install(world, '-c', conf);
    writeFileSync(conf, readFileSync(conf, 'utf8').replace('lonely_other', 'lonely_third'));
    expect(await hook(world)).toContain('building (changed: conf, built objects)');
    expect(objects(world)).toEqual(['lonely_third']);
  });

  it('that is gone leaves what is installed as it is', async () => {
    const world = newWorld();
    const conf = otherConf(world);
    await install(world, '-c', conf);
    const before = identities(world, release);
    rmSync(conf);
    await hook(world);
    changeSource(world);
    expect(await hook(world)).not.toContain('building');
    expect(identities(world, release)).toEqual(before);
    await done(world, ['remove', 'lonely/1.0', '--all']);
    expect(objects(world)).toEqual([]);
    expect(disorder(world)).toEqual([]);
  });

  it('is forgotten with a build that was given none', async () => {
    const world = newWorld();
    await install(world, '-c', otherConf(world));
    await install(world, '--force');
    expect(objects(world)).toEqual(['lonely']);
    expect(await hook(world)).not.toContain('building');
    expect(objects(world)).toEqual(['lonely']);
  });
});

describe.skipIf(provision.kind === 'missing')('a directory of --kernelsourcedir', () => {
  it('stays what the module is built against, and hooks build nothing anew', async () => {
    const world = newWorld();
    const other = join(world.root, 'kernel-source');
    symlinkSync(kernels[0]?.headers ?? '', other);
    rmSync(join(world.trees.installTree, release, 'build'));
    await install(world, '--kernelsourcedir', other);
    const before = identities(world, release);
    await hook(world);
    expect(identities(world, release)).toEqual(before);
    changeSource(world);
    expect(await hook(world)).toContain('building (changed: sources)');
    expect(logOf(world)).toContain(other);
    rmSync(other);
    const { code, stdout, stderr } = await world.hook(['pacman', 'install'], [`usr/lib/modules/${release}/vmlinuz`]);
    expect(code, stdout + stderr).toBe(0);
    changeSource(world);
    const failing = await world.hook(['pacman', 'install'], [`usr/lib/modules/${release}/vmlinuz`]);
    expect(failing.stdout + failing.stderr).toContain(other);
    expect(objects(world)).toEqual(['lonely']);
  });

  it.skipIf(process.getuid?.() !== 0)(
    'is not built against when others have made it anew where everybody may',
    async () => {
      const world = newWorld();
      const shared = join(world.root, 'shared');
      mkdirSync(shared);
      chmodSync(shared, 0o1777);
      const other = join(shared, 'kernel-source');
      symlinkSync(kernels[0]?.headers ?? '', other);
      await install(world, '--kernelsourcedir', other);
      changeSource(world);
      expect(await hook(world)).toContain('building (changed: sources)');
      rmSync(other);
      mkdirSync(other);
      const trap = join(world.root, 'was-here');
      writeFileSync(join(other, 'Makefile'), `$(shell touch ${trap})\n`);
      chownSync(other, 65534, 65534);
      const before = identities(world, release);
      expect(await hook(world)).not.toContain('building');
      changeSource(world);
      const failing = await world.hook(['pacman', 'install'], [`usr/lib/modules/${release}/vmlinuz`]);
      expect(failing.stdout + failing.stderr).toMatch(/kernel headers for \S+ not found: \S+kernel-source/);
      expect(identities(world, release)).toEqual(before);
      expect(existsSync(trap)).toBe(false);
    },
  );

  it('counts before the headers of the kernel, also with others in them', async () => {
    const world = newWorld();
    const other = join(world.root, 'kernel-source');
    const own = kernels[0]?.headers ?? '';
    mkdirSync(other);
    for (const name of readdirSync(own).filter((one) => one !== 'Module.symvers'))
      symlinkSync(realpathSync(join(own, name)), join(other, name));
    const symvers = readFileSync(join(own, 'Module.symvers'), 'utf8');
    writeFileSync(join(other, 'Module.symvers'), `${symvers}0x00000001\tof_this_tree\tvmlinux\tEXPORT_SYMBOL\t\n`);
    await install(world, '--kernelsourcedir', other);
    const before = identities(world, release);
    expect(await hook(world)).not.toContain('building');
    expect(identities(world, release)).toEqual(before);
  });
});
