import { describe, expect, it } from 'vitest';
import { countTitle, shownJobs } from '../../../src/report/board-rows.ts';
import type { JobState, TrackedJob } from '../../../src/report/job-titles.ts';
import { jobOf } from './world.ts';

const waiting: JobState = { phase: 'waiting' };
const running: JobState = { phase: 'running', since: 0 };
const installed: JobState = { phase: 'ended', outcome: { kind: 'installed' }, seconds: 1 };
const failed: JobState = {
  phase: 'ended',
  outcome: { kind: 'failed', failure: { kind: 'make-failed' }, remembered: false },
  seconds: 1,
};

const all: readonly TrackedJob[] = Object.entries({ a: installed, b: waiting, c: failed, d: running, e: waiting }).map(
  ([name, state]) => ({ job: jobOf(name), state }),
);

describe('jobs that do not all fit on the screen', () => {
  it.each([
    [5, ['d', 'c', 'b', 'e', 'a']],
    [3, ['d', 'c', 'b']],
    [0, ['d']],
  ])('are shown in %i lines: what runs, what failed, what waits, what is done', (rows, names) => {
    expect(shownJobs(all, rows).map(({ job }) => job.module.name)).toEqual(names);
  });
  it('are counted', () => {
    expect(countTitle(all)).toBe('2 of 5 jobs done, 1 running, 1 FAILED');
    expect(countTitle(all.slice(0, 2))).toBe('1 of 2 jobs done, 0 running');
  });
});
