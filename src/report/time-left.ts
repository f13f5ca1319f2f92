import type { TrackedJob } from './job-titles.ts';

/** How long a run will take, out of what the builds of the same modules took before. */

const median = (numbers: readonly number[]): number | undefined =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

/** What is left of a Job, in seconds; one that takes longer than ever may end at any moment. */
const leftOf = ({ job, state }: TrackedJob, usual: number, now: number): number => {
  if (state.phase === 'ended') return 0;
  const whole = job.took ?? usual;
  return state.phase === 'running' ? Math.max(whole - (now - state.since) / 1000, 1) : whole;
};

/**
 * Seconds until all Jobs have ended: what is left of all of them side by side, or of the longest chain of those that
 * wait for each other. A Job of which nothing is known counts as the usual one; undefined if nothing is known of any.
 *
 * @param all in an order in which each comes after all that it waits for
 * @param now milliseconds since the epoch
 */
export const secondsLeft = (all: readonly TrackedJob[], atOnce: number, now = Date.now()): number | undefined => {
  const usual = median(all.flatMap(({ job }) => job.took ?? []));
  if (usual === undefined) return undefined;
  const ends = new Map<string, number>();
  const endOfName = new Map<string, number>();
  let sum = 0;
  for (const tracked of all) {
    const { job } = tracked;
    const left = leftOf(tracked, usual, now);
    const before = [...job.after, ...(job.behind ?? [])].map((id) => ends.get(id) ?? 0);
    const end = Math.max(0, ...before, endOfName.get(job.module.name) ?? 0) + left;
    ends.set(job.id, end);
    endOfName.set(job.module.name, end);
    sum += left;
  }
  return Math.max(sum / atOnce, ...ends.values());
};

/** `about 40 s`, `about 6 min`: no more exact than it is known. */
export const about = (seconds: number): string => {
  if (seconds < 55) return `about ${Math.max(Math.ceil(seconds / 5), 1) * 5} s`;
  return `about ${Math.max(Math.round(seconds / 60), 1)} min`;
};
