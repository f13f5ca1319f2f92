import { mkdirSync, mkdtempSync, symlinkSync } from 'node:fs';
import { release as running } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { readSettings } from '../../../../src/engine/conf/framework-conf.ts';
import type { FailureKind } from '../../../../src/engine/errors.ts';
import { scopeOf } from '../../../../src/engine/plan/scope.ts';
import type { KernelScope, SyncRequest } from '../../../../src/engine/request.ts';
import type { Settings } from '../../../../src/engine/settings.ts';
import { type EntryRecord, writeRecord } from '../../../../src/engine/state/record.ts';
import * as chroots from '../../../../src/engine/system/chroot.ts';
import type { TreeEntry } from '../../../../src/engine/tree/tree.ts';
import { put, temporaryDirectory } from '../../temporary.ts';

const root = temporaryDirectory();

/** Trees with 6.1.0-9 and 6.1.0-10, both bootable, headers only of 6.5, an empty directory of 6.9, and one source. */
const world = async (distribution: string, framework = ''): Promise<Settings> => {
  const base = mkdtempSync(join(root, 'world-'));
  const installTree = join(base, 'modules');
  put(join(installTree, '6.1.0-9/modules.order'));
  put(join(installTree, '6.1.0-10/vmlinuz'));
  mkdirSync(join(installTree, '6.5/build'), { recursive: true });
  mkdirSync(join(installTree, '6.9'));
  put(join(base, 'src/here-1.0/dkms.conf'));
  put(join(base, 'etc/framework.conf'), framework);
  const osRelease = put(join(base, 'os-release'), `ID=${distribution}\n`);
  return readSettings({ installTree, osRelease, confDir: join(base, 'etc'), sourceTree: join(base, 'src') }, {}, 1);
};

const requestOf = (scope: KernelScope, more: Partial<SyncRequest> = {}): SyncRequest => ({
  verb: 'sync',
  origin: 'hook',
  scope,
  touched: { kernels: [], sources: [] },
  leaving: { kernels: [], sources: [] },
  transactionGoesOn: false,
  initramfsFollows: [],
  dropOnly: false,
  dryRun: false,
  ...more,
});

const entry = (settings: Settings, name: string): TreeEntry => ({
  module: { name, version: '1.0' },
  directory: `/dkms/${name}/1.0`,
  source: join(settings.sourceTree, `${name}-1.0`),
  broken: false,
  built: [],
});

const touched = (kernels: readonly string[], sources: readonly string[] = []) => ({ touched: { kernels, sources } });

describe('kernels of a sync', () => {
  const all = ['6.1.0-10', '6.1.0-9'];
  const cases: readonly (readonly [string, string, string, KernelScope, readonly string[]])[] = [
    ['the usual ones of Arch are all that boot', 'arch', '', { kind: 'usual' }, all],
    ["the usual ones of Arch's relatives too", 'archarm', '', { kind: 'usual' }, all],
    ['the usual ones elsewhere are the newest', 'debian', '', { kind: 'usual' }, ['6.1.0-10']],
    ['all that boot, the newest first', 'debian', '', { kind: 'bootable' }, all],
    ["the event's and the newest", 'debian', '', { kind: 'current', releases: ['6.1.0-9'] }, all],
    ["the event's once", 'debian', '', { kind: 'current', releases: ['6.1.0-10'] }, ['6.1.0-10']],
    ["the event's, if there is none", 'debian', '', { kind: 'current', releases: [] }, ['6.1.0-10']],
    ["the event's only if it boots", 'debian', '', { kind: 'current', releases: ['6.5'] }, ['6.1.0-10']],
    ["the usual ones and the queue's", 'debian', '', { kind: 'usual', releases: ['6.1.0-9', '6.5'] }, all],
    ['all of them where the settings say so', 'debian', 'autoinstall_all_kernels=yes', { kind: 'usual' }, all],
    ['the newest of those that are looked after', 'debian', 'skip_kernels="*-10"', { kind: 'usual' }, ['6.1.0-9']],
    ['of all that boot those that are looked after', 'arch', 'kernels="*-10 5.*"', { kind: 'usual' }, ['6.1.0-10']],
    [
      'no event that is passed over',
      'debian',
      'skip_kernels="*-9"',
      { kind: 'current', releases: ['6.1.0-9'] },
      ['6.1.0-10'],
    ],
    ['none where all are passed over', 'debian', 'skip_kernels="*"', { kind: 'usual' }, []],
    [
      'those that were named, whatever the settings say',
      'debian',
      'skip_kernels="*"',
      { kind: 'only', kernels: [{ release: '6.1.0-9' }] },
      ['6.1.0-9'],
    ],
    ['here the newest, where the running one is not installed', 'debian', '', { kind: 'here' }, ['6.1.0-10']],
    [
      'those that were named, also with headers only',
      'arch',
      '',
      { kind: 'only', kernels: [{ release: '6.5' }] },
      ['6.5'],
    ],
  ];
  it.each(cases)('%s', async (_what, distribution, framework, scope, expected) => {
    const found = scopeOf(await world(distribution, framework), requestOf(scope), []);
    expect(found.kernels.map((kernel) => kernel.release)).toEqual(expected);
    expect(found.failures).toEqual([]);
  });
  it.each<readonly [string, KernelScope, readonly string[]]>([
    ['debian', { kind: 'usual' }, ['6.1.0-10']],
    ['debian', { kind: 'current', releases: ['6.1.0-9'] }, ['6.1.0-9', '6.1.0-10']],
    ['arch', { kind: 'bootable' }, ['6.1.0-9', '6.1.0-10']],
    ['arch', { kind: 'only', kernels: [{ release: '6.1.0-9' }] }, []],
  ])('tells on %s which of %j are passed over', async (distribution, scope, releases) => {
    const settings = await world(distribution, 'skip_kernels="6.1.*"');
    const skipped = releases.map((release) => ({ release, setting: 'skip_kernels' }));
    expect(scopeOf(settings, requestOf(scope), []).skipped).toEqual(skipped);
    const leaving = { kernels: [...releases], sources: [] };
    expect(scopeOf(settings, requestOf(scope, { leaving }), []).skipped).toEqual([]);
    expect(scopeOf(settings, requestOf(scope, { dropOnly: true }), []).skipped).toEqual([]);
  });
  it('takes an architecture for the kernel that is here', async () => {
    const { kernels } = scopeOf(await world('debian'), requestOf({ kind: 'here', arch: 'i686' }), []);
    expect(kernels).toEqual([{ release: '6.1.0-10', arch: 'i686' }]);
  });
  it('fails for the kernel that is here where none is', async () => {
    const settings = { ...(await world('debian')), installTree: mkdtempSync(join(root, 'empty-')) };
    const found = scopeOf(settings, requestOf({ kind: 'here' }), []);
    expect(found).toMatchObject({ kernels: [], failures: [{ kind: 'kernel-missing' }] });
  });
  it('looks after the running kernel too', async () => {
    const settings = await world('debian');
    put(join(settings.installTree, running(), 'vmlinuz'));
    put(join(settings.installTree, '999.1/vmlinuz'));
    const releases = (scope: KernelScope) =>
      scopeOf(settings, requestOf(scope), []).kernels.map((kernel) => kernel.release);
    expect(releases({ kind: 'usual' })).toEqual(['999.1', running()]);
    expect(releases({ kind: 'current', releases: ['6.1.0-9'] }).sort()).toEqual(['999.1', running(), '6.1.0-9'].sort());
    expect(releases({ kind: 'running' })).toEqual([running()]);
  });
  it('looks after a kernel again that waited for headers which are there now', async () => {
    const settings = { ...(await world('debian')), stateDir: mkdtempSync(join(root, 'state-')) };
    const failed = (kind: FailureKind) => ({ inputs: '', failure: { kind }, at: '', transient: true });
    const records: readonly [string, EntryRecord][] = [
      ['6.1.0-9', { version: 2, failure: failed('headers-missing') }],
      ['6.1.0-11', { version: 2, failure: failed('headers-missing') }],
      ['6.1.0-7', { version: 2, failure: failed('compiler-failed') }],
      ['6.1.0-8', { version: 2 }],
      ['6.5', { version: 2, failure: failed('headers-missing') }],
    ];
    for (const [release, record] of records)
      writeRecord(settings.stateDir, { name: 'a', version: '1.0' }, { release, arch: 'x86_64' }, record);
    for (const release of ['6.1.0-7', '6.1.0-8', '6.1.0-11']) put(join(settings.installTree, release, 'vmlinuz'));
    put(join(settings.installTree, '999.1/vmlinuz'));
    for (const release of ['6.1.0-7', '6.1.0-8', '6.1.0-9']) mkdirSync(join(settings.installTree, release, 'build'));
    const { kernels } = scopeOf(settings, requestOf({ kind: 'usual' }), []);
    expect(kernels.map((kernel) => kernel.release)).toEqual(['999.1', '6.1.0-9']);
  });
  it('looks after all that boot in a chroot, where the running kernel is not its own', async () => {
    const chroot = vi.spyOn(chroots, 'isInChroot').mockReturnValue(true);
    try {
      const { kernels } = scopeOf(await world('debian'), requestOf({ kind: 'usual' }), []);
      expect(kernels.map((kernel) => kernel.release)).toEqual(all);
    } finally {
      chroot.mockRestore();
    }
  });
  it('looks after no running kernel that is not there', async () => {
    const settings = await world('debian');
    mkdirSync(join(settings.installTree, running()));
    expect(scopeOf(settings, requestOf({ kind: 'running' }), [])).toMatchObject({ kernels: [], failures: [] });
  });
  it('keeps one release of two architectures apart', async () => {
    const named = ['i686', 'x86_64', 'i686'].map((arch) => ({ release: '6.5', arch }));
    const { kernels } = scopeOf(await world('debian'), requestOf({ kind: 'only', kernels: named }), []);
    expect(kernels.map(({ arch }) => arch)).toEqual(['i686', 'x86_64']);
  });
  it('takes an architecture with a name', async () => {
    const found = scopeOf(
      await world('debian'),
      requestOf({ kind: 'only', kernels: [{ release: '6.5', arch: 'i686' }] }),
      [],
    );
    expect(found.kernels).toEqual([{ release: '6.5', arch: 'i686' }]);
  });
  it.each(['7.0', '../6.5', ''])(
    'fails for the kernel %j that is not there, and goes on with the others',
    async (release) => {
      const found = scopeOf(
        await world('debian'),
        requestOf({ kind: 'only', kernels: [{ release }, { release: '6.5' }] }),
        [],
      );
      expect(found.failures).toEqual([expect.objectContaining({ kind: 'kernel-missing' })]);
      expect(found.kernels.map((kernel) => kernel.release)).toEqual(['6.5']);
    },
  );
});

describe('what comes and what goes', () => {
  it('finds out by looking whether a touched kernel is gone', async () => {
    const settings = await world('arch');
    const found = scopeOf(settings, requestOf({ kind: 'bootable' }, touched(['6.1.0-9', '6.5', '6.9', '5.10'])), []);
    expect(found.leavingKernels).toEqual(['6.9', '5.10']);
  });
  it('does not build for a kernel that leaves', async () => {
    const leaving = { kernels: ['6.1.0-10'], sources: [] };
    const found = scopeOf(await world('arch'), requestOf({ kind: 'bootable' }, { leaving }), []);
    expect(found.leavingKernels).toEqual(['6.1.0-10']);
    expect(found.kernels.map((kernel) => kernel.release)).toEqual(['6.1.0-9']);
  });
  it('builds for nothing where things are only dropped', async () => {
    const found = scopeOf(await world('arch'), requestOf({ kind: 'bootable' }, { dropOnly: true }), []);
    expect(found.kernels).toEqual([]);
  });
  it('takes a source directory without a dkms.conf for gone', async () => {
    const settings = await world('debian');
    put(join(settings.sourceTree, 'bare-1.0/a.c'));
    const found = scopeOf(settings, requestOf({ kind: 'usual' }, touched([], ['bare-1.0'])), [entry(settings, 'bare')]);
    expect([found.sources, found.leavingEntries.map((one) => one.module.name)]).toEqual([[], ['bare']]);
  });
  it('knows the entry of a source that leaves by its name and by where that leads', async () => {
    const settings = await world('debian');
    symlinkSync('here-1.0', join(settings.sourceTree, 'link-1.0'));
    const leaving = { kernels: [], sources: ['link-1.0'] };
    const entries = ['here', 'link', 'silent'].map((name) => entry(settings, name));
    const found = scopeOf(settings, requestOf({ kind: 'usual' }, { leaving }), entries);
    expect(found.leavingEntries.map((one) => one.module.name)).toEqual(['here', 'link']);
  });
  it('tells sources that are there from those that are gone, and drops only what an event names', async () => {
    const settings = await world('debian');
    const entries = ['here', 'gone', 'silent'].map((name) => entry(settings, name));
    const found = scopeOf(
      settings,
      requestOf({ kind: 'usual' }, touched([], ['here-1.0', 'gone-1.0', 'never-1.0'])),
      entries,
    );
    expect(found.sources).toEqual(['here-1.0']);
    expect(found.leavingEntries.map((one) => one.module.name)).toEqual(['gone']);
  });
  it('drops nothing that cannot be looked at, and says why', async () => {
    const settings = await world('arch');
    symlinkSync('loop', join(settings.installTree, 'loop'));
    symlinkSync('loop-1.0', join(settings.sourceTree, 'loop-1.0'));
    const found = scopeOf(settings, requestOf({ kind: 'bootable' }, touched(['loop'], ['loop-1.0', 'here-1.0'])), [
      entry(settings, 'loop'),
    ]);
    expect(found).toMatchObject({
      leavingKernels: [],
      leavingEntries: [],
      sources: ['here-1.0'],
      coming: ['here-1.0'],
    });
    expect(found.failures).toEqual([expect.objectContaining({ detail: expect.stringContaining('ELOOP') })]);
    const only = scopeOf(settings, requestOf({ kind: 'only', kernels: [{ release: 'loop' }] }), []);
    expect(only).toMatchObject({ kernels: [], failures: [{ kind: 'kernel-missing' }] });
  });
  it('tells what is to come by the sources that are named as leaving and are not there', async () => {
    const settings = await world('debian');
    const leaving = { kernels: [], sources: ['here-1.0', 'next-2.0'] };
    const entries = ['here', 'next'].map((name) => entry(settings, name));
    const found = scopeOf(settings, requestOf({ kind: 'usual' }, { leaving }), [
      ...entries,
      { ...entry(settings, 'next'), source: join(settings.sourceTree, 'next-2.0') },
    ]);
    expect(found.coming).toEqual(['next-2.0']);
    expect(found.leavingEntries.map((one) => one.module.name)).toEqual(['here']);
  });
});
