import { chmodSync, mkdirSync, readFileSync, readlinkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, inject, it } from 'vitest';
import { repository } from '../kernels.ts';
import { canRunAsNobody, run } from '../packages.ts';
import type { World } from '../world.ts';
import { disposableWorld } from './disposable.ts';
import { done, refused, statusLines, treesOf } from './dkms-session.ts';
import { generate } from './generated-source.ts';
import { commandLine } from './start-program.ts';

/** The drop-in's command line through the built program, as far as no kernel has to be built for. */

const provision = inject('provision');
const missing = provision.kind === 'missing';

describe.skipIf(missing)('dkms, as scripts call it', () => {
  let world: World;

  beforeEach(() => {
    world = disposableWorld();
  });

  it('prints the version of dkms that it keeps to, and nothing else', async () => {
    expect(await world.dkms(['--version'])).toMatchObject({ code: 0, stdout: 'dkms-3.4.3\n', stderr: '' });
  });
  it('prints help on stdout', async () => {
    const { code, stdout, stderr } = await world.dkms(['build', '--help']);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^dkms build NAME\/VERSION \[options\]\n/);
  });
  it('ends with 0 and the usage on stderr where there is no action or an unknown one', async () => {
    for (const words of [[], ['instal', 'lonely/1.0']]) {
      const { code, stdout, stderr } = await world.dkms(words);
      expect([code, stdout]).toEqual([0, '']);
      expect(stderr).toMatch(/^dkms: (no action given|unknown action instal: did you mean install\?)\n\ndkms ACTION/);
    }
  });
  it('ends with 4 for two actions, 2 for an unknown option, 8 for both kinds of archive, and does nothing', async () => {
    world.addSource('lonely');
    await refused(world, ['add', 'build', 'lonely/1.0'], 4, /^dkms: more than one action: add and build\n$/);
    await refused(
      world,
      ['add', 'lonely/1.0', '--forec'],
      2,
      /^dkms: unknown option --forec: did you mean --force\?\n$/,
    );
    await refused(
      world,
      ['mktarball', 'lonely/1.0', '--binaries-only', '--source-only'],
      8,
      /are mutually exclusive\n$/,
    );
    expect(world.files(world.trees.dkmsTree)).toEqual([]);
  });
  it('says which options have no effect any more, and goes on', async () => {
    world.addSource('lonely');
    const { code, stderr } = await world.dkms(['add', 'lonely/1.0', '--no-initrd', '--no-clean-kernel']);
    expect([code, stderr]).toEqual([
      0,
      'kmodsort: --no-initrd is deprecated and ignored\nkmodsort: --no-clean-kernel is deprecated and ignored\n',
    ]);
    expect(await statusLines(world)).toEqual(['lonely/1.0: added']);
  });
  it('does nothing on a system without os-release, and ends with 4', async () => {
    world.addSource('lonely');
    rmSync(world.trees.osRelease);
    await refused(
      world,
      ['add', 'lonely/1.0'],
      4,
      /^dkms: cannot determine the distribution: \/etc\/os-release not found\n$/,
    );
    await refused(world, ['status'], 4, /os-release/);
  });
  it('says nothing more than what failed with --quiet', async () => {
    world.addSource('lonely');
    expect(await world.dkms(['add', 'lonely/1.0', '-q'])).toMatchObject({ code: 0, stdout: '', stderr: '' });
    expect(await world.dkms(['remove', 'lonely/1.0', '--all', '--quiet'])).toMatchObject({ code: 0, stdout: '' });
  });
});

describe.skipIf(missing)('dkms add', () => {
  let world: World;

  beforeEach(() => {
    world = disposableWorld();
  });

  const source = (name: string): string => readlinkSync(join(world.trees.dkmsTree, name, 'source'));

  it('takes name/version, -m name/version and -m name -v version', async () => {
    for (const [index, words] of [['lonely/1.0'], ['-m', 'lonely/2.0'], ['-m', 'lonely', '-v', '3.0']].entries()) {
      world.addSource('lonely', { version: `${index + 1}.0` });
      expect(await done(world, ['add', ...words])).toBe(`kmodsort: lonely/${index + 1}.0 added\n`);
      expect(source(`lonely/${index + 1}.0`)).toBe(join(world.trees.sourceTree, `lonely-${index + 1}.0`));
    }
  });
  it('keeps a version as it is written: 1.10 is not 1.1', async () => {
    world.addSource('lonely', { version: '1.1' });
    world.addSource('lonely', { version: '1.10' });
    await done(world, ['add', '-m', 'lonely', '-v', '1.10']);
    expect(await statusLines(world)).toEqual(['lonely/1.10: added']);
  });
  it.each([
    ['a directory with a dkms.conf', ''],
    ['a path to a dkms.conf', '/dkms.conf'],
  ])('copies %s into the source tree and registers it', async (_what, ending) => {
    const aside = join(world.root, 'unpacked');
    renameSync(world.addSource('lonely').directory, aside);
    await done(world, ['add', `${aside}${ending}`]);
    const place = join(world.trees.sourceTree, 'lonely-1.0');
    expect(world.files(place)).toEqual(world.files(aside));
    expect(source('lonely/1.0')).toBe(place);
    await refused(world, ['add', aside], 3, /already in the dkms tree/);
  });
  it('takes a directory that stands in the source tree where it is', async () => {
    const { directory } = world.addSource('lonely');
    await done(world, ['add', directory]);
    expect(world.files(world.trees.sourceTree).every((path) => path.startsWith('lonely-1.0/'))).toBe(true);
    expect(source('lonely/1.0')).toBe(directory);
  });
  it('runs POST_ADD in the source directory, by its name in the dkms tree', async () => {
    world.addSource('lonely', {
      edit: (directory) => {
        writeFileSync(
          join(directory, 'post.sh'),
          `#!/bin/sh\npwd > "${world.root}/post-add"\necho "$1" >> "${world.root}/post-add"\n`,
        );
        chmodSync(join(directory, 'post.sh'), 0o755);
        writeFileSync(join(directory, 'dkms.conf'), `${confOf(directory)}POST_ADD="post.sh word"\n`);
      },
    });
    await done(world, ['add', 'lonely/1.0']);
    expect(readFileSync(join(world.root, 'post-add'), 'utf8')).toBe(
      `${world.trees.dkmsTree}/lonely/1.0/source\nword\n`,
    );
  });
  it('warns of a POST_ADD that cannot be executed, and registers all the same', async () => {
    world.addSource('lonely', {
      edit: (directory) => {
        writeFileSync(join(directory, 'post.sh'), '#!/bin/sh\n', { mode: 0o644 });
        writeFileSync(join(directory, 'dkms.conf'), `${confOf(directory)}POST_ADD="post.sh"\n`);
      },
    });
    expect(await done(world, ['add', 'lonely/1.0'])).toContain('warning: not executable, not run');
  });
  it('leaves what its dependencies have alone', async () => {
    const mark = join(world.root, 'added');
    for (const version of ['1.0', '2.0']) {
      const { directory } = generate(world, 'base', {
        version,
        conf: 'POST_ADD="post.sh"\n',
        unregistered: version === '2.0',
      });
      writeFileSync(join(directory, 'post.sh'), `#!/bin/sh\necho ${version} >> "${mark}"\n`);
      chmodSync(join(directory, 'post.sh'), 0o755);
    }
    generate(world, 'top', { depends: ['base'], unregistered: true });
    await done(world, ['add', 'top/1.0']);
    expect(await statusLines(world)).toEqual(['base/1.0: added', 'top/1.0: added']);
    expect(() => readFileSync(mark)).toThrow('ENOENT');
  });

  const confOf = (directory: string): string => readFileSync(join(directory, 'dkms.conf'), 'utf8');
  const edited = (change: (conf: string) => string) => (directory: string) =>
    writeFileSync(join(directory, 'dkms.conf'), change(confOf(directory)));

  it('ends with 1 without a version', async () => {
    await refused(world, ['add', 'lonely'], 1, /module and version are required, as NAME\/VERSION: lonely/);
    await refused(world, ['add'], 1, /module and version are required/);
  });
  it('ends with 2 without a source directory', async () => {
    await refused(world, ['add', 'lonely/1.0'], 2, /source directory not found: \/usr\/src\/lonely-1\.0/);
  });
  it('ends with 3 where it is added already', async () => {
    world.addModule('lonely');
    await refused(world, ['add', 'lonely/1.0'], 3, /already in the dkms tree: lonely\/1\.0/);
  });
  it.each<[string, (conf: string) => string, RegExp]>([
    [
      'is no bash',
      (conf) => `${conf}if then\n`,
      /bash cannot read the file: \/usr\/src\/lonely-1\.0\/dkms\.conf.*syntax error/,
    ],
    ['names no version', (conf) => conf.replace(/PACKAGE_VERSION.*/, ''), /PACKAGE_VERSION is not set/],
    ['names no name', (conf) => conf.replace(/PACKAGE_NAME.*/, ''), /PACKAGE_NAME is not set/],
    [
      'names no place for the module',
      (conf) => conf.replace(/DEST_MODULE_LOCATION.*/, 'BUILT_MODULE_NAME=x'),
      /DEST_MODULE_LOCATION\[0\] is not set/,
    ],
    [
      'sends the module elsewhere',
      (conf) => conf.replace('/kernel/', '/etc/'),
      /must start with \/kernel, \/updates or \/extra/,
    ],
    [
      'is about another version',
      (conf) => conf.replace('"1.0"', '"1.1"'),
      /names another module or version than its directory/,
    ],
    ['has an odd AUTOINSTALL', (conf) => conf.replace('"yes"', '"maybe"'), /AUTOINSTALL=maybe: must be yes or no/],
  ])('ends with 8 where dkms.conf %s', async (_what, change, cause) => {
    world.addSource('lonely', { edit: edited(change) });
    await refused(world, ['add', 'lonely/1.0'], 8, cause);
  });
  it('ends with 8 where everybody may write the conf or the source directory', async () => {
    const { directory } = world.addSource('lonely');
    chmodSync(join(directory, 'dkms.conf'), 0o666);
    await refused(world, ['add', 'lonely/1.0'], 8, /refused, world-writable file: \/usr\/src\/lonely-1\.0\/dkms\.conf/);
    chmodSync(join(directory, 'dkms.conf'), 0o644);
    chmodSync(directory, 0o777);
    await refused(world, ['add', 'lonely/1.0'], 8, /refused, world-writable source directory: \/usr\/src\/lonely-1\.0/);
  });
  it('ends with 9 where there is no dkms.conf, and with 1 for a path to none', async () => {
    const { directory } = world.addSource('lonely');
    rmSync(join(directory, 'dkms.conf'));
    await refused(world, ['add', 'lonely/1.0'], 9, /dkms\.conf not found: \/usr\/src\/lonely-1\.0\/dkms\.conf/);
    await refused(world, ['add', directory], 1, /dkms\.conf not found/);
    await refused(
      world,
      ['add', '/nowhere/at/all/dkms.conf'],
      1,
      /dkms\.conf not found: \/nowhere\/at\/all\/dkms\.conf/,
    );
    mkdirSync(join(world.root, 'bare'));
    await refused(world, ['add', './bare'], 1, /dkms\.conf not found: \/bare\/dkms\.conf/);
  });
});

describe.skipIf(missing)('dkms, where it cannot begin,', () => {
  it.each(['remove', 'unbuild', 'uninstall'])(
    'ends %s with 3 for an unknown module, 1 without a version',
    async (action) => {
      const world = disposableWorld();
      await refused(world, [action, 'lonely/1.0', '-k', '6.1'], 3, /not in the dkms tree: lonely\/1\.0/);
      await refused(world, [action, 'lonely', '-k', '6.1'], 1, /module and version are required/);
    },
  );
  it.each(['remove', 'unbuild', 'uninstall'])(
    'ends %s with 4 for a broken module, and names its source',
    async (action) => {
      const world = disposableWorld();
      rmSync(world.addModule('lonely').directory, { recursive: true });
      await refused(
        world,
        [action, 'lonely/1.0', '--all'],
        4,
        /broken: the module is added, but its source is missing: .*lonely-1\.0/,
      );
    },
  );
  it('ends match with 1 without a template and 2 with the kernel itself', async () => {
    const world = disposableWorld();
    await refused(world, ['match', '-k', '6.1'], 1, /match requires --templatekernel/);
    await refused(world, ['match', '-k', '6.1', '--templatekernel', '6.1'], 2, /are the same: 6\.1/);
  });
  it('ends build with 21 and install with 6 for a kernel that is not there', async () => {
    const world = disposableWorld();
    world.addModule('lonely');
    await refused(
      world,
      ['build', 'lonely/1.0', '-k', '6.1'],
      21,
      /kernel headers for 6\.1 not found.*install the package with the headers of 6\.1/s,
    );
    await refused(
      world,
      ['install', 'lonely/1.0', '-k', '6.1'],
      6,
      /no modules directory of this kernel: \/lib\/modules\/6\.1/,
    );
  });
  it('ends build and install of all kernels with 21 where none has headers', async () => {
    const world = disposableWorld();
    world.addModule('lonely');
    world.addKernel('6.1', { headers: false });
    await refused(world, ['build', 'lonely/1.0', '--all'], 21, /kernel headers .*not found|kernel headers not found/);
    await refused(world, ['install', 'lonely/1.0', '--all'], 21, /kernel headers .*not found|kernel headers not found/);
  });
  it('ends build with 8 where the source has nothing beside dkms.conf', async () => {
    const world = disposableWorld();
    world.addModule('lonely');
    for (const name of ['Makefile', 'lonely.c']) rmSync(join(world.trees.sourceTree, 'lonely-1.0', name));
    const [headers = ''] = provision.kind === 'ready' ? provision.kernels.map((kernel) => kernel.headers) : [];
    await refused(
      world,
      ['build', 'lonely/1.0', '-k', '6.1', '--kernelsourcedir', headers],
      8,
      /the source directory is empty/,
    );
  });
});

const asNobody = (world: World, words: readonly string[]) => {
  const [node = '', , ...rest] = commandLine(world, words);
  const argv = ['--reuid', '65534', '--clear-groups', node, join(world.root, 'bin', 'dkms'), ...rest];
  return run('sh', ['-c', 'cd /; "$@" 2>&1; echo "code $?"', 'sh', 'setpriv', ...argv]).replaceAll(world.root, '');
};

describe.skipIf(missing || !canRunAsNobody(repository))('dkms, called by somebody who is not root,', () => {
  let world: World;

  beforeEach(async () => {
    world = disposableWorld();
    chmodSync(world.root, 0o755);
    world.addModule('lonely');
    await world.dkms(['--version']);
  });

  it('answers status', () => {
    expect(asNobody(world, ['status'])).toBe('lonely/1.0: added\ncode 0\n');
  });
  it.each(['install lonely/1.0', 'uninstall lonely/1.0', 'autoinstall', 'match', 'kernel_prerm -k 6.1'])(
    'ends %s with 1 and asks for root',
    (words) => {
      const before = treesOf(world);
      const [action] = words.split(' ');
      expect(asNobody(world, words.split(' '))).toBe(`dkms: ${action} requires root; run it again with sudo\ncode 1\n`);
      expect(treesOf(world)).toEqual(before);
    },
  );
  it.each(['add lonely/1.0', 'build lonely/1.0', 'unbuild lonely/1.0', 'remove lonely/1.0 --all'])(
    'ends %s with 1 where the dkms tree cannot be written',
    (words) => {
      expect(asNobody(world, words.split(' '))).toMatch(
        /^kmodsort: permission denied, cannot write: \/var\/lib\/dkms\n.*code 1\n$/s,
      );
    },
  );
});

describe.skipIf(missing)('--rpm_safe_upgrade', () => {
  it('keeps what the same rpm transaction added, and only then', async () => {
    const world = disposableWorld();
    world.addSource('lonely');
    await world.dkms(['--version']);
    const [node = '', , ...rest] = commandLine(world, []);
    const trees = rest.map((word) => `'${word}'`).join(' ');
    const dkms = `'${node}' '${join(world.root, 'bin', 'dkms')}'`;
    // Each scriptlet is a shell of its own; rpm is the shell around them.
    const scriptlet = (words: string): string =>
      `sh -c "${dkms} ${words} --rpm_safe_upgrade ${trees}; exit \\$?"; echo "code $?"`;
    const added = scriptlet('add -m lonely -v 1.0');
    const removed = scriptlet('remove -m lonely -v 1.0 --all');
    const upgrade = run('sh', ['-c', `${added}; ${removed}; :`]);
    expect(upgrade.match(/code \d+/g)).toEqual(['code 0', 'code 0']);
    expect(upgrade).toContain('lonely/1.0 kept: it was added in this same rpm transaction');
    expect(await statusLines(world)).toEqual(['lonely/1.0: added']);
    // The same version once more: it is known already when it is added, and stays.
    const again = run('sh', ['-c', `${added}; ${removed}; :`]);
    expect(again.match(/code \d+/g)).toEqual(['code 3', 'code 0']);
    expect(await statusLines(world)).toEqual(['lonely/1.0: added']);
    // Added in one transaction, removed in another.
    run('sh', ['-c', `${added}; :`]);
    expect(run('sh', ['-c', `${removed}; :`])).toMatch(/lonely\/1\.0 removed from the dkms tree\ncode 0\n$/);
    expect(await statusLines(world)).toEqual([]);
  });
});

describe.skipIf(missing)('dkms ldtarball of an .rpm', () => {
  it('has rpm install it when no lock is held, and ends with 9 where rpm refuses, 2 where it is not there', async () => {
    const world = disposableWorld();
    const traps = join(world.root, 'traps');
    const lock = join(world.trees.stateDir, 'lock');
    mkdirSync(traps);
    mkdirSync(world.trees.stateDir, { recursive: true });
    writeFileSync(lock, '');
    writeFileSync(
      join(traps, 'rpm'),
      `#!/bin/sh\nflock -n "${lock}" echo "$@" > "${world.root}/asked"\necho "error: no luck" >&2\ntest ! -e "${world.root}/refuse"\n`,
    );
    chmodSync(join(traps, 'rpm'), 0o755);
    const environment = { PATH: `${traps}:/usr/sbin:/usr/bin:/sbin:/bin` };
    writeFileSync(join(world.root, 'm.rpm'), '');
    await done(world, ['ldtarball', 'm.rpm'], environment);
    expect(readFileSync(join(world.root, 'asked'), 'utf8')).toBe(`-Uvh ${world.root}/m.rpm\n`);
    writeFileSync(join(world.root, 'refuse'), '');
    const cause = /rpm did not install the package: \/m\.rpm: error: no luck/;
    await refused(world, ['ldtarball', '--archive=m.rpm'], 9, cause, environment);
    await refused(world, ['ldtarball', 'none.rpm'], 2, /archive not found: \/none\.rpm/, environment);
  });
});
