import { describe, expect, it } from 'vitest';
import {
  consequenceOf,
  isFailedOrBlocked,
  isFailure,
  isInterrupted,
  isSatisfied,
  type Outcome,
} from '../../../src/engine/outcome.ts';

const skipped = (why: Extract<Outcome, { kind: 'skipped' }>['why']): Outcome => ({ kind: 'skipped', why });

const rows: readonly [
  what: string,
  outcome: Outcome,
  is: { satisfied?: true; failedOrBlocked?: true; interrupted?: true },
][] = [
  ['installed', { kind: 'installed' }, { satisfied: true }],
  ['built', { kind: 'built' }, { satisfied: true }],
  ['unchanged', { kind: 'unchanged' }, { satisfied: true }],
  ['removed', { kind: 'removed' }, { satisfied: true }],
  ['excluded', skipped({ reason: 'excluded', rule: 'BUILD_EXCLUSIVE_ARCH', value: 'arm' }), { satisfied: true }],
  ['newer in the tree', skipped({ reason: 'newer-in-tree', path: '/x.ko' }), { satisfied: true }],
  ['AUTOINSTALL=no', skipped({ reason: 'autoinstall-no' }), {}],
  ['no-autoinstall', skipped({ reason: 'no-autoinstall-file', path: '/x' }), {}],
  ['interrupted', skipped({ reason: 'interrupted' }), { interrupted: true }],
  ['deferred', { kind: 'deferred', why: { reason: 'headers-may-follow' } }, {}],
  ['blocked', { kind: 'blocked', why: { reason: 'cycle', path: ['a', 'a'] } }, { failedOrBlocked: true }],
  ['failed', { kind: 'failed', failure: { kind: 'disk-full' }, remembered: false }, { failedOrBlocked: true }],
];

describe('what an outcome means', () => {
  it.each(rows)('%s', (_what, outcome, { satisfied = false, failedOrBlocked = false, interrupted = false }) => {
    expect({
      satisfied: isSatisfied(outcome),
      failedOrBlocked: isFailedOrBlocked(outcome),
      interrupted: isInterrupted(outcome),
      failure: isFailure(outcome),
    }).toEqual({ satisfied, failedOrBlocked, interrupted, failure: failedOrBlocked || interrupted });
  });
});

describe('what becomes of one that waits for zfs', () => {
  const blocked = (root: string): Outcome => ({
    kind: 'blocked',
    why: { reason: 'dependency-failed', dependency: 'zfs', root },
  });
  it.each([
    ['failed', { kind: 'failed', failure: { kind: 'make-failed' }, remembered: false }, blocked('zfs')],
    [
      'is blocked by spl',
      { kind: 'blocked', why: { reason: 'dependency-failed', dependency: 'spl', root: 'spl' } },
      blocked('spl'),
    ],
    ['is in a cycle', { kind: 'blocked', why: { reason: 'cycle', path: ['zfs', 'zfs'] } }, blocked('zfs')],
    [
      'is deferred',
      { kind: 'deferred', why: { reason: 'headers-may-follow' } },
      { kind: 'deferred', why: { reason: 'dependency-deferred', dependency: 'zfs' } },
    ],
  ] as const satisfies readonly (readonly [string, Outcome, Outcome])[])('that %s', (_what, outcome, expected) => {
    expect(consequenceOf('zfs', outcome)).toEqual(expected);
  });
});
