import { describe, expect, it } from 'vitest';
import type { JobState, TrackedJob } from '../../../src/report/job-titles.ts';
import { about, secondsLeft } from '../../../src/report/time-left.ts';
import { jobOf } from './world.ts';

const now = 100_000;
const waiting: JobState = { phase: 'waiting' };
const ended: JobState = { phase: 'ended', outcome: { kind: 'installed' }, seconds: 1 };
const runningFor = (seconds: number): JobState => ({ phase: 'running', since: now - seconds * 1000 });

const job = (name: string, state: JobState, took?: number, after: readonly string[] = []): TrackedJob => ({
  job: { ...jobOf(name, { reason: 'not-built' }, after), ...(took === undefined ? {} : { took }) },
  state,
});

describe('the time that is left', () => {
  it.each<[string, number, readonly TrackedJob[], number | undefined]>([
    ['nothing is known', 2, [job('a', waiting), job('b', runningFor(5))], undefined],
    ['all side by side', 2, [job('a', waiting, 10), job('b', waiting, 10), job('c', waiting, 10)], 15],
    ['one at a time', 1, [job('a', waiting, 10), job('b', waiting, 20)], 30],
    ['a chain is longer', 4, [job('a', waiting, 10), job('b', waiting, 20, ['a']), job('c', waiting, 5)], 30],
    ['some is done', 1, [job('a', ended, 10), job('b', runningFor(15), 20)], 5],
    ['it takes longer than ever', 1, [job('b', runningFor(90), 20)], 1],
    ['an unknown one counts as usual', 1, [job('a', waiting, 10), job('b', waiting)], 20],
  ])('%s', (_title, atOnce, all, seconds) => {
    expect(secondsLeft(all, atOnce, now)).toBe(seconds);
  });

  it('counts jobs of one name one after the other', () => {
    const [a, b] = [job('a', waiting, 10), job('a', waiting, 10)];
    const other = { ...b, job: { ...b.job, id: 'a/1.0@6.2/x86_64' } };
    expect(secondsLeft([a, other], 2, now)).toBe(20);
  });

  it.each([
    [0.4, 'about 5 s'],
    [33, 'about 35 s'],
    [54, 'about 55 s'],
    [58, 'about 1 min'],
    [370, 'about 6 min'],
  ])('%d s is said as %s', (seconds, text) => {
    expect(about(seconds)).toBe(text);
  });
});
