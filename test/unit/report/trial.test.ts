import { describe, expect, it } from 'vitest';
import type { Row, TrialAnswer } from '../../../src/engine/answers.ts';
import type { TryRequest } from '../../../src/engine/request.ts';
import { exitStatus } from '../../../src/report/exit-status.ts';
import { trialLines } from '../../../src/report/summary.ts';
import { kernel, nope, recorded, rowOf } from './world.ts';

const asked = (more: Partial<TryRequest> = {}): TryRequest => ({
  verb: 'try',
  archives: [],
  next: false,
  releases: [],
  names: [],
  program: ['node', 'x'],
  ...more,
});

const answer = (rows: readonly Row[], more: Partial<TrialAnswer> = {}): TrialAnswer => ({
  kind: 'trial',
  rows,
  failures: [],
  notes: [],
  packages: [],
  seconds: 1,
  ...more,
});

const linesOf = (given: TrialAnswer, request = asked(), more = {}): string[] =>
  trialLines(given, recorded({ request, ...more }).context);

const notTried = {
  kind: 'failed',
  failure: { kind: 'not-tried', detail: 'x: Permission denied' },
  remembered: false,
} as const;
const ready = rowOf('good', { kind: 'installed' });
const statusOf = (given: TrialAnswer, requiredFailed = false): number => exitStatus(given, 'typed', { requiredFailed });

describe('trialLines', () => {
  it('says what is ready and what is not, and that nothing was installed', () => {
    const lines = linesOf(answer([{ ...ready, seconds: 2 }, rowOf('bad', nope), rowOf('odd', notTried)]));
    expect(lines[0]).toBe('kmodsort: trial: 3 modules on 1 kernel: 1 ready, 1 FAILED, 1 not tried');
    expect(lines[1]).toMatch(/^ {2}ready {6}good\/1\.0 +\S+ +2\.0 s$/);
    expect(lines.join('\n')).toContain('not tried: it does not build confined (x: Permission denied)');
    expect(lines).toContain(`kmodsort: modules would be missing on ${kernel.release}: bad`);
    expect(lines.at(-1)).toBe('kmodsort: nothing was installed; what is ready will be installed from the store');
  });

  it('promises nothing where nothing is ready', () => {
    expect(linesOf(answer([rowOf('bad', nope)])).at(-1)).toBe('kmodsort: nothing was installed');
  });

  it('warns of a kernel on which required modules would be missing', () => {
    const missingRequired = () => [{ release: kernel.release, names: ['zfs'] }];
    expect(linesOf(answer([rowOf('bad', nope)]), asked(), { missingRequired })).toContain(
      `kmodsort: do not install ${kernel.release}: required modules would be missing: zfs`,
    );
  });

  it.each([
    [asked({ next: true }), 'kmodsort: nothing to try: no kernel, headers or modules would come'],
    [asked(), 'kmodsort: nothing to try: no modules in the dkms tree, or no kernel for them'],
  ])('says why there was nothing to try', (request, line) => {
    expect(linesOf(answer([]), request)).toEqual([line]);
  });

  it('says what kept it from trying, and that it was interrupted', () => {
    const failures = [{ kind: 'no-packages', detail: 'E: Unable to locate package x' }] as const;
    expect(linesOf(answer([], { failures }))).toEqual([
      'kmodsort: FAILED: cannot get the packages: E: Unable to locate package x',
      '             help   kmodsort try --packages FILE…',
      'kmodsort: nothing was installed',
    ]);
    expect(linesOf(answer([], { signal: 'SIGINT' }))).toContain('kmodsort: interrupted by SIGINT');
  });
});

describe('the exit status of a trial', () => {
  it.each([
    [answer([ready]), false, 0],
    [answer([]), false, 0],
    [answer([ready, rowOf('odd', notTried)]), false, 0],
    [answer([ready, rowOf('odd', notTried)]), true, 1],
    [answer([ready, rowOf('bad', nope)]), false, 1],
    [answer([], { failures: [{ kind: 'no-packages' }] }), false, 1],
    [answer([], { signal: 'SIGTERM' }), false, 143],
  ])('%#', (given, requiredFailed, code) => {
    expect(statusOf(given, requiredFailed)).toBe(code);
  });
});
