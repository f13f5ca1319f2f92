import type { TrackedJob } from './job-titles.ts';

/** Which Jobs are on the screen where it has not enough rows for all, and how far all of them are. */

/** What runs, what failed, what waits, what is done: the first of these are seen. */
const rank = ({ state }: TrackedJob): number => {
  if (state.phase === 'running') return 0;
  if (state.phase === 'waiting') return 2;
  return state.outcome.kind === 'failed' ? 1 : 3;
};

/** The Jobs that are shown in so many lines. */
export const shownJobs = (all: readonly TrackedJob[], rows: number): TrackedJob[] =>
  [...all].sort((a, b) => rank(a) - rank(b)).slice(0, Math.max(rows, 1));

/** `12 of 49 jobs done, 2 running, 1 FAILED`. */
export const countTitle = (all: readonly TrackedJob[]): string => {
  const count = (is: (one: TrackedJob) => boolean): number => all.filter(is).length;
  const done = count(({ state }) => state.phase === 'ended');
  const running = count(({ state }) => state.phase === 'running');
  const failed = count((one) => rank(one) === 1);
  return `${done} of ${all.length} jobs done, ${running} running${failed > 0 ? `, ${failed} FAILED` : ''}`;
};
