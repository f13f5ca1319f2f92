import { describe, expect, it } from 'vitest';
import { isSatisfied, type Outcome } from '../../../../src/engine/outcome.ts';
import { type Ended, type JobResult, runPlan, type Work } from '../../../../src/engine/plan/schedule.ts';
import type { Job, Plan } from '../../../../src/engine/plan.ts';
import { closureOf, Random, randomNeeds } from '../../../random.ts';

const installed: Outcome = { kind: 'installed' };
const failed: Outcome = { kind: 'failed', failure: { kind: 'compiler-failed' }, remembered: false };
const unchanged = (outcome: Outcome): JobResult => ({ outcome, changed: false });
const releases = ['6.1', '6.12'];
const idOf = (name: string, release: string): string => `${name}/1.0@${release}/x86_64`;

const jobOf = (name: string, after: readonly string[] = [], release = '6.1'): Job => ({
  id: idOf(name, release),
  module: { name, version: '1.0' },
  kernel: { release, arch: 'x86_64' },
  want: 'installed',
  why: { reason: 'not-built' },
  after: after.map((other) => idOf(other, release)),
});

const planOf = (jobs: readonly Job[]): Plan => ({ jobs, settled: [] });

/** The outcome of each job by its id. */
const outcomesOf = (ended: readonly Ended[]): Map<string, Outcome> =>
  new Map(ended.map(({ job, outcome }) => [job.id, outcome]));

const ticks = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i += 1) await new Promise((resolve) => setImmediate(resolve));
};

/** A random graph of modules on two kernels, in an order in which each comes after its needs. */
const randomPlan = (random: Random): { plan: Plan; needs: Map<string, string[]> } => {
  const needs = randomNeeds(random, 1 + random.below(14), random.next() * 0.4);
  const ordered: string[] = [];
  const visit = (name: string): void => {
    if (ordered.includes(name)) return;
    for (const need of needs.get(name) ?? []) visit(need);
    ordered.push(name);
  };
  for (const name of needs.keys()) visit(name);
  const jobs = releases.flatMap((release) => ordered.map((name) => jobOf(name, needs.get(name), release)));
  return { plan: planOf(jobs), needs };
};

/** Work that takes a random time and fails for some; `log` has what began and ended. */
const recordedWork = (random: Random, isBad: (job: Job) => boolean) => {
  const log: { readonly id: string; readonly name: string; readonly what: 'start' | 'end' }[] = [];
  const work: Work = async (job) => {
    log.push({ id: job.id, name: job.module.name, what: 'start' });
    await ticks(random.below(4));
    log.push({ id: job.id, name: job.module.name, what: 'end' });
    return unchanged(isBad(job) ? failed : installed);
  };
  return { log, work };
};

describe('runPlan on random graphs', () => {
  it('starts no job before all that it waits for have ended, and never two of one name at once', async () => {
    for (let seed = 1; seed <= 120; seed += 1) {
      const random = new Random(seed);
      const { plan } = randomPlan(random);
      const { log, work } = recordedWork(random, () => false);
      await runPlan(plan, work, () => undefined);
      const ended = new Set<string>();
      const running = new Set<string>();
      for (const { id, name, what } of log) {
        if (what === 'end') {
          ended.add(id);
          running.delete(name);
          continue;
        }
        const early = plan.jobs.find((job) => job.id === id)?.after.filter((other) => !ended.has(other));
        expect({ seed, id, early, overlaps: running.has(name) }).toEqual({ seed, id, early: [], overlaps: false });
        running.add(name);
      }
      expect({ seed, ended: ended.size }).toEqual({ seed, ended: plan.jobs.length });
    }
  });
  it('blocks exactly those that need a failed one in the end, on that kernel, and runs all others', async () => {
    for (let seed = 1; seed <= 120; seed += 1) {
      const random = new Random(seed);
      const { plan, needs } = randomPlan(random);
      const bad = new Set(plan.jobs.filter(() => random.chance(0.15)).map((job) => job.id));
      const { log, work } = recordedWork(random, (job) => bad.has(job.id));
      const outcomes = outcomesOf(await runPlan(plan, work, () => undefined));
      const started = new Set(log.map(({ id }) => id));
      for (const { id, module, kernel } of plan.jobs) {
        const below = [...closureOf(needs, module.name)];
        const isBlocked = below.some((name) => bad.has(idOf(name, kernel.release)));
        const kind = isBlocked ? 'blocked' : bad.has(id) ? 'failed' : 'installed';
        expect({ seed, id, kind: outcomes.get(id)?.kind, started: started.has(id) }).toEqual({
          seed,
          id,
          kind,
          started: !isBlocked,
        });
        const outcome = outcomes.get(id);
        if (outcome?.kind !== 'blocked' || outcome.why.reason !== 'dependency-failed') continue;
        const { dependency, root } = outcome.why;
        expect({ seed, direct: needs.get(module.name)?.includes(dependency) }).toEqual({ seed, direct: true });
        expect({ seed, root: started.has(idOf(root, kernel.release)) && bad.has(idOf(root, kernel.release)) }).toEqual({
          seed,
          root: true,
        });
      }
    }
  });
});

describe('runPlan', () => {
  it('runs what does not wait for each other side by side', async () => {
    let running = 0;
    let most = 0;
    const work: Work = async () => {
      running += 1;
      most = Math.max(most, running);
      await ticks(3);
      running -= 1;
      return unchanged(installed);
    };
    await runPlan(planOf([jobOf('a'), jobOf('b'), jobOf('c', ['a', 'b'])]), work, () => undefined);
    expect(most).toBe(2);
  });
  it('tells the end of each job once, blocked ones too', async () => {
    const told: string[] = [];
    await runPlan(
      planOf([jobOf('a'), jobOf('b', ['a']), jobOf('c')]),
      async (job) => unchanged(job.module.name === 'a' ? failed : installed),
      ({ job, outcome }) => told.push(`${job.module.name} ${outcome.kind}`),
    );
    expect(told.sort()).toEqual(['a failed', 'b blocked', 'c installed']);
  });
  it('names the root of a failure along a chain', async () => {
    const jobs = [jobOf('c'), jobOf('b', ['c']), jobOf('a', ['b'])];
    const ended = await runPlan(
      planOf(jobs),
      async () => unchanged(failed),
      () => undefined,
    );
    expect(outcomesOf(ended).get(idOf('a', '6.1'))).toEqual({
      kind: 'blocked',
      why: { reason: 'dependency-failed', dependency: 'b', root: 'c' },
    });
  });
  const passedOn: readonly (readonly [Outcome, string])[] = [
    [{ kind: 'installed' }, 'installed'],
    [{ kind: 'built' }, 'installed'],
    [{ kind: 'unchanged' }, 'installed'],
    [{ kind: 'removed' }, 'installed'],
    [{ kind: 'skipped', why: { reason: 'autoinstall-no' } }, 'skipped'],
    [{ kind: 'skipped', why: { reason: 'newer-in-tree', path: '/x' } }, 'installed'],
    [{ kind: 'skipped', why: { reason: 'excluded', rule: 'r', value: 'v' } }, 'installed'],
    [{ kind: 'skipped', why: { reason: 'interrupted' } }, 'skipped'],
    [{ kind: 'deferred', why: { reason: 'headers-may-follow' } }, 'deferred'],
    [failed, 'blocked'],
    [{ kind: 'blocked', why: { reason: 'cycle', path: ['a', 'a'] } }, 'blocked'],
  ];
  it.each(passedOn)('after %j the next one is %s', async (outcome, expected) => {
    const ended = await runPlan(
      planOf([jobOf('a'), jobOf('b', ['a'])]),
      async (job) => unchanged(job.module.name === 'a' ? outcome : installed),
      () => undefined,
    );
    expect(outcomesOf(ended).get(idOf('b', '6.1'))?.kind).toBe(expected);
    expect(isSatisfied(outcome)).toBe(expected === 'installed');
  });
  it('passes on what each job came to, and nothing for one that was not tried', async () => {
    const ended = await runPlan(
      planOf([jobOf('a'), jobOf('b', ['a'])]),
      async () => ({ outcome: failed, changed: true, seconds: 3 }),
      () => undefined,
    );
    expect(ended.map(({ changed, seconds }) => ({ changed, seconds }))).toEqual([
      { changed: true, seconds: 3 },
      { changed: false, seconds: undefined },
    ]);
  });
  it.each<[string, Outcome, Outcome]>([
    [
      'has to wait with what has to wait',
      { kind: 'deferred', why: { reason: 'headers-may-follow' } },
      { kind: 'deferred', why: { reason: 'dependency-deferred', dependency: 'a' } },
    ],
    [
      'is ended with what was interrupted',
      { kind: 'skipped', why: { reason: 'interrupted' } },
      { kind: 'skipped', why: { reason: 'interrupted' } },
    ],
    [
      'names a dependency as the root that is blocked by no failure',
      { kind: 'blocked', why: { reason: 'cycle', path: ['x', 'x'] } },
      { kind: 'blocked', why: { reason: 'dependency-failed', dependency: 'a', root: 'a' } },
    ],
  ])('%s', async (_rule, outcome, expected) => {
    const ended = await runPlan(
      planOf([jobOf('a'), jobOf('b', ['a'])]),
      async () => unchanged(outcome),
      () => undefined,
    );
    expect(outcomesOf(ended).get(idOf('b', '6.1'))).toEqual(expected);
  });
  it('ends with an empty plan', async () => {
    expect(
      await runPlan(
        planOf([]),
        async () => unchanged(installed),
        () => undefined,
      ),
    ).toEqual([]);
  });
});
