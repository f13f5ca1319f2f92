import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import type { TestKernel } from '../kernels.ts';
import { run } from '../packages.ts';
import type { AddedSource, SourceOptions, World } from '../world.ts';
import { disposableWorld } from './disposable.ts';
import { disorder, installedFiles } from './installed.ts';

/** A module of the kernel's own that a registered one replaces: kept aside, and put back. */

const provision = inject('provision');
const kernels = provision.kind === 'ready' ? provision.kernels : [];
const [first] = kernels;
interface Replaced {
  readonly release: string;
  readonly world: World;
  readonly source: AddedSource;
  /** Where the kernel's package puts its own. */
  readonly place: string;
  readonly saved: string;
}

const newWorld = (kernel: TestKernel | undefined, options: SourceOptions = {}): Replaced => {
  if (!kernel) throw new Error('there is no kernel');
  const { release } = kernel;
  const fileName = basename(kernel.inTree);
  const world = disposableWorld({ kernels: [kernel], distribution: 'arch' });
  const source = world.addModule('replacer', options);
  const place = join(world.trees.installTree, release, 'kernel/drivers/misc', fileName);
  const saved = join(world.trees.dkmsTree, 'replacer/original_module', release, 'x86_64', fileName);
  return { release, world, source, place, saved };
};

const bytes = (path: string): string => readFileSync(path, 'base64');
/** The bytes of the kernel package's own. */
const packaged = (kernel = first): string => bytes(kernel?.inTree ?? '');
const versionOf = (path: string): string => run('modinfo', ['-F', 'version', path]).trim();

const leave = (world: World, { name, version }: AddedSource) =>
  world.hook(['pacman', 'remove'], [`usr/src/${name}-${version}/dkms.conf`]);

const install = (world: World, paths: readonly string[] = []) => world.hook(['pacman', 'install'], paths);

/** The kernel's own in other bytes, as an update of its package brings it. */
const updatePackage = (world: World, place: string): string => {
  const update = join(world.root, basename(place));
  cpSync(first?.inTree ?? '', update);
  run('objcopy', ['--remove-section', '.comment', update]);
  cpSync(update, place);
  return bytes(update);
};

describe.skipIf(provision.kind === 'missing')("the kernel's own module", () => {
  it.each(kernels)(
    'is kept with the place that it came from, and comes back when the source leaves: $release',
    async (kernel) => {
      const { release, world, source, place, saved } = newWorld(kernel);
      const ended = await install(world);
      expect(ended.code).toBe(0);
      expect(existsSync(place)).toBe(false);
      expect(bytes(saved)).toBe(packaged(kernel));
      expect(readFileSync(`${saved}.origin`, 'utf8')).toBe(`${place}\n`);
      expect(installedFiles(world, release).map(versionOf)).toEqual(['2.0']);
      expect(JSON.stringify(await world.json(['status']))).toContain('"originals":true');
      expect(disorder(world)).toEqual([]);
      const gone = await leave(world, source);
      expect(gone.stdout).toContain(`restored the original module: ${place}`);
      expect(bytes(place)).toBe(packaged(kernel));
      expect(installedFiles(world, release)).toEqual([]);
      expect(existsSync(join(world.trees.dkmsTree, 'replacer'))).toBe(false);
      const found = readFileSync(join(world.trees.installTree, release, 'modules.dep'), 'utf8');
      expect(found).toContain(`kernel/drivers/misc/${basename(place)}:`);
    },
  );

  it('is kept through new builds and new versions, and ours is never kept instead', async () => {
    const { release, world, source, place, saved } = newWorld(first);
    await install(world);
    writeFileSync(join(source.directory, 'README'), 'changed\n');
    await install(world);
    expect(bytes(saved)).toBe(packaged());
    const newer = world.addSource('replacer', { version: '2.1' });
    await install(world, ['usr/src/replacer-2.1/dkms.conf']);
    expect(installedFiles(world, release).map(versionOf)).toEqual(['2.1']);
    expect(bytes(saved)).toBe(packaged());
    expect(disorder(world)).toEqual([]);
    // What we remember is lost; the dkms tree alone still tells ours from the kernel's.
    rmSync(world.trees.stateDir, { recursive: true });
    await world.kmodsort(['sync']);
    writeFileSync(join(newer.directory, 'README'), 'changed\n');
    await world.kmodsort(['sync']);
    expect(installedFiles(world, release).map(versionOf)).toEqual(['2.1']);
    expect(bytes(saved)).toBe(packaged());
    expect(disorder(world)).toEqual([]);
    await leave(world, newer);
    await leave(world, source);
    expect(bytes(place)).toBe(packaged());
    expect(installedFiles(world, release)).toEqual([]);
  });

  it('replaces the kept one when an update of the kernel brings it again', async () => {
    const { release, world, source, place, saved } = newWorld(first);
    await install(world);
    const update = updatePackage(world, place);
    expect(update).not.toBe(packaged());
    writeFileSync(join(source.directory, 'README'), 'changed\n');
    await install(world, [`usr/lib/modules/${release}/vmlinuz`]);
    expect(bytes(saved)).toBe(update);
    expect(existsSync(place)).toBe(false);
    expect(installedFiles(world, release).map(versionOf)).toEqual(['2.0']);
    await leave(world, source);
    expect(bytes(place)).toBe(update);
  });

  it('comes back as the newest update has it, also where nothing else had changed', async () => {
    const { release, world, source, place } = newWorld(first);
    await install(world);
    const update = updatePackage(world, place);
    await install(world, [`usr/lib/modules/${release}/vmlinuz`]);
    await leave(world, source);
    expect(bytes(place)).toBe(update);
    expect(installedFiles(world, release)).toEqual([]);
  });

  it('stays in use where it is the newer one', async () => {
    const { release, world, place, saved } = newWorld(first, { version: '0.9' });
    const ended = await install(world);
    expect(ended.code).toBe(0);
    expect(bytes(place)).toBe(packaged());
    expect(existsSync(saved)).toBe(false);
    expect(installedFiles(world, release)).toEqual([]);
  });

  it('does not come back to a kernel that is gone', async () => {
    const { release, world, source, saved } = newWorld(first);
    await install(world);
    expect(existsSync(saved)).toBe(true);
    rmSync(join(world.trees.installTree, release), { recursive: true });
    await install(world, [`usr/lib/modules/${release}/vmlinuz`]);
    await leave(world, source);
    expect(existsSync(join(world.trees.installTree, release))).toBe(false);
    expect(existsSync(join(world.trees.dkmsTree, 'replacer'))).toBe(false);
  });
});
