import { chmodSync, existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readPlainSettings, readSettings } from '../../../../src/engine/conf/framework-conf.ts';
import { FailureError } from '../../../../src/engine/errors.ts';
import type { Overrides, Settings } from '../../../../src/engine/settings.ts';
import { distributionOf } from '../../../../src/engine/system/distribution.ts';
import { put, temporaryDirectory } from '../../temporary.ts';

const root = temporaryDirectory();

/** Settings out of a directory with these files. */
const settingsOf = (
  files: Readonly<Record<string, string>>,
  mode = 0o644,
  overrides: Overrides = {},
): Promise<Settings> => {
  const confDir = mkdtempSync(join(root, 'conf-'));
  const osRelease = put(join(confDir, 'os-release'), files['os-release'] ?? 'ID=debian\n');
  for (const [name, text] of Object.entries(files)) {
    // The mode of a new file is cut by the umask.
    chmodSync(put(join(confDir, name), text), mode);
  }
  return readSettings({ confDir, osRelease, ...overrides }, { PATH: process.env.PATH }, 7);
};

const textOf = (path: string): string | undefined => (existsSync(path) ? readFileSync(path, 'utf8') : undefined);

const failureOf = async (settings: Promise<Settings>) => {
  try {
    await settings;
  } catch (error) {
    if (error instanceof FailureError) return error.failure;
    throw error;
  }
  return undefined;
};

const prebuilt: Settings['prebuilt'] = {
  policy: 'prefer',
  keepSignatures: false,
  signers: '/etc/kmodsort/allowed_signers',
  revoked: '/etc/kmodsort/revoked_signers',
  auth: '/etc/kmodsort/auth.json',
};

describe('readPlainSettings', () => {
  it.each([
    ['', {}],
    ['# nothing\n\n   # more\n', {}],
    ['a=1\nb="two words"\nc=\'th$ree\'\n', { a: '1', b: 'two words', c: 'th$ree' }],
    ['export a=1', { a: '1' }],
    ['a=1; # why', { a: '1' }],
    ['a=', { a: '' }],
    ['  a=1  ', { a: '1' }],
    ['\texport\t a=1', { a: '1' }],
    ['a=1;', { a: '1' }],
    ['a=1 ;# why', { a: '1' }],
    ['a=1 # why', { a: '1' }],
    ['a="x" #why', { a: 'x' }],
    ["a='$HOME `date` \\ \" ;'", { a: '$HOME `date` \\ " ;' }],
    ['a="it\'s; (fine) # here"', { a: "it's; (fine) # here" }],
    ['a=""', { a: '' }],
    ["a=''", { a: '' }],
    ['_a1=/usr/src:x,y=z', { _a1: '/usr/src:x,y=z' }],
    ['A_b="~/x"', { A_b: '~/x' }],
    ['a="$kernelver"', { a: '$kernelver' }],
    ['a=1\na=2', { a: '2' }],
    ['a=1\r\nb=2\r\n', { a: '1', b: '2' }],
    [`key="/k/$kernelver/\${kernelver}.key"`, { key: `/k/$kernelver/\${kernelver}.key` }],
  ])('reads %j', (text, expected) => {
    expect(readPlainSettings(text)).toEqual(expected);
  });
  it.each([
    ['a=$(date)'],
    ['a=`date`'],
    ['a="$HOME"'],
    ['a="x\\"y"'],
    ['if true; then a=1; fi'],
    ['a=1 b=2'],
    ['a=1; rm x'],
    ['a+=1'],
    ['a[0]=1'],
    ['. /other'],
    ['a'],
    ['=1'],
    ['1a=1'],
    ['a-b=1'],
    ['a =1'],
    ['a= 1'],
    ['a=1#why'],
    ['a=1;;'],
    ['a=1; b=2'],
    ['exporta=1 x'],
    ['declare a=1'],
    ['a="$kernelversion"'],
    ['a="$kernelver_x"'],
    ['a="${kernelver"'],
    [`a="\${kernelver:-x}"`],
    ['a=~/x'],
    ['a=/x:~/y'],
    ['a="x"#why'],
    ['a=$kernelver'],
    ["a='x'y"],
    ['a="x"\'y\''],
    ['a="x'],
    ["a='x"],
    ['a=x\\'],
    ['a=x&'],
    ['a=x|y'],
    ['a=<x'],
    ['a=>x'],
    ['a=(x)'],
    ['b=1\na=$(date)'],
  ])('leaves %j to a shell', (text) => {
    expect(readPlainSettings(text)).toBeUndefined();
  });
});

const xzUsual = ['--check=crc32', '--lzma2=dict=1MiB'];
const zstUsual = ['-q', '--rm', '-T0'];
/** Directories of each reading. */
const sameHere = { confDir: '', osRelease: '' };

describe('readSettings', () => {
  it('has defaults where no file is', async () => {
    const settings = await settingsOf({});
    expect(settings).toMatchObject({
      dkmsTree: '/var/lib/dkms',
      sourceTree: '/usr/src',
      installTree: '/lib/modules',
      stateDir: '/var/lib/kmodsort',
      jobs: 7,
      requiredModules: [],
      strictSources: false,
      buildLimit: 30,
      symlinkModules: false,
      privateInstallTree: false,
      compressOptions: { gz: [], xz: ['--check=crc32', '--lzma2=dict=1MiB'], zst: ['-q', '--rm', '-T0'] },
    });
    expect(settings.postTransaction).toBeUndefined();
  });
  it.each<[string, Partial<Settings>]>([
    ['dkms_tree=/d', { dkmsTree: '/d' }],
    ['source_tree=/s', { sourceTree: '/s' }],
    ['install_tree=/i', { installTree: '/i', privateInstallTree: true }],
    ['install_tree=/lib/modules', { installTree: '/lib/modules', privateInstallTree: false }],
    ['install_tree=/usr/lib/modules', { installTree: '/usr/lib/modules', privateInstallTree: false }],
    ['kmodsort_state=/k', { stateDir: '/k' }],
    ['tmp_location=/t', { temporary: '/t' }],
    ['parallel_jobs=3', { jobs: 3 }],
    ['autoinstall_all_kernels=yes', { autoinstallAllKernels: true }],
    ['', { kernels: [], skipKernels: [] }],
    ['kernels="6.1.* *-cloud"\nskip_kernels=*-rt', { kernels: ['6.1.*', '*-cloud'], skipKernels: ['*-rt'] }],
    ['strict_sources=yes', { strictSources: true }],
    ['build_limit="90"', { buildLimit: 90 }],
    ['build_limit=0', { buildLimit: 0 }],
    ['build_limit=soon', { buildLimit: 30 }],
    ['build_limit=', { buildLimit: 30 }],
    ['', { storeSize: 2 * 1024 ** 3 }],
    ['', { sandbox: 'auto', unconfinedModules: [] }],
    ['sandbox="strict"\nunconfined_modules="a  b"', { sandbox: 'strict', unconfinedModules: ['a', 'b'] }],
    ['sandbox="no"', { sandbox: 'no' }],
    ['sandbox="maybe"', { sandbox: 'auto' }],
    ['', { prebuilt }],
    ['prebuilt=""\nprebuilt_policy="olny"', { prebuilt }],
    [
      'prebuilt="r.example.org/kmods"\nprebuilt_policy="only"\npush_key="/k"',
      { prebuilt: { ...prebuilt, from: 'r.example.org/kmods', policy: 'only', pushKey: '/k' } },
    ],
    [
      'allowed_signers="/a"\nrevoked_signers="/r"\nprebuilt_auth="/j"',
      { prebuilt: { ...prebuilt, signers: '/a', revoked: '/r', auth: '/j' } },
    ],
    ['store_size="500M"', { storeSize: 500 * 1024 ** 2 }],
    ['store_size=1.5G', { storeSize: 1.5 * 1024 ** 3 }],
    ['store_size=640KiB', { storeSize: 640 * 1024 }],
    ['store_size=12345', { storeSize: 12345 }],
    ['store_size=0', { storeSize: 0 }],
    ['store_size=much', { storeSize: 2 * 1024 ** 3 }],
    ['symlink_modules=yes', { symlinkModules: true }],
    ['modprobe_on_install=yes', { modprobeOnInstall: true }],
    ['verbose=1', { verbose: true }],
    ['required_modules="  zfs   nvidia "', { requiredModules: ['zfs', 'nvidia'] }],
    ['post_transaction="update-grub"', { postTransaction: 'update-grub' }],
    ['build_environment="/b/$kernelver"', { buildEnvironment: '/b/$kernelver' }],
    ['ADDON_MODULES_DIR=/updates/own', { addonModulesDir: '/updates/own' }],
    ['compress_gzip_opts="-9 -n"', { compressOptions: { gz: ['-9', '-n'], xz: xzUsual, zst: zstUsual } }],
    ['compress_xz_opts="-6"', { compressOptions: { gz: [], xz: ['-6'], zst: zstUsual } }],
    ['compress_zstd_opts="-3  -q"', { compressOptions: { gz: [], xz: xzUsual, zst: ['-3', '-q'] } }],
    ['compress_zstd_opts=', { compressOptions: { gz: [], xz: xzUsual, zst: [] } }],
    ['sign_file=/s', { signing: { when: 'not_in_chroot', program: '/s' } }],
    ['mok_signing_key=/k', { signing: { when: 'not_in_chroot', key: '/k' } }],
    ['mok_certificate=/c', { signing: { when: 'not_in_chroot', certificate: '/c' } }],
    ['try_sign_modules=true', { signing: { when: 'true' } }],
    ['try_sign_modules=false', { signing: { when: 'false' } }],
    ['try_sign_modules=not_in_chroot', { signing: { when: 'not_in_chroot' } }],
    ['try_sign_modules=yes', { signing: { when: 'not_in_chroot' } }],
    ['anything="of somebody else"', { variables: { anything: 'of somebody else' } }],
  ])('takes %s and leaves all else as it is', async (line, expected) => {
    const usual = await settingsOf({});
    const settings = await settingsOf({ 'framework.conf': `${line}\n` });
    expect({ ...settings, ...sameHere }).toEqual({ ...usual, variables: settings.variables, ...expected, ...sameHere });
  });
  it.each([
    'dkms_tree',
    'source_tree',
    'install_tree',
    'kmodsort_state',
    'tmp_location',
    'required_modules',
    'post_transaction',
    'build_environment',
    'ADDON_MODULES_DIR',
    'sign_file',
    'mok_signing_key',
    'mok_certificate',
  ])('takes an empty %s for one that is not said', async (name) => {
    const [usual, settings] = [await settingsOf({}), await settingsOf({ 'framework.conf': `${name}=""\n` })];
    expect({ ...settings, ...sameHere }).toEqual({ ...usual, ...sameHere, variables: { [name]: '' } });
  });
  it('lets the command line win over the files', async () => {
    const overrides: Overrides = {
      dkmsTree: '/D',
      sourceTree: '/S',
      installTree: '/I',
      stateDir: '/K',
      jobs: 0,
    };
    const framework = 'dkms_tree=/d\nsource_tree=/s\ninstall_tree=/i\nkmodsort_state=/k\nparallel_jobs=3\n';
    expect(await settingsOf({ 'framework.conf': framework }, 0o644, overrides)).toMatchObject(overrides);
  });
  it('takes no more jobs from the command line than there can be', async () => {
    expect((await settingsOf({}, 0o644, { jobs: 1e12 })).jobs).toBe(4096);
  });
  it.each(['/lib/modules/', '//lib//modules//', '/lib/modules'])('knows the tree of the system as %s', async (tree) => {
    const system = { installTree: '/lib/modules', privateInstallTree: false };
    expect(await settingsOf({ 'framework.conf': `install_tree="${tree}"\n` })).toMatchObject(system);
    expect(await settingsOf({}, 0o644, { installTree: tree })).toMatchObject(system);
  });
  it('writes every tree without a slash at its end', async () => {
    const framework = 'dkms_tree=/d/\nsource_tree=/\nkmodsort_state=/k//\n';
    const trees = { dkmsTree: '/d', sourceTree: '/', stateDir: '/k' };
    expect(await settingsOf({ 'framework.conf': framework })).toMatchObject(trees);
  });
  it.each([
    ['ID=arch\n', '/usr/lib/modules'],
    ['ID=archarm\nID_LIKE=arch\n', '/usr/lib/modules'],
    ['ID=debian\n', '/lib/modules'],
    ['ID=monarch\n', '/lib/modules'],
    ['', '/lib/modules'],
  ])('knows where modules are by %j', async (osRelease, installTree) => {
    expect(await settingsOf({ 'os-release': osRelease })).toMatchObject({ installTree, privateInstallTree: false });
  });
  it('works in TMPDIR where no place is set', async () => {
    const confDir = mkdtempSync(join(root, 'conf-'));
    const temporaryOf = async (environment: Readonly<Record<string, string>>) =>
      (await readSettings({ confDir }, environment, 1)).temporary;
    expect([await temporaryOf({ TMPDIR: '/own/tmp' }), await temporaryOf({})]).toEqual(['/own/tmp', '/tmp']);
    put(join(confDir, 'framework.conf'), 'tmp_location=/t\n');
    expect(await temporaryOf({ TMPDIR: '/own/tmp' })).toBe('/t');
  });
  it('reads framework.conf first and framework.conf.d in byte order after it, only what ends in .conf', async () => {
    const settings = await settingsOf({
      'framework.conf': 'dkms_tree=/a\nsource_tree=/a\ninstall_tree=/a\n',
      'framework.conf.d/20-late.conf': 'source_tree=/late\n',
      'framework.conf.d/10-early.conf': 'source_tree=/early\ninstall_tree=/early\n',
      'framework.conf.d/90-not.bak': 'dkms_tree=/bak\n',
      'framework.conf.d/.hidden.conf': 'dkms_tree=/hidden\n',
    });
    expect([settings.dkmsTree, settings.sourceTree, settings.installTree]).toEqual(['/a', '/late', '/early']);
    expect(settings.privateInstallTree).toBe(true);
  });
  it('asks bash about a file that is more than assignments', async () => {
    const settings = await settingsOf({
      'framework.conf':
        'for one in zfs nvidia; do required_modules="$required_modules $one"; done\nparallel_jobs=$((1+2))\n',
    });
    expect([settings.requiredModules, settings.jobs]).toEqual([['zfs', 'nvidia'], 3]);
  });
  it.each([
    ['1', true],
    ['y', true],
    ['Yes', true],
    ['true', true],
    ['on', true],
    ['', false],
    ['0', false],
    ['no', false],
    ['yesterday', false],
  ])('takes symlink_modules=%s for %s', async (text, expected) => {
    expect((await settingsOf({ 'framework.conf': `symlink_modules="${text}"\n` })).symlinkModules).toBe(expected);
  });
  it.each([
    ['0', 0],
    ['4', 4],
    ['12', 12],
    ['4x', 7],
    ['x4', 7],
    ['many', 7],
    ['', 7],
    ['-2', 7],
    ['4096', 4096],
    ['1000000000000', 4096],
    ['9'.repeat(400), 4096],
  ])('takes parallel_jobs=%s for %s cores', async (text, expected) => {
    expect((await settingsOf({ 'framework.conf': `parallel_jobs="${text}"\n` })).jobs).toBe(expected);
  });
  it('lets the options of the compressors be empty', async () => {
    const settings = await settingsOf({ 'framework.conf': 'compress_xz_opts=""\ncompress_gzip_opts="-9 -n"\n' });
    expect(settings.compressOptions).toMatchObject({ xz: [], gz: ['-9', '-n'] });
  });
  it('refuses a file that everybody may write, and names it', async () => {
    expect(await failureOf(settingsOf({ 'framework.conf': 'a=1\n' }, 0o646))).toMatchObject({
      kind: 'conf-unsafe',
      at: expect.stringMatching(/framework\.conf$/),
    });
    expect(await failureOf(settingsOf({ 'framework.conf.d/x.conf': 'a=1\n' }, 0o666))).toMatchObject({
      kind: 'conf-unsafe',
      at: expect.stringMatching(/x\.conf$/),
    });
  });
  it.each([
    ['is no shell', 'if true; then\n', /^\S+framework\.conf: line \d+: .*(syntax error|unexpected)[^\n]*$/],
    ['is no shell far below', `${'#\n'.repeat(200)}if true; then\n`, /: line 20\d: .*(syntax error|unexpected)/],
    ['has a closing bracket too many', 'a=1 )\n', /: line 1: syntax error/],
    ['ends the shell', 'true && exit 3\n', /^bash: exit status 3$/],
  ])('refuses a file that %s, and names it', async (_what, text, detail) => {
    expect(await failureOf(settingsOf({ 'framework.conf': text }))).toEqual({
      kind: 'conf-broken',
      at: expect.stringMatching(/framework\.conf$/),
      detail: expect.stringMatching(detail),
    });
  });
  it('knows of a file that bash reads every name that it assigns, and no other', async () => {
    const text = 'one=1; two="$one 2"\nthree=\nPATH=/own\nfour() { :; }\nkey="/k/$kernelver"\n';
    const expected = { one: '1', two: '1 2', three: '', key: `/k/\${kernelver}` };
    expect((await settingsOf({ 'framework.conf': text })).variables).toEqual(expected);
  });
  it('looks in the places of the system where none is given', async () => {
    const confDir = mkdtempSync(join(root, 'conf-'));
    expect(await readSettings({ confDir }, {}, 1)).toMatchObject({ confDir, osRelease: '/etc/os-release' });
    const { distribution } = await readSettings({ confDir, osRelease: '/nowhere/os-release' }, {}, 1);
    expect(distribution).toBe(distributionOf(textOf('/usr/lib/os-release')));
  });
});

describe('distributionOf', () => {
  it.each([
    ['ID=debian\n', 'debian'],
    ['ID="debian"\n', 'debian'],
    ["ID='debian'\n", 'debian'],
    ['ID=ubuntu\nID_LIKE=debian\n', 'ubuntu'],
    ['ID=linuxmint\nID_LIKE="ubuntu debian"\n', 'ubuntu debian'],
    ['ID_LIKE="rhel centos fedora"\nID="almalinux"\n', 'rhel centos fedora'],
    ['ID="rhel"\nID_LIKE="fedora"\n', 'fedora'],
    ['ID=debian\nID_LIKE=\n', 'debian'],
    ['ID=" debian "\n', 'debian'],
    ['MY_ID=arch\nID=debian\n', 'debian'],
    ['ID=ubuntu-core\nID_LIKE=ubuntu\n', 'ubuntu'],
    ['VERSION_ID=12\nID=arch\n', 'arch'],
    ['NAME=x\n', ''],
    [undefined, ''],
  ])('%j is %j', (text, expected) => {
    expect(distributionOf(text)).toBe(expected);
  });
});
