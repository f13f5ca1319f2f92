import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { run } from '../packages.ts';
import type { World } from '../world.ts';
import { disposableWorld } from './disposable.ts';
import { done, refused, statusLines } from './dkms-session.ts';

/** mktarball and ldtarball: what goes in comes out, and nothing that an archive says leads out of its tree. */

const provision = inject('provision');
const kernels = provision.kind === 'ready' ? provision.kernels.slice(0, 1) : [];
const release = kernels[0]?.release ?? '';
const newWorld = (): World => disposableWorld({ kernels, distribution: 'arch' });

describe.skipIf(provision.kind === 'missing')('an archive of a built module', () => {
  let maker: World;
  const place = (name: string): string => join(maker.root, name);

  beforeAll(async () => {
    maker = newWorld();
    maker.addModule('lonely');
    await done(maker, ['build', 'lonely/1.0', '-k', release]);
  });

  it.each(['gz', 'xz', 'zst', 'bz2'])(
    'as .tar.%s is loaded on another machine, and installed there without a build',
    async (kind) => {
      const archive = place(`lonely.tar.${kind}`);
      await done(maker, ['mktarball', 'lonely/1.0', '-k', release, '--archive', archive]);
      const world = newWorld();
      await done(world, ['ldtarball', archive]);
      expect(await statusLines(world)).toEqual([`lonely/1.0, ${release}, x86_64: built`]);
      expect(existsSync(join(world.trees.sourceTree, 'lonely-1.0/dkms.conf'))).toBe(true);
      const said = await done(world, ['install', 'lonely/1.0', '-k', release]);
      expect(said).not.toContain('running make');
      expect(world.installedObjects(release)).toEqual(['lonely']);
    },
  );

  it('with --source-only has no binaries, and with --binaries-only no source', async () => {
    const [source, binaries] = [place('s.tar.gz'), place('b.tar.gz')];
    await done(maker, ['mktarball', 'lonely/1.0', '--source-only', '--archive', source]);
    await done(maker, ['mktarball', 'lonely/1.0', '-k', release, '--binaries-only', '--archive', binaries]);
    expect(run('tar', ['-tf', source])).not.toContain('.ko');
    expect(run('tar', ['-tf', binaries])).not.toContain('lonely.c');
    const world = newWorld();
    await done(world, ['ldtarball', source]);
    expect(await statusLines(world)).toEqual(['lonely/1.0: added']);
  });

  it('is named after the module and what is in it, in its tarball directory', async () => {
    await done(maker, ['mktarball', 'lonely/1.0', '-k', release]);
    const names = readdirSync(join(maker.trees.dkmsTree, 'lonely/1.0/tarball'));
    expect(names).toEqual([`lonely-1.0-kernel${release}-x86_64.dkms.tar.gz`]);
  });

  it('is refused where the module is known, and replaces it with --force', async () => {
    const archive = place('known.tar.gz');
    await done(maker, ['mktarball', 'lonely/1.0', '-k', release, '--archive', archive]);
    await refused(maker, ['ldtarball', archive], 8, /already in the dkms tree/);
    await done(maker, ['ldtarball', archive, '--force']);
  });

  it('is written where nobody else can put anything before', async () => {
    const tar = join(maker.root, 'traps/tar');
    const seen = join(maker.root, 'seen');
    mkdirSync(dirname(tar), { recursive: true });
    const look = `while [ "$1" != --file ]; do shift; done; stat -c %a "$(dirname "$2")" > ${seen}`;
    writeFileSync(tar, `#!/bin/sh\n( ${look} )\nexec /usr/bin/tar "$@"\n`, { mode: 0o755 });
    mkdirSync(place('open'), { mode: 0o755 });
    const env = { PATH: `${dirname(tar)}:/usr/sbin:/usr/bin:/sbin:/bin` };
    const words = ['mktarball', 'lonely/1.0', '-k', release, '--archive', place('open/l.tar.gz')];
    expect((await maker.dkms(words, { env })).code).toBe(0);
    expect(readFileSync(seen, 'utf8')).toBe('700\n');
    expect(readdirSync(place('open'))).toEqual(['l.tar.gz']);
    expect(statSync(place('open/l.tar.gz')).mode & 0o777).toBe(0o644);
  });

  it('that is not built is not made', async () => {
    const world = newWorld();
    world.addModule('zeta-core');
    await refused(
      world,
      ['mktarball', 'zeta-core/1.0', '-k', release, '--archive', join(world.root, 'x.tar.gz')],
      6,
      /not built/,
    );
  });
});

describe.skipIf(provision.kind === 'missing')('a foreign archive', () => {
  const conf =
    'PACKAGE_NAME="away"\nPACKAGE_VERSION="1"\nBUILT_MODULE_NAME="away"\nDEST_MODULE_LOCATION="/extra"\nAUTOINSTALL="yes"\n';

  /** A directory of a source, packed with more words for tar. */
  const pack = (world: World, edit: (directory: string) => void, ...more: string[]): string => {
    const work = mkdtempSync(join(world.root, 'tmp', 'pack-'));
    mkdirSync(join(work, 'away-1'));
    writeFileSync(join(work, 'away-1/dkms.conf'), conf);
    edit(join(work, 'away-1'));
    const archive = join(world.root, 'tmp', 'away.tar.gz');
    rmSync(archive, { force: true });
    run('tar', ['-C', work, '-czf', archive, ...more, 'away-1']);
    return archive;
  };

  it('with a dkms.conf in it becomes a source', async () => {
    const world = newWorld();
    await done(world, ['ldtarball', pack(world, () => undefined)]);
    expect(await statusLines(world)).toEqual(['away/1: added']);
    expect(readFileSync(join(world.trees.sourceTree, 'away-1/dkms.conf'), 'utf8')).toBe(conf);
  });

  it.each<[string, (directory: string) => void, readonly string[]]>([
    [
      'members above it',
      (directory) => writeFileSync(join(directory, 'x'), ''),
      ['--transform', 's|away-1/x|away-1/../../../x|', '-P'],
    ],
    [
      'absolute members',
      (directory) => writeFileSync(join(directory, 'x'), ''),
      ['--transform', 's|away-1/x|/tmp/kmodsort-escaped|', '-P'],
    ],
    ['links that lead out of it', (directory) => symlinkSync('../../../etc/passwd', join(directory, 'x')), []],
    ['links to absolute places', (directory) => symlinkSync('/etc/passwd', join(directory, 'x')), []],
    ['devices', (directory) => run('mknod', [join(directory, 'x'), 'c', '1', '3']), []],
    ['pipes', (directory) => run('mkfifo', [join(directory, 'x')]), []],
  ])('with %s is refused with 7, and nothing of it is unpacked', async (_title, edit, more) => {
    const world = newWorld();
    const archive = pack(world, (directory) => void edit(directory), ...more);
    await refused(world, ['ldtarball', archive], 7, /the archive is refused/);
    expect(existsSync('/tmp/kmodsort-escaped')).toBe(false);
    expect(existsSync(join(world.trees.sourceTree, 'away-1'))).toBe(false);
  });

  it('without a dkms.conf ends with 3, and one that is not there with 2', async () => {
    const world = newWorld();
    const archive = pack(world, (directory) => rmSync(join(directory, 'dkms.conf')));
    await refused(world, ['ldtarball', archive], 3, /no dkms\.conf/);
    await refused(world, ['ldtarball', join(world.root, 'none.tar.gz')], 2, /archive not found/);
  });
});
