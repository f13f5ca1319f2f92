import { describe, expect, it } from 'vitest';
import { neededBy } from '../../../../src/engine/cluster/travel.ts';
import type { Outcome } from '../../../../src/engine/outcome.ts';
import type { Job, Plan } from '../../../../src/engine/plan.ts';

const kernel = (release: string) => ({ release, arch: 'x86_64' });
const job = (name: string, after: readonly string[] = [], release = '6.1'): Job => ({
  id: `${name}@${release}`,
  module: { name, version: '1' },
  kernel: kernel(release),
  want: 'installed',
  why: { reason: 'asked' },
  after: after.map((one) => `${one}@${release}`),
});
const excluded: Outcome = { kind: 'skipped', why: { reason: 'excluded', rule: 'BUILD_EXCLUSIVE_KERNEL', value: 'x' } };
const deferred: Outcome = { kind: 'deferred', why: { reason: 'dependency-unknown', dependency: 'x' } };

describe('what a job takes along', () => {
  const jobs = [
    job('base'),
    job('left', ['base']),
    job('right', ['base']),
    job('top', ['left', 'right']),
    job('other'),
  ];
  const settled = [
    { module: { name: 'gone', version: '1' }, kernel: kernel('6.1'), outcome: excluded },
    { module: { name: 'elsewhere', version: '1' }, kernel: kernel('6.12'), outcome: excluded },
    { module: { name: 'later', version: '1' }, kernel: kernel('6.1'), outcome: deferred },
  ];
  const plan: Plan = { jobs, settled };
  it.each([
    ['base', ['base/1', 'gone/1']],
    ['left', ['base/1', 'gone/1', 'left/1']],
    ['top', ['base/1', 'gone/1', 'left/1', 'right/1', 'top/1']],
    ['other', ['gone/1', 'other/1']],
  ])('of %s: its own source, those of all that it waits for, and those that are passed over there', (name, labels) => {
    const found = jobs.find((one) => one.module.name === name) ?? job(name);
    expect(neededBy(found, plan).sort()).toEqual(labels);
  });
});
