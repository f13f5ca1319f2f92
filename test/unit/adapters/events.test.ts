import { describe, expect, it } from 'vitest';
import { type Event, requestOf, withQueued } from '../../../src/adapters/events.ts';

const real = { dryRun: false };

describe('requestOf', () => {
  it('looks after every bootable kernel for pacman, names once and in order', () => {
    const request = requestOf(
      'pacman',
      [
        { kind: 'kernel-touched', release: '6.9-arch1' },
        { kind: 'source-touched', source: 'zfs-2.3.9' },
        { kind: 'kernel-touched', release: '6.1-lts' },
        { kind: 'kernel-touched', release: '6.9-arch1' },
        { kind: 'transaction-ended' },
      ],
      real,
    );
    expect(request).toEqual({
      verb: 'sync',
      origin: 'hook',
      scope: { kind: 'bootable' },
      touched: { kernels: ['6.9-arch1', '6.1-lts'], sources: ['zfs-2.3.9'] },
      leaving: { kernels: [], sources: [] },
      transactionGoesOn: false,
      initramfsFollows: [],
      dropOnly: false,
      dryRun: false,
    });
  });

  it.each(['apt', 'rpm'] as const)('lets headers follow when a kernel arrives through %s', (manager) => {
    const request = requestOf(manager, [{ kind: 'kernel-arrived', release: '6.1.0' }], { dryRun: true });
    expect(request).toMatchObject({
      scope: { kind: 'current', releases: ['6.1.0'] },
      touched: { kernels: ['6.1.0'], sources: [] },
      transactionGoesOn: true,
      dropOnly: false,
      dryRun: true,
    });
  });

  it('only drops when a kernel leaves', () => {
    expect(requestOf('apt', [{ kind: 'kernel-leaving', release: '6.1.0' }], real)).toMatchObject({
      leaving: { kernels: ['6.1.0'], sources: [] },
      touched: { kernels: [], sources: [] },
      dropOnly: true,
      transactionGoesOn: false,
    });
  });

  it('drops sources and kernels that pacman removes', () => {
    const events = [
      { kind: 'source-leaving', source: 'a-1' },
      { kind: 'kernel-leaving', release: '6.1.0' },
    ] as const;
    expect(requestOf('pacman', events, real)).toMatchObject({
      leaving: { kernels: ['6.1.0'], sources: ['a-1'] },
      dropOnly: true,
    });
  });

  it.each([
    ['a kernel that arrives', [{ kind: 'kernel-arrived', release: '6.1' }], ['6.1']],
    ['a kernel whose image was touched', [{ kind: 'kernel-touched', release: '6.1', image: true }], ['6.1']],
    ['a kernel of which something else was touched', [{ kind: 'kernel-touched', release: '6.1' }], []],
    ['a kernel that leaves', [{ kind: 'kernel-leaving', release: '6.1' }], []],
    ['a source', [{ kind: 'source-touched', source: 'zfs-2.3' }], []],
    ['one kernel twice', ['6.1', '6.2', '6.1'].map((release) => ({ kind: 'kernel-arrived', release })), ['6.1', '6.2']],
  ] satisfies [string, Event[], string[]][])(
    'leaves the initramfs to the hook after us for %s',
    (_what, events, releases) => {
      expect(requestOf('apt', events, real).initramfsFollows).toEqual(releases);
    },
  );

  it('goes by each event of several', () => {
    const events = [{ kind: 'kernel-arrived', release: '6.1' }, { kind: 'transaction-ended' }] as const;
    expect(requestOf('apt', events, real)).toMatchObject({ transactionGoesOn: true, dropOnly: false });
    const mixed = [{ kind: 'kernel-leaving', release: '6.1' }, { kind: 'transaction-ended' }] as const;
    expect(requestOf('apt', mixed, real)).toMatchObject({ transactionGoesOn: false, dropOnly: false });
  });

  it('asks for nothing when a removal named nothing of ours', () => {
    expect(requestOf('pacman', [], real).dropOnly).toBe(true);
  });

  it('builds at the end of a transaction that named nothing', () => {
    expect(requestOf('apt', [{ kind: 'transaction-ended' }], real)).toMatchObject({
      scope: { kind: 'current', releases: [] },
      dropOnly: false,
    });
    expect(requestOf('none', [{ kind: 'transaction-ended' }], real)).toMatchObject({
      origin: 'hook',
      scope: { kind: 'usual' },
      dropOnly: false,
    });
  });
});

describe('withQueued', () => {
  const queued = [
    { kind: 'kernel-leaving', release: '6.1' },
    { kind: 'source-leaving', source: 'zfs-2.3' },
  ] as const;
  it('looks at what was announced while the program could not start, as at something that may have come or gone', () => {
    const request = withQueued(requestOf('apt', [{ kind: 'kernel-arrived', release: '6.2' }], real), queued);
    expect(request).toMatchObject({
      scope: { kind: 'current', releases: ['6.2', '6.1'] },
      touched: { kernels: ['6.2', '6.1'], sources: ['zfs-2.3'] },
      leaving: { kernels: [], sources: [] },
    });
  });
  it('makes a boot look after the kernels that came, beside the running one', () => {
    const boot = { ...requestOf('none', [{ kind: 'transaction-ended' }], real), scope: { kind: 'running' } as const };
    expect(withQueued(boot, queued).scope).toEqual({ kind: 'current', releases: ['6.1'] });
    expect(withQueued(boot, []).scope).toEqual({ kind: 'running' });
  });
  it('makes a command look after the kernels that came, beside the usual ones', () => {
    const typed = { ...requestOf('none', [{ kind: 'transaction-ended' }], real), scope: { kind: 'usual' } as const };
    expect(withQueued(typed, queued).scope).toEqual({ kind: 'usual', releases: ['6.1'] });
    expect(withQueued(typed, []).scope).toEqual({ kind: 'usual' });
  });
  it('gives a command for one kernel the sources that came, and no other kernel', () => {
    for (const scope of [{ kind: 'only', kernels: [{ release: '6.2' }] }, { kind: 'here' }] as const) {
      const typed = { ...requestOf('none', [{ kind: 'transaction-ended' }], real), scope };
      expect(withQueued(typed, queued)).toMatchObject({ scope, touched: { kernels: [], sources: ['zfs-2.3'] } });
    }
  });
});
