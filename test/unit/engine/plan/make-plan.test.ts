import { describe, expect, it } from 'vitest';
import type { Candidate, PlanInput } from '../../../../src/engine/plan/candidates.ts';
import { makePlan } from '../../../../src/engine/plan/make-plan.ts';
import {
  added,
  autoinstallNo,
  blocked,
  codeFailed,
  compilerFailed,
  confBroken,
  decided,
  deferred,
  excluded,
  failed,
  inputOf,
  installed,
  kernel,
  modpostFailed,
  notBuilt,
  other,
  skipped,
  unchanged,
  unreadable,
} from './plan-world.ts';

interface Rule {
  readonly rule: string;
  readonly input: PlanInput;
  readonly expected: object;
}

/** On a kernel without headers, for which builds may come from elsewhere. */
const prebuilt = (
  policy: 'prefer' | 'only',
  more: Partial<PlanInput> = {},
  one: Partial<Candidate> = {},
): PlanInput => {
  const input = inputOf([added('a', [], one)], more, false);
  return { ...input, kernels: input.kernels.map((on) => ({ ...on, prebuilt: policy })) };
};

// biome-ignore format: a rule a line.
const rules: readonly Rule[] = [
  { rule: 'what was never built is built', input: inputOf([added('a')]), expected: { a: notBuilt } },
  { rule: 'what is installed stays', input: inputOf([installed('a')]), expected: { a: unchanged } },
  { rule: 'what is installed and fresh stays without headers too', input: inputOf([installed('a')], {}, false), expected: { a: unchanged } },
  { rule: 'what is built is installed', input: inputOf([added('a', [], { state: 'built' })]), expected: { a: { reason: 'not-installed' } } },
  { rule: 'what is built needs no headers to be installed', input: inputOf([added('a', [], { state: 'built' })], {}, false), expected: { a: { reason: 'not-installed' } } },
  { rule: 'what is stale is rebuilt, and says what changed', input: inputOf([installed('a', [], { changed: ['sources', 'compiler'] })]), expected: { a: { reason: 'stale', changed: ['sources', 'compiler'] } } },
  { rule: 'what is built and stale is rebuilt, not installed', input: inputOf([added('a', [], { state: 'built', changed: ['headers'] })]), expected: { a: { reason: 'stale', changed: ['headers'] } } },
  { rule: 'a new version replaces the installed one', input: inputOf([added('a', [], { installed: '0.9' })]), expected: { a: { reason: 'new-version', installed: '0.9' } } },
  { rule: 'a damaged one is installed again', input: inputOf([installed('a', [], { damaged: '/lib/a.ko' })], {}, false), expected: { a: { reason: 'damaged', path: '/lib/a.ko' } } },
  { rule: 'an unusable conf fails alone', input: inputOf([unreadable('a', confBroken), added('b')]), expected: { a: failed(confBroken), b: notBuilt } },
  { rule: 'a source that is gone leaves the installed module alone', input: inputOf([unreadable('a', { kind: 'source-broken' }, { state: 'installed' })]), expected: { a: unchanged } },
  { rule: 'a source that is gone fails where nothing is installed', input: inputOf([unreadable('a', { kind: 'source-broken' })]), expected: { a: failed({ kind: 'source-broken' }) } },
  { rule: 'an excluded one is skipped', input: inputOf([added('a', [], {}, excluded)]), expected: { a: skipped({ reason: 'excluded', ...excluded.exclusion }) } },
  { rule: 'an excluded dependency counts as satisfied', input: inputOf([added('z', [], {}, excluded), added('a', ['z'])]), expected: { z: skipped({ reason: 'excluded', ...excluded.exclusion }), a: notBuilt } },
  { rule: 'AUTOINSTALL=no is skipped', input: inputOf([added('a', [], {}, autoinstallNo)]), expected: { a: skipped({ reason: 'autoinstall-no' }) } },
  { rule: 'AUTOINSTALL=no blocks those that need it', input: inputOf([added('z', [], {}, autoinstallNo), added('a', ['z'])]), expected: { z: skipped({ reason: 'autoinstall-no' }), a: { kind: 'blocked', why: { reason: 'dependency-autoinstall-no', dependency: 'z' } } } },
  { rule: 'AUTOINSTALL=no blocks nobody where it is installed by hand', input: inputOf([added('z', [], { state: 'installed', installed: '1.0' }, autoinstallNo), added('a', ['z'])]), expected: { z: skipped({ reason: 'autoinstall-no' }), a: notBuilt } },
  { rule: 'the switch file skips everything', input: inputOf([added('a')], { noAutoinstall: '/etc/dkms/no-autoinstall' }), expected: { a: skipped({ reason: 'no-autoinstall-file', path: '/etc/dkms/no-autoinstall' }) } },
  { rule: 'an unknown dependency defers, and what needs the deferred is deferred', input: inputOf([added('b', ['gone']), added('a', ['b'])]), expected: { b: deferred('dependency-unknown', 'gone'), a: deferred('dependency-deferred', 'b') } },
  { rule: 'an installed module is not troubled by an unknown dependency', input: inputOf([installed('a', ['gone'])]), expected: { a: unchanged } },
  { rule: 'a failed dependency blocks, and the root is told to those further on', input: inputOf([unreadable('c', confBroken), added('b', ['c']), added('a', ['b'])]), expected: { c: failed(confBroken), b: blocked('c'), a: blocked('b', 'c') } },
  { rule: 'a block counts more than a deferral', input: inputOf([unreadable('c', confBroken), added('a', ['gone', 'c'])]), expected: { c: failed(confBroken), a: blocked('c') } },
  { rule: 'a cycle blocks its members with the path, and nobody else', input: inputOf([added('a', ['b']), added('b', ['a']), added('c')]), expected: { a: { kind: 'blocked', why: { reason: 'cycle', path: ['a', 'b', 'a'] } }, b: { kind: 'blocked', why: { reason: 'cycle', path: ['b', 'a', 'b'] } }, c: notBuilt } },
  { rule: 'who needs a member of a cycle is blocked by it', input: inputOf([added('a', ['b']), added('b', ['a']), added('c', ['b'])]), expected: { a: { kind: 'blocked', why: { reason: 'cycle', path: ['a', 'b', 'a'] } }, b: { kind: 'blocked', why: { reason: 'cycle', path: ['b', 'a', 'b'] } }, c: blocked('b') } },
  { rule: 'no headers fail', input: inputOf([added('a')], {}, false), expected: { a: failed({ kind: 'headers-missing', at: '/lib/modules/6.1/build', detail: '6.1' }) } },
  { rule: 'no headers defer where they may still come', input: inputOf([added('a')], { headersMayFollow: true }, false), expected: { a: { kind: 'deferred', why: { reason: 'headers-may-follow' } } } },
  { rule: 'no headers are no matter where a build may come from elsewhere', input: prebuilt('prefer'), expected: { a: notBuilt } },
  { rule: 'who prefers such a build waits for headers that may come', input: prebuilt('prefer', { headersMayFollow: true }), expected: { a: { kind: 'deferred', why: { reason: 'headers-may-follow' } } } },
  { rule: 'who wants no other does not', input: prebuilt('only', { headersMayFollow: true }), expected: { a: notBuilt } },
  { rule: 'who forces a build gets none from elsewhere', input: prebuilt('only', { targets: new Map([['a', { want: 'installed', force: true }]]) }), expected: { a: failed({ kind: 'headers-missing', at: '/lib/modules/6.1/build', detail: '6.1' }) } },
  { rule: 'what is built against headers of its own has to have these', input: prebuilt('only', {}, { own: { hasHeaders: false, headersAt: '/src/linux' } }), expected: { a: failed({ kind: 'headers-missing', at: '/src/linux', detail: '6.1' }) } },
  { rule: 'a hook shows a remembered failure again', input: inputOf([added('a', [], { remembered: compilerFailed })]), expected: { a: failed(compilerFailed, true) } },
  { rule: 'a typed command tries again', input: inputOf([added('a', [], { remembered: compilerFailed })], { trustMemory: false }), expected: { a: { reason: 'failed-before' } } },
  { rule: 'nobody tries again what must fail the same way', input: inputOf([added('a', [], { remembered: modpostFailed })], { trustMemory: false }), expected: { a: failed(modpostFailed, true) } },
  { rule: 'nobody tries again what the compiler alone is against', input: inputOf([added('a', [], { remembered: codeFailed })], { trustMemory: false }), expected: { a: failed(codeFailed, true) } },
  { rule: 'who names it tries it again', input: inputOf([added('a', [], { remembered: codeFailed })], { trustMemory: false, targets: new Map([['a', { want: 'installed', force: false }]]) }), expected: { a: { reason: 'asked' } } },
  { rule: 'who names another one does not', input: inputOf([added('z', [], { remembered: codeFailed }), added('a', ['z'])], { trustMemory: false, targets: new Map([['a', { want: 'installed', force: false }]]) }), expected: { z: failed(codeFailed, true), a: blocked('z') } },
  { rule: 'what is built is installed although a later build failed', input: inputOf([added('a', [], { state: 'built', remembered: modpostFailed })], { trustMemory: false }), expected: { a: { reason: 'not-installed' } } },
  { rule: 'a remembered failure blocks', input: inputOf([added('z', [], { remembered: compilerFailed }), added('a', ['z'])]), expected: { z: failed(compilerFailed, true), a: blocked('z') } },
  { rule: 'a remembered failure is no matter while a dependency is in the way', input: inputOf([added('a', ['gone'], { remembered: compilerFailed })]), expected: { a: deferred('dependency-unknown', 'gone') } },
  { rule: 'who uses a rebuilt dependency looks at its symbols again', input: inputOf([installed('z', [], { changed: ['sources'] }), installed('a', ['z']), installed('b', ['a'])]), expected: { z: { reason: 'stale', changed: ['sources'] }, a: { reason: 'dependency-rebuilt', dependency: 'z' }, b: { reason: 'dependency-rebuilt', dependency: 'a' } } },
  { rule: 'who uses a dependency that is only installed again stays', input: inputOf([added('z', [], { state: 'built', installed: '1.0' }), installed('a', ['z'])]), expected: { z: { reason: 'not-installed' }, a: unchanged } },
];

describe('makePlan', () => {
  it.each(rules)('$rule', ({ input, expected }) => {
    expect(decided(input)).toEqual(expected);
  });

  it('puts each job after all that it waits for, against the alphabet', () => {
    const { jobs } = makePlan(inputOf([added('a', ['b']), added('b', ['c', 'd']), added('c', ['d']), added('d')]));
    expect(jobs.map((job) => [job.module.name, job.after])).toEqual([
      ['d', []],
      ['c', ['d/1.0@6.1/x86_64']],
      ['b', ['c/1.0@6.1/x86_64', 'd/1.0@6.1/x86_64']],
      ['a', ['b/1.0@6.1/x86_64']],
    ]);
  });
  it('waits only for what is done in this run', () => {
    const { jobs } = makePlan(inputOf([added('a', ['b']), installed('b')]));
    expect(jobs.map((job) => [job.module.name, job.after])).toEqual([['a', []]]);
  });
  it('waits for the version that is planned, not for one of its own', () => {
    const dependency = { ...added('z'), module: { name: 'z', version: '7.3' } };
    const { jobs } = makePlan(inputOf([added('a', ['z']), dependency]));
    expect(jobs.map((job) => job.id)).toEqual(['z/7.3@6.1/x86_64', 'a/1.0@6.1/x86_64']);
    expect(jobs[1]?.after).toEqual(['z/7.3@6.1/x86_64']);
  });
  it('decides for each kernel by itself', () => {
    const plan = makePlan({
      ...inputOf([]),
      kernels: [
        { kernel, hasHeaders: true, headersAt: '/a', candidates: [added('a', ['z']), unreadable('z', confBroken)] },
        { kernel: other, hasHeaders: true, headersAt: '/b', candidates: [added('a', ['z']), added('z')] },
      ],
    });
    expect(plan.jobs.map((job) => job.id)).toEqual(['z/1.0@6.12/x86_64', 'a/1.0@6.12/x86_64']);
    expect(plan.settled.map((one) => [one.module.name, one.kernel.release, one.outcome.kind])).toEqual([
      ['z', '6.1', 'failed'],
      ['a', '6.1', 'blocked'],
    ]);
  });
  it('puts removals last, each for its reason', () => {
    const { jobs } = makePlan(
      inputOf([added('a')], {
        removals: [
          { module: { name: 'a', version: '0.9' }, kernel, want: 'absent', why: 'source-leaving' },
          { module: { name: 'b', version: '1.0' }, kernel: other, want: 'uninstalled', why: 'kernel-leaving' },
        ],
      }),
    );
    expect(jobs.map(({ id, want, why }) => [id, want, why.reason])).toEqual([
      ['a/1.0@6.1/x86_64', 'installed', 'not-built'],
      ['a/0.9@6.1/x86_64', 'absent', 'source-leaving'],
      ['b/1.0@6.12/x86_64', 'uninstalled', 'kernel-leaving'],
    ]);
  });
  it('takes a module off wholly where nothing else is said, and waits for nothing', () => {
    const removals = [{ module: { name: 'a', version: '0.9' }, kernel, why: 'asked' }] as const;
    expect(makePlan(inputOf([], { removals })).jobs).toEqual([
      { id: 'a/0.9@6.1/x86_64', ...removals[0], longest: 0, want: 'absent', why: { reason: 'asked' }, after: [] },
    ]);
  });
  it('has nothing to say of nothing', () => {
    expect(makePlan({ ...inputOf([]), kernels: [] })).toEqual({ jobs: [], settled: [] });
  });
});
