import type { Job } from '../plan.ts';

/** Which Jobs the whole run waits for longest. */

/** What a compiler makes of so many bytes of source in a second, roughly: it only orders what was never built. */
const bytesInSecond = 50_000;

/** Seconds that a build is expected to take: as the last one, or by the size of its source, in bytes. */
export const expectedSeconds = (took: number | undefined, size: number): number => took ?? 1 + size / bytesInSecond;

/** Ids of the Jobs that each one lets start, in the order of the Plan: those of one name follow each other. */
const followersOf = (jobs: readonly Job[]): ReadonlyMap<string, readonly string[]> => {
  const followers = new Map<string, string[]>(jobs.map(({ id }) => [id, []]));
  const lastOfName = new Map<string, string>();
  for (const { id, module, after, behind = [] } of jobs) {
    const last = lastOfName.get(module.name);
    for (const before of [...after, ...behind, ...(last === undefined ? [] : [last])]) followers.get(before)?.push(id);
    lastOfName.set(module.name, id);
  }
  return followers;
};

/**
 * Each Job with the seconds from its start to the end of the longest chain of those that wait for it.
 *
 * @param jobs in an order in which each comes after all that it waits for
 * @param secondsOf what each is expected to take
 */
export const withLongest = (jobs: readonly Job[], secondsOf: ReadonlyMap<string, number>): Job[] => {
  const followers = followersOf(jobs);
  const longest = new Map<string, number>();
  for (const { id } of jobs.toReversed()) {
    const rest = Math.max(0, ...(followers.get(id) ?? []).map((one) => longest.get(one) ?? 0));
    longest.set(id, (secondsOf.get(id) ?? 0) + rest);
  }
  return jobs.map((job) => ({ ...job, longest: longest.get(job.id) ?? 0 }));
};
