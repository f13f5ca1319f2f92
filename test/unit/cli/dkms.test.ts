import { describe, expect, it } from 'vitest';
import { parseDkmsCommandLine } from '../../../src/cli/dkms.ts';
import type { CliContext } from '../../../src/cli/dkms-operands.ts';
import { dkmsActions } from '../../../src/cli/dkms-options.ts';
import type { Invocation } from '../../../src/cli/invocation.ts';
import type { Request } from '../../../src/engine/request.ts';

const archives = ['pack.tar.gz', 'pack.tar', 'pack.tar.zst', 'pack.tgz', 'pack.tbz', 'pack.txz', 'pack.tzst'];
const files = [
  '/etc/os-release',
  '/here/module/dkms.conf',
  '/other/dkms.conf',
  '/private/os',
  ...[...archives, 'odd', 'notes.txt', 'pack.tar.gz.asc.x', 'pack.tarball', 'pack.tez'].map((name) => `/here/${name}`),
];
const directories = ['/here/module', '/other', '/here/bare', '/here/zfs'];

const context: CliContext = {
  cwd: '/here',
  columns: 100,
  isRoot: true,
  runningKernel: '6.9.0-run',
  arch: 'x86_64',
  look: (path) => {
    if (files.includes(path)) return 'file';
    return directories.includes(path) ? 'directory' : undefined;
  },
};

const parse = (line: string, where: Partial<CliContext> = {}): Promise<Invocation> =>
  parseDkmsCommandLine(line === '' ? [] : line.split(' '), { ...context, ...where });

/** The request of a command line that is sound. */
const requestOf = async (line: string, where: Partial<CliContext> = {}): Promise<Request> => {
  const invocation = await parse(line, where);
  if (invocation.kind === 'text') throw new Error(invocation.text);
  if (invocation.task.kind !== 'request') throw new Error('not a request');
  return invocation.task.request;
};

/** Exit code and text of a command line that asks for nothing to be done. */
const textOf = async (line: string, where: Partial<CliContext> = {}): Promise<[number, string]> => {
  const invocation = await parse(line, where);
  if (invocation.kind === 'run') throw new Error(`${line} is a run`);
  return [invocation.code, invocation.text];
};

const zfs = { kind: 'module', name: 'zfs', version: '2.3.9' };
const running = { release: '6.9.0-run', arch: 'x86_64' };

describe('what a dkms command is about', () => {
  it.each([
    ['build zfs/2.3.9', zfs],
    ['build -m zfs/2.3.9', zfs],
    ['build -m zfs -v 2.3.9', zfs],
    ['build --module=zfs --module-version=2.3.9', zfs],
    ['build --module zfs --module-version 2.3.9', zfs],
    ['-m zfs -v 2.3.9 build', zfs],
    ['zfs/2.3.9 build', zfs],
    ['-k 6.1.0 build zfs/2.3.9', zfs],
    ['build zfs -v 2.3.9', zfs],
    ['build zfs', { kind: 'module', name: 'zfs' }],
    ['build -m zfs/1.10 -v 7', { kind: 'module', name: 'zfs', version: '1.10' }],
    ['build -m zfs -v 1.10', { kind: 'module', name: 'zfs', version: '1.10' }],
    ['build -m zfs -v 0x10', { kind: 'module', name: 'zfs', version: '0x10' }],
    ['build -m other -v 1 -m zfs -v 2.3.9', zfs],
    ['build -m 1e3 -v 007', { kind: 'module', name: '1e3', version: '007' }],
    ['add module', { kind: 'path', path: '/here/module' }],
    ['add ./module', { kind: 'path', path: '/here/module' }],
    ['add /other', { kind: 'path', path: '/other' }],
    ['add .', { kind: 'path', path: '/here' }],
    ['add /other/dkms.conf', { kind: 'path', path: '/other/dkms.conf' }],
    ['add module/dkms.conf', { kind: 'path', path: '/here/module/dkms.conf' }],
    ['install ../other', { kind: 'path', path: '/other' }],
    ['add ./bare', { kind: 'path', path: '/here/bare' }],
    ['add /nowhere/dkms.conf', { kind: 'path', path: '/nowhere/dkms.conf' }],
    ['add bare', { kind: 'module', name: 'bare' }],
    ['add ..', { kind: 'path', path: '/' }],
    ['add ./odd', { kind: 'archive', path: '/here/odd' }],
    ['add odd', { kind: 'module', name: 'odd' }],
    ['add notes.txt', { kind: 'module', name: 'notes.txt' }],
    ['add pack.tarball', { kind: 'module', name: 'pack.tarball' }],
    ['add pack.tez', { kind: 'module', name: 'pack.tez' }],
    ['add pack.tar.gz.asc.x', { kind: 'module', name: 'pack.tar.gz.asc.x' }],
    ['add gone.tar.gz', { kind: 'module', name: 'gone.tar.gz' }],
    ['add ./gone.tar.gz', { kind: 'path', path: '/here/gone.tar.gz' }],
    ['remove pack.tar.gz', { kind: 'module', name: 'pack.tar.gz' }],
    ['add ./module/dkms.conf', { kind: 'path', path: '/here/module/dkms.conf' }],
  ])('is said by `dkms %s`', async (line, operand) => {
    expect(await requestOf(line)).toMatchObject({ operand });
  });
  it.each(archives)('is an archive where %s is a file', async (name) => {
    for (const action of ['add', 'build', 'install'])
      expect(await requestOf(`${action} ${name}`)).toMatchObject({
        operand: { kind: 'archive', path: `/here/${name}` },
      });
  });
  it('is nothing where no word follows', async () => {
    expect(await requestOf('build')).not.toHaveProperty('operand');
  });
  it('is a name and never a directory where nothing is added', async () => {
    expect(await requestOf('status module')).toMatchObject({ verb: 'status', name: 'module' });
    expect(await requestOf('remove module/1.0 --all')).toMatchObject({ operand: { kind: 'module', name: 'module' } });
    expect(await textOf('remove ./module')).toEqual([1, "dkms: invalid module name or version '.'\n"]);
  });
  it.each(['build ../../etc/1.0 -m ../x', 'build -m zfs -v ..', 'build zfs/1.0/2.0', 'build -m zfs -v a/b'])(
    'is refused with 1 where it is no clean name: `dkms %s`',
    async (line) => {
      expect(await textOf(line)).toEqual([1, expect.stringMatching(/^dkms: invalid module name or version '.*'\n$/)]);
    },
  );
});

describe('kernels of a dkms command', () => {
  const on = (...kernels: [string, string][]) => kernels.map(([release, arch]) => ({ release, arch }));
  it.each([
    ['build m/1', on(['6.9.0-run', 'x86_64'])],
    ['build m/1 -k 6.1', on(['6.1', 'x86_64'])],
    ['build m/1 --kernelver=6.1', on(['6.1', 'x86_64'])],
    ['build m/1 -k 6.10 -k 6.20', on(['6.10', 'x86_64'], ['6.20', 'x86_64'])],
    ['build m/1 -k 6.1/i686', on(['6.1', 'i686'])],
    ['build m/1 -k 6.1/i686 -k 6.2/x86_64', on(['6.1', 'i686'], ['6.2', 'x86_64'])],
    ['build m/1 -a aarch64', on(['6.9.0-run', 'aarch64'])],
    ['build m/1 --arch=aarch64 -k 6.1 -k 6.2', on(['6.1', 'aarch64'], ['6.2', 'aarch64'])],
    ['build m/1 -k 6.1 -k 6.2 -a i686 -a x86_64', on(['6.1', 'i686'], ['6.2', 'x86_64'])],
    ['build m/1 --all', 'all'],
    ['install m/1 --all', 'all'],
    ['remove m/1 --all', 'all'],
    ['unbuild m/1 --all', 'all'],
    ['uninstall m/1 --all', 'all'],
  ])('are read from `dkms %s`', async (line, kernels) => {
    expect(await requestOf(line)).toMatchObject({ kernels });
  });
  it.each([
    ['build m/1 -k 6.1 -k 6.2 -a a -a b -a c', 1, 'give one -a for all -k, or as many -a as -k'],
    ['build m/1 -a a -a b', 1, 'give one -a for all -k, or as many -a as -k'],
    ['build m/1 --all -k 6.1', 2, '--all and -k are mutually exclusive'],
    ['build m/1 --all -a x86_64', 3, '--all and -a are mutually exclusive'],
    ['add m/1 --all', 5, 'add does not accept --all'],
    ['autoinstall --all', 5, 'autoinstall does not accept --all'],
    ['match --templatekernel 6.1 --all', 5, 'match does not accept --all'],
    ['kernel_preinst --all', 5, 'kernel_preinst does not accept --all'],
    ['kernel_postinst --all', 5, 'kernel_postinst does not accept --all'],
    ['kernel_prerm --all', 5, 'kernel_prerm does not accept --all'],
    ['match --templatekernel 6.0 -k 6.1 -k 6.2', 4, 'match accepts one -k only'],
    ['autoinstall -k 6.1 -k 6.2', 4, 'autoinstall accepts one -k only'],
    ['kernel_preinst -k 6.1 -k 6.2', 4, 'kernel_preinst accepts one -k only'],
    ['kernel_postinst -k 6.1 -k 6.2', 4, 'kernel_postinst accepts one -k only'],
    ['kernel_prerm -k 6.1 -k 6.2', 4, 'kernel_prerm accepts one -k only'],
    ['kernel_preinst', 1, 'kernel_preinst requires -k KERNEL'],
    ['kernel_postinst', 4, 'kernel_postinst requires -k KERNEL'],
    ['kernel_prerm', 4, 'kernel_prerm requires -k KERNEL'],
    ['build m/1 --kernelver=', 16, 'an empty kernel or architecture'],
    ['build m/1 -k /x86_64', 16, 'an empty kernel or architecture'],
    ['build m/1 -k 6.1 --arch=', 16, 'an empty kernel or architecture'],
    ['build m/1 -k 6.1/', 16, 'an empty kernel or architecture'],
    ['build m/1 -k ../etc', 16, "invalid kernel or architecture '..'"],
  ])('are refused: `dkms %s` ends with %i', async (line, code, message) => {
    expect(await textOf(line)).toEqual([code, `dkms: ${message}\n`]);
  });
  it('are refused with 16 where a script gives an empty word', async () => {
    for (const option of ['-k', '-a']) {
      const said = await parseDkmsCommandLine(['build', 'm/1', option, ''], context);
      expect(said).toMatchObject({ kind: 'text', code: 16 });
    }
  });
});

describe('actions', () => {
  it.each([
    ['add m/1', { verb: 'add' }],
    ['build m/1', { verb: 'build' }],
    ['install m/1', { verb: 'install' }],
    ['uninstall m/1', { verb: 'uninstall' }],
    ['unbuild m/1', { verb: 'unbuild' }],
    ['remove m/1', { verb: 'remove' }],
    ['match --templatekernel=6.1', { verb: 'match', template: '6.1', kernel: running }],
    ['match', { verb: 'match', kernel: running }],
    [
      'autoinstall -k 6.1/i686',
      { verb: 'sync', origin: 'typed', scope: { kind: 'only', kernels: [{ release: '6.1', arch: 'i686' }] } },
    ],
    ['autoinstall', { verb: 'sync', scope: { kind: 'here', arch: 'x86_64' }, dropOnly: false }],
    ['autoinstall -a i686', { verb: 'sync', scope: { kind: 'here', arch: 'i686' } }],
    [
      'kernel_postinst -k 6.1',
      { verb: 'sync', scope: { kind: 'only', kernels: [{ release: '6.1', arch: 'x86_64' }] }, dropOnly: false },
    ],
    ['kernel_prerm -k 6.1', { verb: 'sync', dropOnly: true, leaving: { kernels: ['6.1'], sources: [] } }],
    ['kernel_preinst -k 6.1', { verb: 'kernel_preinst', kernel: { release: '6.1', arch: 'x86_64' } }],
    ['generate_mok', { verb: 'generate_mok' }],
    ['mktarball m/1', { verb: 'mktarball', sourceOnly: false, binariesOnly: false, kernels: [running] }],
    ['ldtarball pack.tar.gz', { verb: 'ldtarball', archive: '/here/pack.tar.gz' }],
    ['ldtarball --archive pack.tar.gz', { verb: 'ldtarball', archive: '/here/pack.tar.gz' }],
    ['status', { verb: 'status', kernels: [], arches: [] }],
    ['status -m m -v 1.10', { verb: 'status', name: 'm', version: '1.10' }],
    ['status m/1.10 -k 6.1 -k 6.2/i686 -a x', { verb: 'status', kernels: [{ release: '6.1' }, { release: '6.2' }] }],
  ])('`dkms %s` is understood', async (line, request) => {
    expect(await requestOf(line)).toMatchObject(request);
  });
  it.each(['build m/1', 'uninstall m/1', 'remove m/1', 'match', 'mktarball m/1'])(
    '`dkms %s` without -k leaves it to the engine which kernel that is',
    async (line) => {
      expect(await requestOf(line)).toMatchObject({ kernelUnsaid: true });
      expect(await requestOf(`${line} -k 6.1`)).not.toHaveProperty('kernelUnsaid');
      if (line !== 'match') expect(await requestOf(`${line} --all`)).not.toHaveProperty('kernelUnsaid');
    },
  );
  it.each([
    ['install m/1', 'dkms'],
    ['status', 'dkms'],
    ['match', 'dkms'],
    ['autoinstall', 'dkms-autoinstall'],
    ['kernel_postinst -k 6.1', 'dkms-autoinstall'],
    ['kernel_preinst -k 6.1', 'dkms-kernel'],
    ['kernel_prerm -k 6.1', 'dkms-kernel'],
  ])('`dkms %s` has its own exit codes', async (line, exitPolicy) => {
    expect(await parse(line)).toMatchObject({ exitPolicy });
  });
  it('two of them end with 4 and are both named', async () => {
    expect(await textOf('add build m/1')).toEqual([4, 'dkms: more than one action: add and build\n']);
  });
  it('none of them is told with all that there are, and ends with 0 as in dkms', async () => {
    const [code, text] = await textOf('');
    expect(code).toBe(0);
    expect(text).toMatch(/^dkms: no action given\n\ndkms ACTION \[NAME\/VERSION\] \[options\]\n/);
    for (const action of dkmsActions) expect(text).toContain(`  ${action} `);
    expect(await parse('')).toMatchObject({ to: 'err' });
  });
  it('an unknown one ends with 0 too, with the near one named', async () => {
    const [code, text] = await textOf('instal m/1');
    expect([code, text.split('\n')[0]]).toEqual([0, 'dkms: unknown action instal: did you mean install?']);
    expect((await textOf('m/1'))[1]).toMatch(/^dkms: unknown action m\/1\n/);
  });
  it('those that change the running system need root, the others do not', async () => {
    for (const action of dkmsActions) {
      const said = await parse(`${action} m/1 -k 6.1`, { isRoot: false });
      const needs = ['install', 'uninstall', 'match', 'autoinstall'].includes(action) || action.startsWith('kernel_');
      expect([action, said.kind]).toEqual([action, needs ? 'text' : 'run']);
      if (needs)
        expect(said).toMatchObject({ code: 1, text: `dkms: ${action} requires root; run it again with sudo\n` });
    }
  });
  it('ldtarball needs root only to replace what is known', async () => {
    expect((await textOf('ldtarball pack.tar.gz --force', { isRoot: false }))[0]).toBe(1);
    expect((await parse('ldtarball pack.tar.gz', { isRoot: false })).kind).toBe('run');
  });
});

describe('options', () => {
  it('are all taken in both forms', async () => {
    const line =
      'install m/1 -c my.conf --config=kconfig --kernelsourcedir /headers --force --force-version-override --no-depmod ' +
      '--modprobe-on-install --symlink-modules --directive A=1 --directive=B[2]=two --rpm_safe_upgrade';
    expect(await requestOf(line)).toMatchObject({
      switches: {
        conf: '/here/my.conf',
        kernelConfig: '/here/kconfig',
        kernelSource: '/headers',
        force: true,
        forceVersionOverride: true,
        noDepmod: true,
        modprobe: true,
        symlink: true,
        directives: ['A=1', 'B[2]=two'],
        rpmSafeUpgrade: true,
      },
    });
  });
  it('are off where they are not given', async () => {
    expect(await requestOf('install m/1')).toMatchObject({
      switches: {
        force: false,
        noDepmod: false,
        modprobe: false,
        symlink: false,
        directives: [],
        rpmSafeUpgrade: false,
      },
    });
  });
  it('--no-depmod is an option of its own, and --depmod is none', async () => {
    expect((await textOf('install m/1 --depmod'))[0]).toBe(2);
  });
  it('an unknown one ends with 2 and names the near one', async () => {
    expect(await textOf('build m/1 --kernelve 6.1')).toEqual([
      2,
      'dkms: unknown option --kernelve: did you mean --kernelver?\n',
    ]);
    expect((await textOf('build m/1 -z'))[0]).toBe(2);
  });
  it('one without its value ends with 2', async () => {
    expect(await textOf('build m/1 -k')).toEqual([2, 'dkms: -k requires a value\n']);
  });
  it('--binaries-only with --source-only ends with 8', async () => {
    expect(await textOf('mktarball m/1 --binaries-only --source-only')).toEqual([
      8,
      'dkms: --binaries-only and --source-only are mutually exclusive\n',
    ]);
  });
  it('-j is a budget of cores for the run, 0 for no limit', async () => {
    expect(await parse('build m/1 -j 0')).toMatchObject({ overrides: { jobs: 0 } });
    expect(await parse('build m/1 -j7')).toMatchObject({ overrides: { jobs: 7 } });
    expect(await textOf('build m/1 -j many')).toEqual([2, "dkms: --jobs requires a whole number, not 'many'\n"]);
  });
  it('-q, --quiet, --verbose and --debug say how much is told', async () => {
    expect(await parse('build m/1')).toMatchObject({ quiet: false, verbose: false });
    expect(await parse('build m/1 -q')).toMatchObject({ quiet: true });
    expect(await parse('build m/1 --quiet')).toMatchObject({ quiet: true });
    expect(await parse('build m/1 --verbose')).toMatchObject({ verbose: true });
    expect(await parse('build m/1 --debug')).toMatchObject({ verbose: true });
  });
  it('those that mean nothing any more are told', async () => {
    expect(await parse('build m/1 --no-initrd --no-clean-kernel --no-prepare-kernel')).toMatchObject({
      ignored: ['--no-initrd', '--no-clean-kernel', '--no-prepare-kernel'],
    });
  });
  it('name trees, made absolute', async () => {
    expect(await parse('status --dkmstree=tree --sourcetree /s --installtree ../i')).toMatchObject({
      overrides: { dkmsTree: '/here/tree', sourceTree: '/s', installTree: '/i' },
    });
  });
});

describe('questions about dkms itself', () => {
  it.each(['--version', '-V', 'build --version', '--version -m m'])('`dkms %s` prints the version', async (line) => {
    expect(await textOf(line)).toEqual([0, 'dkms-3.4.3\n']);
  });
  it.each(['--help', '-h'])('`dkms %s` names every action', async (line) => {
    const [code, text] = await textOf(line);
    expect(code).toBe(0);
    for (const action of dkmsActions) expect(text).toContain(`  ${action} `);
  });
  it.each(dkmsActions.map((action) => [action]))('`dkms %s --help` shows its own options only', async (action) => {
    const [code, text] = await textOf(`${action} --help`);
    expect([code, text.split('\n')[0]]).toEqual([
      0,
      expect.stringMatching(new RegExp(`^dkms ${action}\\b.*\\[options\\]$`)),
    ]);
    expect(text.includes('--templatekernel')).toBe(action === 'match');
    expect(text.includes('--rpm_safe_upgrade')).toBe(action === 'add' || action === 'remove');
    expect(text).not.toContain('--no-initrd');
  });
  it('are answered to anybody', async () => {
    expect((await textOf('install --help', { isRoot: false, look: () => undefined }))[0]).toBe(0);
  });
});

describe('a system without os-release', () => {
  const nothing = { look: () => undefined };
  it('ends every action with 4 and names the files', async () => {
    const said = 'dkms: cannot determine the distribution: /etc/os-release or /usr/lib/os-release not found\n';
    expect(await textOf('status', nothing)).toEqual([4, said]);
    expect(await textOf('install m/1', nothing)).toEqual([4, said]);
  });
  it('is none where one of the two usual files or the named one is there', async () => {
    const only = (file: string) => ({ look: (path: string) => (path === file ? ('file' as const) : undefined) });
    expect((await parse('status', only('/usr/lib/os-release'))).kind).toBe('run');
    expect((await parse('status --os-release /private/os')).kind).toBe('run');
    expect(await textOf('status --os-release /private/none')).toEqual([
      4,
      'dkms: cannot determine the distribution: /private/none not found\n',
    ]);
  });
});
