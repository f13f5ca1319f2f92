import { describe, expect, it } from 'vitest';
import type { JobState, TrackedJob } from '../../../src/report/job-titles.ts';
import { noPaint } from '../../../src/report/paint.ts';
import { regionLines } from '../../../src/report/region.ts';
import { jobOf, nope } from './world.ts';

const now = 1_000_000;
const waiting: JobState = { phase: 'waiting' };
const running: JobState = { phase: 'running', since: now - 12_000, step: 'make' };
const ended: JobState = { phase: 'ended', outcome: { kind: 'installed' }, seconds: 1 };
const failed: JobState = { phase: 'ended', outcome: nope, seconds: 1 };

const tracked = (name: string, state: JobState, after: readonly string[] = [], took?: number): TrackedJob => ({
  job: { ...jobOf(name, { reason: 'not-built' }, after), ...(took === undefined ? {} : { took }) },
  state,
});

const many = (count: number, state: JobState, prefix: string): TrackedJob[] =>
  Array.from({ length: count }, (_, index) => tracked(`${prefix}${index}`, state));

const linesOf = (all: readonly TrackedJob[], size: { columns?: number; rows?: number } = {}): string[] =>
  regionLines({ all, atOnce: 2, since: now - 250_000, now, columns: 80, rows: 24, paint: noPaint, ...size });

describe('the lines that change', () => {
  it('say how far all are, what runs, and how many wait for what', () => {
    const all = [
      tracked('done', ended),
      tracked('broken', failed),
      tracked('zfs', running, [], 372),
      tracked('v4l2loopback', running),
      tracked('needs', waiting, ['zfs']),
      tracked('deep', waiting, ['needs']),
      tracked('free', waiting),
    ];
    expect(linesOf(all)).toEqual([
      '2 of 7 jobs, 1 failed, 4 min 10 s, about 18 min left',
      '  zfs/1.0, 6.1.0-56-amd64: running make, 12 s',
      '  v4l2loopback/1.0, 6.1.0-56-amd64: running make, 12 s',
      '  3 waiting (2 for zfs)',
    ]);
  });

  it('say no time where none is known, nor when all have ended', () => {
    expect(linesOf([tracked('a', running)])[0]).toBe('0 of 1 job, 4 min 10 s');
    expect(linesOf([tracked('a', ended, [], 100)])).toEqual(['1 of 1 job, 4 min 10 s']);
  });

  it('are ten at most', () => {
    const lines = linesOf([...many(40, running, 'r'), ...many(9, waiting, 'w')]);
    expect(lines).toHaveLength(10);
    expect(lines.slice(-3)).toEqual(['  r6/1.0, 6.1.0-56-amd64: running make, 12 s', '  and 33 more', '  9 waiting']);
  });

  it.each([
    [6, 5],
    [3, 2],
    [2, 1],
    [1, 1],
  ])('on %i rows are %i', (rows, count) => {
    expect(linesOf([...many(4, running, 'r'), ...many(9, waiting, 'w')], { rows })).toHaveLength(count);
  });

  it('are never as wide as the terminal', () => {
    for (const columns of [1, 2, 20, 40, 80])
      for (const line of linesOf([...many(2, running, 'long-name-of-a-module')], { columns }))
        expect(line.length).toBeLessThan(Math.max(columns, 3));
  });
});
