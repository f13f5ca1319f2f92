import { existsSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import type { World, WorldOptions } from '../world.ts';
import { disposableWorld } from './disposable.ts';
import { done, put, refused, saidBy, statusLines, treesOf } from './dkms-session.ts';
import { generate } from './generated-source.ts';
import { disorder, installedFile } from './installed.ts';

/** `dkms install`, and what takes away again: uninstall, unbuild, remove. */

const provision = inject('provision');
const missing = provision.kind === 'missing';
const kernels = provision.kind === 'ready' ? provision.kernels : [];
const [older = '', newer = ''] = kernels.map((kernel) => kernel.release);
const arch = 'x86_64';
const newWorld = (options: WorldOptions = {}): World => disposableWorld({ kernels: kernels.slice(0, 1), ...options });

const script = (path: string, text: string): void => put(path, `#!/bin/sh\n${text}\n`, 0o755);

const linesOf = (path: string): string[] =>
  existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n').filter(Boolean) : [];

const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** A PATH on which a program of the system's is another one. */
const pathWith = (world: World, name: string, text: string): Readonly<Record<string, string>> => {
  script(join(world.root, 'traps', name), text);
  return { PATH: `${join(world.root, 'traps')}:${systemPath}` };
};

const dependencyFile = (world: World): string =>
  readFileSync(join(world.trees.installTree, older, 'modules.dep'), 'utf8');

describe.skipIf(missing)('dkms install', () => {
  let world: World;
  const state = (name: string): Promise<string[]> => statusLines(world, [name]);

  beforeAll(async () => {
    world = newWorld();
    const { directory } = generate(world, 'tool', {
      conf: 'PRE_INSTALL="pre.sh"\nPOST_INSTALL="post.sh $kernelver"\nPOST_REMOVE="gone.sh $kernelver"\n',
    });
    script(join(directory, 'pre.sh'), `echo pre >> "${world.root}/scripts"; [ ! -e "${world.root}/refuse" ] || exit 7`);
    script(join(directory, 'post.sh'), `echo post "$1" >> "${world.root}/scripts"`);
    script(join(directory, 'gone.sh'), `echo gone "$1" >> "${world.root}/scripts"`);
    await done(world, ['build', 'tool/1.0', '-k', older]);
  });

  it('ends with 101 where PRE_INSTALL fails, and leaves it built', async () => {
    put(join(world.root, 'refuse'), '');
    await refused(world, ['install', 'tool/1.0', '-k', older], 101, /PRE_INSTALL refused the installation: pre\.sh/);
    expect(await state('tool')).toEqual([`tool/1.0, ${older}, ${arch}: built`]);
    expect(disorder(world)).toEqual([]);
  });

  it('goes on with --force where PRE_INSTALL fails, and says so', async () => {
    const said = await done(world, ['install', 'tool/1.0', '-k', older, '--force']);
    expect(said).toContain('warning: PRE_INSTALL pre.sh failed with exit code 7');
    expect(await state('tool')).toEqual([`tool/1.0, ${older}, ${arch}: installed`]);
    rmSync(join(world.root, 'refuse'));
  });

  it('runs PRE_INSTALL before and POST_INSTALL after it, and POST_REMOVE when it is taken away', async () => {
    rmSync(join(world.root, 'scripts'));
    await done(world, ['uninstall', 'tool/1.0', '-k', older]);
    await done(world, ['install', 'tool/1.0', '-k', older]);
    expect(linesOf(join(world.root, 'scripts'))).toEqual([`gone ${older}`, 'pre', `post ${older}`]);
  });

  it('says that it is installed already, ends with 0 and changes nothing', async () => {
    const before = treesOf(world);
    const said = await done(world, ['install', '-m', 'tool', '-v', '1.0', '-k', older]);
    expect(said).toBe(`kmodsort: tool/1.0, ${older}: already installed\n`);
    expect(treesOf(world)).toEqual(before);
  });

  it('runs depmod once, and not with --no-depmod', async () => {
    expect(dependencyFile(world)).toContain('updates/dkms/tool.ko');
    const said = await done(world, ['uninstall', 'tool/1.0', '-k', older]);
    expect(said.match(/depmod /g)).toHaveLength(1);
    expect(dependencyFile(world)).not.toContain('tool.ko');
    expect(await done(world, ['install', 'tool/1.0', '-k', older, '--no-depmod'])).not.toContain('depmod');
    expect(dependencyFile(world)).not.toContain('tool.ko');
    await done(world, ['uninstall', 'tool/1.0', '-k', older]);
  });

  it('rolls back to built where depmod fails, and ends with 6', async () => {
    const environment = pathWith(world, 'depmod', 'echo "depmod: no luck" >&2; exit 1');
    await refused(world, ['install', 'tool/1.0', '-k', older], 6, /depmod failed: .*depmod: no luck/s, environment);
    expect(await state('tool')).toEqual([`tool/1.0, ${older}, ${arch}: built`]);
    expect(disorder(world)).toEqual([]);
  });

  it('installs links into the dkms tree with --symlink-modules or symlink_modules', async () => {
    const target = join(world.trees.dkmsTree, 'tool', '1.0', older, arch, 'module', 'tool.ko');
    await done(world, ['install', 'tool/1.0', '-k', older, '--symlink-modules']);
    expect(readlinkSync(installedFile(world, older, 'tool'))).toBe(target);
    expect(await state('tool')).toEqual([`tool/1.0, ${older}, ${arch}: installed`]);
    await done(world, ['uninstall', 'tool/1.0', '-k', older]);
    world.configure('symlink_modules=yes\n');
    await done(world, ['install', 'tool/1.0', '-k', older]);
    expect(readlinkSync(installedFile(world, older, 'tool'))).toBe(target);
    world.configure('');
    await done(world, ['uninstall', 'tool/1.0', '-k', older]);
    expect(existsSync(target)).toBe(true);
  });

  it('runs post_transaction once for a kernel that was changed, when the lock is free, and else not', async () => {
    const lock = join(world.trees.stateDir, 'lock');
    const told = join(world.root, 'told');
    world.configure(`post_transaction='flock -n "${lock}" echo free $kernelver >> "${told}"'\n`);
    await done(world, ['install', 'tool/1.0', '-k', older]);
    await done(world, ['install', 'tool/1.0', '-k', older]);
    expect(linesOf(told)).toEqual([`free ${older}`]);
    await done(world, ['uninstall', 'tool/1.0', '-k', older]);
    await done(world, ['uninstall', 'tool/1.0', '-k', older]);
    expect(linesOf(told)).toHaveLength(2);
    world.configure("post_transaction='echo no luck; exit 3'\n");
    put(join(world.trees.dkmsTree, 'post_transaction.log'), 'old\n'.repeat(1 << 19));
    const { code, stdout } = await world.dkms(['install', 'tool/1.0', '-k', older]);
    expect([code, stdout]).toEqual([1, expect.stringContaining('post_transaction failed with exit code 3')]);
    expect(readFileSync(join(world.trees.dkmsTree, 'post_transaction.log'), 'utf8')).toBe('no luck\n');
    world.configure('');
  });

  it('takes the place of another version of the module, which stays built', async () => {
    generate(world, 'tool', { version: '0.9' });
    await done(world, ['install', 'tool/0.9', '-k', older]);
    expect(await state('tool')).toEqual([
      `tool/0.9, ${older}, ${arch}: installed`,
      `tool/1.0, ${older}, ${arch}: built`,
    ]);
    expect(disorder(world)).toEqual([]);
  });

  it('says "skipping" of what is not installed or not built, and ends with 0', async () => {
    const before = treesOf(world);
    expect(await done(world, ['uninstall', 'tool/1.0', '-k', older])).toMatch(/not installed, skipping\n$/);
    expect(await done(world, ['unbuild', 'tool/1.0', '-k', '6.0.0'])).toMatch(/not built, skipping\n$/);
    expect(treesOf(world)).toEqual(before);
  });

  it('unbuild takes away what was built, also if it is installed, and keeps the module added', async () => {
    await done(world, ['unbuild', 'tool/0.9', '-k', older]);
    expect(await state('tool')).toEqual(['tool/0.9: added', `tool/1.0, ${older}, ${arch}: built`]);
    expect(world.installedObjects(older)).toEqual([]);
    expect(existsSync(join(world.trees.installTree, older, 'updates'))).toBe(false);
    expect(world.files(join(world.trees.dkmsTree, 'tool', '0.9'))).toEqual(['source']);
  });

  it('remove forgets a module with its last kernel, and leaves the source', async () => {
    expect(await done(world, ['remove', 'tool/0.9', '-k', older])).toContain('tool/0.9 removed from the dkms tree');
    expect(await done(world, ['remove', '-m', 'tool', '-v', '1.0', '--all'])).toContain(
      'tool/1.0 removed from the dkms tree',
    );
    expect(await statusLines(world)).toEqual([]);
    expect(existsSync(join(world.trees.dkmsTree, 'tool'))).toBe(false);
    expect(existsSync(join(world.trees.sourceTree, 'tool-1.0', 'dkms.conf'))).toBe(true);
    await refused(world, ['remove', 'tool/1.0', '--all'], 3, /not in the dkms tree: tool\/1\.0/);
  });
});

describe.skipIf(missing)('dkms install of a module that needs others', () => {
  it('builds and installs the registered ones first, whatever their AUTOINSTALL says', async () => {
    const world = newWorld();
    generate(world, 'base', { conf: 'AUTOINSTALL="no"\n' });
    generate(world, 'top', { depends: ['base'], conf: 'BUILD_DEPENDS_REBUILD="yes"\n' });
    generate(world, 'aside');
    const said = await done(world, ['install', 'top/1.0', '-k', older]);
    expect(said.indexOf('base/1.0')).toBeLessThan(said.indexOf('top/1.0'));
    expect(await statusLines(world)).toEqual([
      'aside/1.0: added',
      `base/1.0, ${older}, ${arch}: installed`,
      `top/1.0, ${older}, ${arch}: installed`,
    ]);
    expect(dependencyFile(world)).toMatch(/^updates\/dkms\/top\.ko: updates\/dkms\/base\.ko$/m);
    expect(readFileSync(join(world.trees.dkmsTree, 'top', '1.0', older, arch, '.dep_base'), 'utf8')).toBe('1.0\n');
    expect(disorder(world)).toEqual([]);
  });
});

describe.skipIf(missing)('dkms install, remove and match on several kernels', () => {
  let world: World;

  beforeAll(async () => {
    world = newWorld({ kernels });
    generate(world, 'tool');
    generate(world, 'aside');
    await done(world, ['install', 'tool/1.0', '-k', older]);
  });

  it('match installs on a kernel what is installed on the template, and nothing else', async () => {
    expect(await done(world, ['match', '--templatekernel', newer, '-k', older])).toContain('nothing to do');
    await done(world, ['match', '--templatekernel', older, '-k', newer]);
    expect(await statusLines(world)).toEqual([
      'aside/1.0: added',
      `tool/1.0, ${older}, ${arch}: installed`,
      `tool/1.0, ${newer}, ${arch}: installed`,
    ]);
  });

  it('remove of one kernel leaves the other, and what is known', async () => {
    expect(await done(world, ['remove', 'tool/1.0', '-k', newer])).not.toContain('forgotten');
    expect(await statusLines(world, ['tool'])).toEqual([`tool/1.0, ${older}, ${arch}: installed`]);
  });

  it('install --all goes over every kernel with headers, with one depmod and one post_transaction for each', async () => {
    world.addKernel('6.0.0-bare', { headers: false });
    world.configure(`post_transaction="echo $kernelver >> ${world.root}/told"\n`);
    await done(world, ['uninstall', 'tool/1.0', '--all']);
    rmSync(join(world.root, 'told'));
    const said = await done(world, ['install', 'tool/1.0', '--all']);
    expect(said.match(/depmod \S+/g)).toEqual([`depmod ${older}`, `depmod ${newer}`]);
    expect(linesOf(join(world.root, 'told'))).toEqual([older, newer]);
    expect(await statusLines(world, ['tool', '-k', '6.0.0-bare'])).toEqual(['tool/1.0: added']);
    await done(world, ['remove', 'tool/1.0', '--all']);
    for (const release of [older, newer]) expect(world.installedObjects(release)).toEqual([]);
  });
});

describe.skipIf(missing)("dkms install beside the kernel's own module", () => {
  let world: World;

  beforeAll(() => {
    world = newWorld();
    world.addSource('replacer', { version: '0.5' });
  });

  const own = (): string[] =>
    world.files(join(world.trees.installTree, older, 'kernel')).filter((path) => path.includes('intree_demo'));

  it('ends with 6 where that one is newer, and leaves ours built', async () => {
    await done(world, ['build', 'replacer/0.5', '-k', older]);
    await refused(
      world,
      ['install', 'replacer/0.5', '-k', older],
      6,
      /the kernel itself has this version or a newer one: .*intree_demo\.ko/,
    );
    expect(await statusLines(world)).toEqual([`replacer/0.5, ${older}, ${arch}: built`]);
  });

  it.each(['--force', '--force-version-override'])(
    'takes its place with %s, and gives it back on uninstall',
    async (option) => {
      const before = own();
      await done(world, ['install', 'replacer/0.5', '-k', older, option]);
      expect(await statusLines(world)).toEqual([`replacer/0.5, ${older}, ${arch}: installed (Original modules exist)`]);
      expect(own()).toEqual([]);
      expect(await done(world, ['uninstall', 'replacer/0.5', '-k', older])).toContain('restored the original module');
      expect(own()).toEqual(before);
      expect(await statusLines(world)).toEqual([`replacer/0.5, ${older}, ${arch}: built`]);
    },
  );

  it('says of a failure what it was about and how to try again', async () => {
    const ended = await world.dkms(['install', 'replacer/0.5', '-k', older, '-k', '1.0-none']);
    expect([ended.code, saidBy(world, ended)]).toEqual([6, expect.stringContaining('/lib/modules/1.0-none')]);
  });
});
