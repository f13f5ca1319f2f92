import { chmodSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readPlainSettings, readSettings } from '../../../../src/engine/conf/framework-conf.ts';
import { FailureError } from '../../../../src/engine/errors.ts';
import type { Settings } from '../../../../src/engine/settings.ts';
import { put, temporaryDirectory } from '../../temporary.ts';

const root = temporaryDirectory();

/** Settings out of a directory with these files. */
const settingsOf = (files: Readonly<Record<string, string>>, mode = 0o644): Promise<Settings> => {
  const confDir = mkdtempSync(join(root, 'conf-'));
  const osRelease = put(join(confDir, 'os-release'), files['os-release'] ?? 'ID=debian\n');
  for (const [name, text] of Object.entries(files)) {
    // The mode of a new file is cut by the umask.
    chmodSync(put(join(confDir, name), text), mode);
  }
  return readSettings({ confDir, osRelease }, { PATH: process.env.PATH }, 7);
};

const failureOf = async (settings: Promise<Settings>) => {
  try {
    await settings;
  } catch (error) {
    if (error instanceof FailureError) return error.failure;
    throw error;
  }
  return undefined;
};

describe('readPlainSettings', () => {
  it.each([
    ['', {}],
    ['# nothing\n\n   # more\n', {}],
    ['a=1\nb="two words"\nc=\'th$ree\'\n', { a: '1', b: 'two words', c: 'th$ree' }],
    ['export a=1', { a: '1' }],
    ['a=1; # why', { a: '1' }],
    ['a=', { a: '' }],
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
  ])('leaves %j to a shell', (text) => {
    expect(readPlainSettings(text)).toBeUndefined();
  });
});

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
      symlinkModules: false,
      privateInstallTree: false,
      compressOptions: { gz: [], xz: ['--check=crc32', '--lzma2=dict=1MiB'], zst: ['-q', '--rm', '-T0'] },
    });
    expect(settings.postTransaction).toBeUndefined();
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
    ['many', 7],
    ['', 7],
    ['-2', 7],
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
  it('refuses a file that is no shell, and names it', async () => {
    expect(await failureOf(settingsOf({ 'framework.conf': 'if true; then\n' }))).toMatchObject({
      kind: 'conf-broken',
      at: expect.stringMatching(/framework\.conf$/),
    });
  });
});
