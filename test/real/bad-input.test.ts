import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Ended } from '../child.ts';
import { repository } from '../kernels.ts';
import { canRunAsNobody, run } from '../packages.ts';
import type { World } from '../world.ts';
import { disposableWorld } from './disposable.ts';
import { generate } from './generated-source.ts';
import { canMount, mountAt, unmountAll } from './mounts.ts';

/**
 * What is wrong with one module, tree or file costs that one alone: it is named in one line with its
 * file, and everything beside it is built.
 */

/** Without >, by which bash would make a file where it stands. */
const rubbish = Buffer.from(
  Array.from({ length: 2048 }, (_, at) => (at * 131 + 7) % 256).filter((byte) => byte !== 0x3e),
);

const provision = inject('provision');
const both = provision.kind === 'ready' ? provision.kernels : [];
const kernels = both.slice(-1);
const release = kernels[0]?.release ?? '';
const newWorld = (distribution = 'debian'): World => disposableWorld({ kernels, distribution });

const edit = (path: string, change: (text: string) => string): void =>
  writeFileSync(path, change(readFileSync(path, 'utf8')));

interface Bad {
  /** Name of the module and what is wrong with it. */
  readonly name: string;
  readonly what: string;
  /** More lines of its dkms.conf. */
  readonly conf?: string;
  /** Done to the source directory; the dkms.conf is there already. */
  readonly spoil?: (conf: string, directory: string) => void;
  /** What its line in the summary says; the world's root is left out. */
  readonly says: string;
  readonly detail?: RegExp;
  readonly help?: string;
}

const confAt = (name: string): string => `/usr/src/${name}-1.0/dkms.conf`;

const bads: readonly Bad[] = [
  {
    name: 'syntax',
    what: 'a syntax error',
    conf: 'if true; then\n',
    says: `bash cannot read the file: ${confAt('syntax')}`,
    detail: /dkms\.conf: line \d+: syntax error/,
    help: `bash -n ${confAt('syntax')}`,
  },
  {
    name: 'killer',
    what: 'a conf that kills its shell',
    conf: 'kill $$\n',
    says: `bash cannot read the file: ${confAt('killer')}`,
    detail: /bash exited before the end of the file/,
  },
  {
    name: 'quitter',
    what: 'a conf that ends its shell',
    conf: 'exit 0\n',
    says: `bash cannot read the file: ${confAt('quitter')}`,
    detail: /bash exited before the end of the file/,
  },
  {
    name: 'rubbish',
    what: 'binary rubbish',
    spoil: (conf) => writeFileSync(conf, rubbish),
    says: `: ${confAt('rubbish')}`,
  },
  {
    name: 'nameless',
    what: 'no PACKAGE_NAME',
    spoil: (conf) => edit(conf, (text) => text.replace(/^PACKAGE_NAME=.*\n/m, '')),
    says: `invalid settings: ${confAt('nameless')}`,
    detail: /PACKAGE_NAME is not set/,
  },
  {
    name: 'folder',
    what: 'a directory for a dkms.conf',
    spoil: (conf) => {
      rmSync(conf);
      mkdirSync(conf);
    },
    says: `dkms.conf not found: ${confAt('folder')}`,
  },
  {
    name: 'pipe',
    what: 'a pipe that nobody writes to for a dkms.conf',
    spoil: (conf) => {
      rmSync(conf);
      run('mkfifo', [conf]);
    },
    says: `dkms.conf not found: ${confAt('pipe')}`,
  },
  {
    name: 'confless',
    what: 'no dkms.conf',
    spoil: (conf) => rmSync(conf),
    says: `dkms.conf not found: ${confAt('confless')}`,
  },
  {
    name: 'open',
    what: 'a conf that everybody may write',
    spoil: (conf) => chmodSync(conf, 0o646),
    says: `refused, world-writable file: ${confAt('open')}`,
    help: `chmod o-w ${confAt('open')}`,
  },
  {
    name: 'open-source',
    what: 'a source directory that everybody may write',
    spoil: (_conf, directory) => chmodSync(directory, 0o777),
    says: 'refused, world-writable source directory: /usr/src/open-source-1.0',
    help: 'chmod o-w /usr/src/open-source-1.0',
  },
  {
    name: 'liar',
    what: 'a name unlike its directory',
    conf: 'PACKAGE_NAME="other"\n',
    says: `dkms.conf names another module or version than its directory: ${confAt('liar')}`,
    detail: /it names other\/1\.0, its directory liar\/1\.0/,
  },
  {
    name: 'gone',
    what: 'a source link that leads to nothing',
    spoil: (_conf, directory) => rmSync(directory, { recursive: true }),
    says: 'broken: the module is added, but its source is missing: /var/lib/dkms/gone/1.0/source',
    detail: /\/usr\/src\/gone-1\.0$/,
  },
  {
    name: 'hollow',
    what: 'a source with nothing but its conf',
    spoil: (_conf, directory) => {
      rmSync(join(directory, 'Makefile'));
      rmSync(join(directory, 'hollow.c'));
    },
    says: 'the source directory is empty: /usr/src/hollow-1.0',
  },
  {
    name: 'odd-name',
    what: 'odd characters in the name of an object',
    conf: 'BUILT_MODULE_NAME[0]="a; touch b"\n',
    says: `invalid settings: ${confAt('odd-name')}`,
    detail: /invalid module name: a; touch b/,
  },
  {
    name: 'climber',
    what: 'a patch outside its directory',
    conf: 'PATCH[0]="../../../etc/x.patch"\n',
    says: 'a patch is outside its directory: ../../../etc/x.patch',
  },
  {
    name: 'patchless',
    what: 'a patch that is not there',
    conf: 'PATCH[0]="no.patch"\n',
    says: 'patch not found: /usr/src/patchless-1.0/patches/no.patch',
  },
  {
    name: 'misplaced',
    what: 'a destination outside the kernel',
    conf: 'DEST_MODULE_LOCATION[0]="/extra/../../../../etc"\n',
    says: `invalid settings: ${confAt('misplaced')}`,
    detail: /DEST_MODULE_LOCATION\[0\] must start with/,
  },
  {
    name: 'objectless',
    what: 'an object that the build does not make',
    conf: 'BUILT_MODULE_NAME[0]="another"\n',
    says: 'the build did not produce an object that dkms.conf names: another.ko',
  },
];

describe.skipIf(provision.kind === 'missing')('bad modules beside sound ones', () => {
  let world: World;
  let ended: Ended;
  let lines: string[];
  let stalling: Promise<Ended>;
  let stalled: World;

  beforeAll(async () => {
    stalled = newWorld();
    generate(stalled, 'sound');
    generate(stalled, 'endless', { conf: 'while :; do sleep 1; done\n' });
    stalling = stalled.kmodsort(['sync']);
    world = newWorld();
    for (const { name, conf, spoil } of bads) {
      const { directory } = generate(world, name, conf === undefined ? {} : { conf });
      spoil?.(join(directory, 'dkms.conf'), directory);
    }
    generate(world, 'sound');
    const { directory } = generate(world, 'returns');
    edit(join(directory, 'dkms.conf'), (text) => text.replaceAll('\n', '\r\n'));
    ended = await world.kmodsort(['sync']);
    lines = ended.stdout.replaceAll(world.root, '').split('\n');
  });

  it.each(bads)('names the file in one line: $what', ({ name, says, detail, help }) => {
    const start = lines.findIndex((line) => line.startsWith('  FAILED ') && line.includes(` ${name}/1.0 `));
    expect(lines[start]).toContain(says);
    const more = lines.slice(start + 1).slice(
      0,
      lines.slice(start + 1).findIndex((line) => !line.startsWith('     ')),
    );
    if (detail) expect(more[0]).toMatch(detail);
    if (help) expect(more).toContain(`             help   ${help}`);
    expect(more.at(-1)).toMatch(/^ {13}retry {2}(kmodsort sync|dkms install \S+ --force) -k /);
    expect(existsSync(join(world.trees.dkmsTree, name, '1.0', release))).toBe(false);
  });

  it('installs the sound ones, one with carriage returns too, and ends with 1', () => {
    expect(world.installedObjects(release)).toEqual(['returns', 'sound']);
    expect([ended.code, ended.stderr]).toEqual([1, '']);
    expect(lines.join('\n')).not.toMatch(/^\s+at .*\(.*:\d+:\d+\)$/m);
  });

  it('runs nothing that a bad name says', () => {
    expect(world.files().filter((path) => /(^|\/)b$/.test(path))).toEqual([]);
    expect(existsSync(join(world.root, 'etc/x.patch'))).toBe(false);
  });

  it('ends a conf that never comes to an end, and goes on', async () => {
    const { code, stdout } = await stalling;
    expect(stdout.replaceAll(stalled.root, '')).toMatch(
      /^ {2}FAILED .*endless\/1\.0 .*timed out reading the file: \/usr\/src\/endless-1\.0\/dkms\.conf$/m,
    );
    expect([code, stalled.installedObjects(release)]).toEqual([1, ['sound']]);
  });

  it.each([
    ['pacman', ['pacman', 'install'], 1],
    ['apt', ['apt', 'trigger'], 0],
    ['apt postinst', ['apt', 'postinst', release], 0],
    ['rpm', ['rpm', 'add', release], 0],
  ])('ends the hook of %s as its package manager wants it', async (_manager, words, code) => {
    const again = await world.hook(words);
    expect([again.code, again.stderr]).toEqual([code, '']);
    expect(again.stdout.replaceAll(world.root, '')).toContain(`bash cannot read the file: ${confAt('syntax')}`);
  });
});

/** Run the program as somebody who is not root, on a world's trees. */
const asNobody = (world: World, words: readonly string[], environment: Readonly<Record<string, string>> = {}) => {
  const { dkmsTree, sourceTree, installTree, confDir, stateDir, osRelease } = world.trees;
  const places = ['--dkmstree', dkmsTree, '--sourcetree', sourceTree, '--installtree', installTree];
  const more = ['--confdir', confDir, '--statedir', stateDir, '--os-release', osRelease];
  const program = [process.execPath, join(repository, 'dist', 'kmodsort.mjs')];
  const argv = ['--reuid', '65534', '--clear-groups', ...program, ...words, ...places, ...more];
  const env = { PATH: process.env.PATH, TMPDIR: '/tmp', ...environment };
  const { status, stdout, stderr } = spawnSync('setpriv', argv, { cwd: '/', env, encoding: 'utf8' });
  return { status, stdout: stdout.replaceAll(world.root, ''), stderr: stderr.replaceAll(world.root, '') };
};

const stackLine = /^\s+at .*:\d+:\d+\)?$/m;

describe.skipIf(provision.kind === 'missing' || !canRunAsNobody(repository))('somebody who is not root', () => {
  let world: World;

  beforeAll(() => {
    world = newWorld('arch');
    chmodSync(world.root, 0o755);
    mkdirSync(world.trees.stateDir, { recursive: true });
    generate(world, 'sound');
  });

  it.each([
    ['sync', 1],
    ['hook run pacman install', 1],
    ['hook run apt trigger', 0],
    ['hook run rpm files-out', 0],
  ])('is told by %s in one line which tree cannot be written, and that root can', (words, status) => {
    const ended = asNobody(world, words.split(' '));
    expect(ended).toEqual({
      status,
      stdout: '',
      stderr:
        'kmodsort: permission denied, cannot write: /var/lib/dkms\n  help  run it again with sudo, or name another tree\n',
    });
    expect(world.installedObjects(release)).toEqual([]);
  });
  it('may look', () => {
    const plan = asNobody(world, ['plan']);
    expect([plan.status, plan.stdout]).toEqual([0, expect.stringContaining('1. sound/1.0')]);
    expect(asNobody(world, ['status'])).toEqual({ status: 0, stdout: 'sound/1.0: added\n', stderr: '' });
  });
  it.each(['plan', 'status', 'sync'])(
    'is told by %s about a tree that cannot be read, without a trace of the program',
    (word) => {
      chmodSync(world.trees.dkmsTree, 0o700);
      const { status, stdout, stderr } = asNobody(world, [word]);
      chmodSync(world.trees.dkmsTree, 0o755);
      expect(status).toBe(1);
      expect(stderr).toMatch(
        /^kmodsort: permission denied(, cannot write)?: \/var\/lib\/dkms.*\n {2}help {2}run it again with sudo/,
      );
      expect(stdout + stderr).not.toMatch(stackLine);
    },
  );
  it('can work on trees of its own', async () => {
    const own = newWorld('arch');
    generate(own, 'sound');
    run('chown', ['-R', '65534', own.root]);
    chmodSync(own.root, 0o755);
    const { status, stderr } = asNobody(own, ['sync'], { TMPDIR: join(own.root, 'tmp') });
    expect([status, stderr]).toEqual([0, '']);
    expect(own.installedObjects(release)).toEqual(['sound']);
  });
});

describe.skipIf(provision.kind === 'missing')('trees that are not there', () => {
  it('make a run with nothing to do', async () => {
    const world = disposableWorld({ distribution: 'arch' });
    for (const tree of [world.trees.sourceTree, world.trees.installTree, world.trees.confDir])
      rmSync(tree, { recursive: true });
    rmSync(world.trees.osRelease);
    const { code, stdout, stderr } = await world.kmodsort(['sync']);
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: 'kmodsort: nothing to do: no modules in the dkms tree, or no kernel to build them for\n',
      stderr: '',
    });
    expect((await world.kmodsort(['status'])).code).toBe(0);
  });
  it('fail only for the kernel that was named and is not there', async () => {
    const world = newWorld();
    generate(world, 'sound');
    const { code, stdout } = await world.kmodsort(['sync', '-k', '9.9.9-none', '-k', release]);
    expect(code).toBe(1);
    expect(stdout.replaceAll(world.root, '')).toContain(
      'FAILED: no modules directory of this kernel: /lib/modules/9.9.9-none\n',
    );
    expect(world.installedObjects(release)).toEqual(['sound']);
  });
  it('fail only for the kernel that has no headers, and say what to install', async () => {
    const world = newWorld('arch');
    world.addKernel('6.0.0-bare', { headers: false });
    generate(world, 'sound');
    const { code, stdout } = await world.kmodsort(['sync']);
    expect(code).toBe(1);
    expect(stdout.replaceAll(world.root, '')).toMatch(
      / {2}FAILED {5}sound\/1\.0 {2}6\.0\.0-bare .*kernel headers for 6\.0\.0-bare not found: \/lib\/modules\/6\.0\.0-bare\/build\n +help {3}install the package with the headers of 6\.0\.0-bare\n/,
    );
    expect(world.installedObjects(release)).toEqual(['sound']);
  });
});

// Without the right to mount there is no full and no read-only file system to be had.
describe.skipIf(!canMount())('full and read-only file systems', () => {
  afterAll(unmountAll);

  it('says that no space is left in the dkms tree, and keeps what was installed before', async () => {
    const world = newWorld();
    mountAt(world.trees.dkmsTree, 'size=3m');
    generate(world, 'sound');
    const { directory } = generate(world, 'huge', { depends: ['sound'] });
    writeFileSync(join(directory, 'ballast'), Buffer.alloc(8 << 20));
    const { code, stdout, stderr } = await world.kmodsort(['sync']);
    expect([code, stderr]).toEqual([1, '']);
    expect(stdout).toMatch(/^ {2}FAILED .*huge\/1\.0 .*no space left on device/m);
    expect(stdout).toContain('No space left on device');
    expect(stdout).toContain('help   df -h');
    expect(world.installedObjects(release)).toEqual(['sound']);
    const trigger = await world.hook(['apt', 'trigger']);
    expect(trigger.code).toBe(0);
    expect(trigger.stdout).not.toContain('in an earlier run');
  });
  it('says where no space is left for what it has to remember', async () => {
    const world = newWorld();
    mountAt(world.trees.stateDir, 'size=8k');
    generate(world, 'sound');
    const { code, stdout, stderr } = await world.kmodsort(['sync']);
    expect([code, stderr]).toEqual([1, '']);
    expect(stdout.replaceAll(world.root, '')).toMatch(
      /^ {2}FAILED .*no space left on device: \/var\/lib\/kmodsort\/\S+$/m,
    );
    expect(world.installedObjects(release)).toEqual([]);
  });

  it('says which tree is read-only', async () => {
    const world = newWorld();
    mountAt(world.trees.dkmsTree, 'size=3m');
    generate(world, 'sound');
    run('mount', ['-o', 'remount,ro', world.trees.dkmsTree]);
    const { code, stdout, stderr } = await world.kmodsort(['sync']);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^kmodsort: .*: \S+\/var\/lib\/dkms\n/);
    expect((await world.hook(['apt', 'trigger'])).code).toBe(0);
    expect((await world.kmodsort(['status'])).stdout).toBe('sound/1.0: added\n');
  });
  it('says that a kernel directory is read-only, and builds for the others', async () => {
    const world = disposableWorld({ kernels: both, distribution: 'arch', withoutKernels: true });
    const frozen = both[0]?.release ?? '';
    mountAt(join(world.trees.installTree, frozen), 'size=3m');
    for (const kernel of both) world.addKernel(kernel.release);
    run('mount', ['-o', 'remount,ro', join(world.trees.installTree, frozen)]);
    generate(world, 'sound');
    const { code, stdout, stderr } = await world.kmodsort(['sync']);
    expect([code, stderr]).toEqual([1, '']);
    const row = stdout.split('\n').find((line) => line.startsWith('  FAILED '));
    expect(row?.replaceAll(world.root, '')).toContain(`read-only file system: /lib/modules/${frozen}/`);
    expect([world.installedObjects(frozen), world.installedObjects(release)]).toEqual([[], ['sound']]);
  });
});

/** One link that leads to itself each, what an event names, and whether a line tells the reason. */
const circles: readonly [string, (world: World) => void, readonly string[], boolean][] = [
  [
    'the headers of a kernel',
    (world) => {
      const directory = join(world.trees.installTree, '5.0.0-x');
      mkdirSync(directory);
      writeFileSync(join(directory, 'vmlinuz'), '');
      symlinkSync('build', join(directory, 'build'));
    },
    [],
    false,
  ],
  ['a kernel', (world) => symlinkSync('5.0.0-x', join(world.trees.installTree, '5.0.0-x')), [], false],
  [
    'the source of an entry',
    (world) => {
      const directory = join(world.trees.dkmsTree, 'looped/1.0');
      mkdirSync(directory, { recursive: true });
      symlinkSync('source', join(directory, 'source'));
    },
    [],
    true,
  ],
  ['a name in the dkms tree', (world) => symlinkSync('looped', join(world.trees.dkmsTree, 'looped')), [], false],
  [
    'a source that an event names',
    (world) => symlinkSync('looped-1.0', join(world.trees.sourceTree, 'looped-1.0')),
    ['usr/src/looped-1.0/dkms.conf'],
    true,
  ],
  [
    'the conf of a source that is known and that an event names',
    (world) => {
      const { directory } = world.addModule('broken');
      rmSync(join(directory, 'dkms.conf'));
      symlinkSync('dkms.conf', join(directory, 'dkms.conf'));
    },
    ['usr/src/broken-1.0/dkms.conf'],
    true,
  ],
];

describe.skipIf(provision.kind === 'missing')('a link that leads to itself', () => {
  it.each(circles)('costs nothing but its own: %s', async (_what, make, paths, isTold) => {
    const world = disposableWorld({ kernels, distribution: 'arch' });
    world.addModule('lonely');
    make(world);
    const ended = await world.hook(['pacman', 'install'], paths);
    expect(ended.stdout).toMatch(/^ {2}installed +lonely\/1\.0/m);
    expect(ended.stdout.includes('ELOOP')).toBe(isTold);
    const status = await world.kmodsort(['status']);
    expect(status.code).toBe(0);
    expect(status.stdout).toMatch(/lonely\/1\.0.*installed/);
  });
});
