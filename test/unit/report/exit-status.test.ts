import { describe, expect, it } from 'vitest';
import type { Summary } from '../../../src/engine/answers.ts';
import type { Failure } from '../../../src/engine/errors.ts';
import type { Outcome } from '../../../src/engine/outcome.ts';
import { type ExitPolicy, exitStatus, failureStatus, unexpectedStatus } from '../../../src/report/exit-status.ts';
import { missingRequired } from '../../../src/report/required.ts';

const kernel = { release: '6.1.0', arch: 'x86_64' };
const failed: Outcome = { kind: 'failed', failure: { kind: 'compiler-failed' }, remembered: false };
const blocked: Outcome = { kind: 'blocked', why: { reason: 'dependency-failed', dependency: 'a', root: 'a' } };
const interrupted: Outcome = { kind: 'skipped', why: { reason: 'interrupted' } };
const deferred: Outcome = { kind: 'deferred', why: { reason: 'headers-may-follow' } };
const newer: Outcome = { kind: 'skipped', why: { reason: 'newer-in-tree', path: '/x' } };

const summary = (outcomes: readonly Outcome[], more: Partial<Summary> = {}): Summary => ({
  kind: 'summary',
  rows: outcomes.map((outcome, i) => ({ module: { name: `m${i}`, version: '1' }, kernel, outcome })),
  failures: [],
  notes: [],
  seconds: 1,
  ...more,
});

const all: readonly ExitPolicy[] = ['typed', 'pacman', 'apt', 'rpm'];
const statuses = (answer: Summary, requiredFailed = false): number[] =>
  all.map((exitPolicy) => exitStatus(answer, exitPolicy, { requiredFailed }));

describe('exitStatus', () => {
  it('is 0 when all went well, also with what is deferred or passed over', () => {
    expect(statuses(summary([{ kind: 'installed' }, deferred, newer]))).toEqual([0, 0, 0, 0]);
  });
  it.each([
    ['a failed row', summary([failed])],
    ['a blocked row', summary([blocked])],
    ['an interrupted row', summary([interrupted])],
    ['a failure of the run', summary([], { failures: [{ kind: 'depmod-failed' }] })],
  ])('is 1 for typed commands and pacman with %s', (_name, answer) => {
    expect(statuses(answer)).toEqual([1, 1, 0, 0]);
  });
  it('is 1 for typed commands and pacman when a required module is missing', () => {
    expect(statuses(summary([deferred]), true)).toEqual([1, 1, 0, 0]);
  });
  it('is 75 for whoever did not get the lock: the shell of a hook lets its words wait', () => {
    expect(statuses(summary([], { failures: [{ kind: 'lock-busy' }] }))).toEqual([75, 75, 75, 75]);
  });
  it('tells the signal that ended the run', () => {
    expect(statuses(summary([failed], { signal: 'SIGINT' }))).toEqual([130, 130, 0, 0]);
    expect(statuses(summary([failed], { signal: 'SIGTERM' }))).toEqual([143, 143, 0, 0]);
  });
  it('fails the unit at boot only for required modules', () => {
    expect(exitStatus(summary([failed]), 'boot', { requiredFailed: false })).toBe(0);
    expect(exitStatus(summary([failed]), 'boot', { requiredFailed: true })).toBe(1);
  });
  it('stops a transaction only for required modules', () => {
    const finding = { module: { name: 'a', version: '1' }, release: '6.2', rule: 'BUILD_EXCLUSIVE_KERNEL', value: 'x' };
    const guarded = (required: boolean) =>
      exitStatus({ kind: 'guarded', findings: [{ ...finding, required }], builds: [] }, 'guard', {
        requiredFailed: false,
      });
    expect([guarded(true), guarded(false)]).toEqual([1, 0]);
    const mixed = [false, true, false].map((required) => ({ ...finding, required }));
    expect(exitStatus({ kind: 'guarded', findings: mixed, builds: [] }, 'guard', { requiredFailed: false })).toBe(1);
    const built = (verdict: 'ready' | 'stop' | 'warning' | 'untried') => {
      const row = {
        module: finding.module,
        kernel: { release: '6.2', arch: 'x86_64' },
        outcome: { kind: 'unchanged' },
      } as const;
      return exitStatus({ kind: 'guarded', findings: [], builds: [{ row, verdict }] }, 'guard', {
        requiredFailed: false,
      });
    };
    expect([built('stop'), built('warning'), built('untried'), built('ready')]).toEqual([1, 0, 0, 0]);
    expect([failureStatus({ kind: 'conf-broken' }, 'guard'), unexpectedStatus('guard')]).toEqual([0, 0]);
  });
  it('is 1 for modules that will not load, and where nobody can know', () => {
    const bad = { module: { name: 'a', version: '1' }, failure: { kind: 'will-not-load' } as const };
    const verified = (failures: readonly (typeof bad)[], certain = true) => {
      const kernels = [{ release: '6.1', objects: 1, certain, failures, unchecked: [], missing: [] }];
      return exitStatus({ kind: 'verified', kernels, failures: [] }, 'typed', { requiredFailed: false });
    };
    expect([verified([]), verified([bad]), verified([], false)]).toEqual([0, 1, 1]);
    const mixed = [true, false].map((certain) => ({
      release: '6.1',
      objects: 1,
      certain,
      failures: [],
      unchecked: [],
      missing: [],
    }));
    const answer = { kind: 'verified', kernels: mixed, failures: [] } as const;
    expect(exitStatus(answer, 'typed', { requiredFailed: false })).toBe(1);
    const unasked = { kind: 'verified', kernels: [], failures: [{ kind: 'kernel-missing' }] } as const;
    expect(exitStatus(unasked, 'typed', { requiredFailed: false })).toBe(1);
  });
  it('is 0 for answers that change nothing, and 1 when there is none', () => {
    const options = { requiredFailed: false };
    expect(
      exitStatus(
        { kind: 'plan', atOnce: 2, plan: { jobs: [], settled: [] }, keys: [], failures: [], notes: [] },
        'typed',
        options,
      ),
    ).toBe(0);
    expect(exitStatus({ kind: 'status', entries: [], skipped: [] }, 'typed', options)).toBe(0);
    expect(exitStatus({ kind: 'nothing', about: 'log', asked: 'zfs' }, 'typed', options)).toBe(1);
  });
});

describe('the numbers of dkms', () => {
  const excluded: Outcome = {
    kind: 'skipped',
    why: { reason: 'excluded', rule: 'BUILD_EXCLUSIVE_ARCH', value: '^arm' },
  };
  const autoinstallNo: Outcome = { kind: 'skipped', why: { reason: 'autoinstall-no' } };
  const installed: Outcome = { kind: 'installed' };
  const failedBy = (kind: Failure['kind']): Outcome => ({ kind: 'failed', failure: { kind }, remembered: false });
  /** One row on each kernel: 6.1, 6.2, … */
  const onKernels = (...outcomes: readonly Outcome[]): Summary => {
    const { rows, ...rest } = summary(outcomes);
    return { ...rest, rows: rows.map((row, i) => ({ ...row, kernel: { ...kernel, release: `6.${i + 1}` } })) };
  };
  const runFailed = (kind: Failure['kind'], outcomes: readonly Outcome[] = []): Summary =>
    summary(outcomes, { failures: [{ kind }] });

  it.each<[string, Summary, number]>([
    ['all went well', summary([installed, { kind: 'unchanged' }]), 0],
    ['nothing was asked', summary([]), 0],
    ['a compiler failed', summary([failed]), 10],
    ['the first of several failures', summary([installed, failedBy('headers-missing'), failed]), 21],
    ['a failure of the run before one of a row', runFailed('conf-broken', [failed]), 8],
    ['something is blocked', summary([blocked]), 1],
    ['the run was interrupted', summary([interrupted]), 1],
    ['a failure goes before what the kernel has itself', summary([newer, blocked]), 1],
    ['another run has the lock', runFailed('lock-busy'), 75],
    ['the kernel is ruled out', summary([excluded]), 77],
    ['the kernel has it itself in a newer version', summary([newer]), 6],
    ['the kernel has one itself, and is ruled out for another', summary([excluded, newer]), 6],
    ['what was needed is passed over, but the kernel got something', summary([excluded, newer, installed]), 0],
    ['one of two kernels is ruled out', onKernels(installed, excluded), 77],
    ['one of two kernels has it itself', onKernels(newer, installed), 6],
    ['something is skipped for another reason', summary([autoinstallNo]), 0],
    ['something has to wait', summary([deferred]), 0],
  ])('are those of the command where %s', (_what, answer, status) => {
    expect(exitStatus(answer, 'dkms', { requiredFailed: false })).toBe(status);
  });
  it.each<[string, Summary, number]>([
    ['all went well', summary([installed, excluded, newer]), 0],
    ['a compiler failed', summary([failed]), 11],
    ['something is blocked', summary([blocked]), 11],
    ['headers are missing for one of several', summary([failed, failedBy('headers-missing')]), 21],
    ['a kernel is not there', runFailed('kernel-missing', [installed]), 21],
    ['the run itself failed', runFailed('depmod-failed'), 11],
    ['another run has the lock', runFailed('lock-busy'), 75],
  ])('are few for autoinstall: %s', (_what, answer, status) => {
    expect(exitStatus(answer, 'dkms-autoinstall', { requiredFailed: false })).toBe(status);
  });
  it.each<[string, Summary, number]>([
    ['all went well', summary([installed, excluded]), 0],
    ['a compiler failed', summary([failed]), 14],
    ['headers are missing', summary([failedBy('headers-missing')]), 14],
    ['another run has the lock', runFailed('lock-busy'), 75],
  ])('are one for what is done before and after a kernel: %s', (_what, answer, status) => {
    expect(exitStatus(answer, 'dkms-kernel', { requiredFailed: false })).toBe(status);
  });
  it('do not ask for required modules', () => {
    const policies: readonly ExitPolicy[] = ['dkms', 'dkms-autoinstall', 'dkms-kernel'];
    expect(policies.map((one) => exitStatus(summary([deferred]), one, { requiredFailed: true }))).toEqual([0, 0, 0]);
  });
});

describe('a run that could not begin', () => {
  const by = (failure: Failure): number[] => all.map((exitPolicy) => failureStatus(failure, exitPolicy));
  it('has the code of its failure when typed, and the exitPolicy of hooks else', () => {
    expect(by({ kind: 'conf-broken' })).toEqual([8, 1, 0, 0]);
    expect(by({ kind: 'lock-busy' })).toEqual([75, 1, 0, 0]);
  });
  it('is 2 for wrong words whoever wrote them', () => {
    expect(by({ kind: 'bad-usage' })).toEqual([2, 2, 2, 2]);
  });
  it('tells the shell of a hook that it broke, and dpkg nothing', () => {
    expect(all.map(unexpectedStatus)).toEqual([1, 70, 70, 70]);
  });
});

describe('missingRequired', () => {
  it('is satisfied by what will load: ours or the newer one of the kernel', () => {
    const answer = summary([{ kind: 'installed' }, { kind: 'unchanged' }, newer]);
    expect(missingRequired(answer, ['m0', 'm1', 'm2'])).toEqual([]);
  });
  it('counts deferred, skipped, failed, only built and unknown ones as missing', () => {
    const answer = summary([deferred, interrupted, failed, { kind: 'built' }, { kind: 'installed' }]);
    expect(missingRequired(answer, ['m0', 'm1', 'm2', 'm3', 'm4', 'typo'])).toEqual([
      { release: '6.1.0', names: ['m0', 'm1', 'm2', 'm3', 'typo'] },
    ]);
  });
  it('counts each kernel by itself', () => {
    const { rows, ...rest } = summary([{ kind: 'installed' }, failed]);
    const apart = {
      ...rest,
      rows: rows.map((row, i) => ({
        ...row,
        module: { name: 'zfs', version: '1' },
        kernel: { ...kernel, release: `6.${i}` },
      })),
    };
    expect(missingRequired(apart, ['zfs'])).toEqual([{ release: '6.1', names: ['zfs'] }]);
  });
  it('asks nothing of a kernel that is being removed, but something of no rows at all', () => {
    expect(missingRequired(summary([{ kind: 'removed' }]), ['m0'])).toEqual([]);
    const { rows, ...rest } = summary([failed]);
    const staying = { ...rest, rows: rows.map((row) => ({ ...row, stays: '0.9' })) };
    expect(missingRequired(staying, ['m0'])).toEqual([]);
    expect(missingRequired(summary([]), ['zfs'])).toEqual([{ names: ['zfs'] }]);
    expect(missingRequired(summary([]), [])).toEqual([]);
    const note = { note: 'kernel-skipped', release: '6.1', setting: 'kernels', isNew: true } as const;
    expect(missingRequired({ ...summary([]), notes: [note] }, ['zfs'])).toEqual([]);
  });
});
