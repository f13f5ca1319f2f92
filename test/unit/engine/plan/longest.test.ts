import { describe, expect, it } from 'vitest';
import { expectedSeconds, withLongest } from '../../../../src/engine/plan/longest.ts';
import type { Job } from '../../../../src/engine/plan.ts';

const job = (name: string, after: readonly string[] = [], more: Partial<Job> = {}): Job => ({
  id: name,
  module: { name, version: '1.0' },
  kernel: { release: '6.1', arch: 'x86_64' },
  want: 'installed',
  why: { reason: 'not-built' },
  after,
  ...more,
});

const longestOf = (jobs: readonly Job[], seconds: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(
    withLongest(jobs, new Map(Object.entries(seconds))).map(({ id, longest = -1 }) => [id, longest] as const),
  );

describe('the longest chain from a job on', () => {
  it('is its own time where nothing waits for it', () => {
    expect(longestOf([job('a'), job('b')], { a: 3 })).toEqual({ a: 3, b: 0 });
  });
  it('goes through all that wait for it, directly or not', () => {
    const jobs = [job('spl'), job('zfs', ['spl']), job('small', ['spl']), job('last', ['zfs', 'small'])];
    expect(longestOf(jobs, { spl: 10, zfs: 100, small: 1, last: 5 })).toEqual({
      spl: 115,
      zfs: 105,
      small: 6,
      last: 5,
    });
  });
  it('goes through jobs of the same name and those that stay behind', () => {
    const module = { name: 'a', version: '1.0' };
    const jobs = [job('a1', [], { module }), job('a2', [], { module }), job('b', [], { behind: ['a2'] })];
    expect(longestOf(jobs, { a1: 1, a2: 2, b: 4 })).toEqual({ a1: 7, a2: 6, b: 4 });
  });
  it('keeps the order of the plan', () => {
    expect(withLongest([job('a'), job('b', ['a'])], new Map([['b', 9]])).map(({ id }) => id)).toEqual(['a', 'b']);
  });

  it.each([
    [12.5, 1_000_000, 12.5],
    [undefined, 0, 1],
    [undefined, 100_000, 3],
  ])('took %s before, %i bytes: %d s', (took, size, seconds) => {
    expect(expectedSeconds(took, size)).toBe(seconds);
  });
});
