import { describe, expect, it } from 'vitest';
import type { Candidate, PlanInput, Target } from '../../../../src/engine/plan/candidates.ts';
import { makePlan } from '../../../../src/engine/plan/make-plan.ts';
import {
  added,
  autoinstallNo,
  blocked,
  compilerFailed,
  confBroken,
  decided,
  excluded,
  failed,
  inputOf,
  installed,
  kernel,
  modpostFailed,
  notBuilt,
  skipped,
  unchanged,
  unreadable,
} from './plan-world.ts';

/** What a typed command names, and what it wants of it. */
type Asked = Readonly<Record<string, Target>>;

const build: Target = { want: 'built', force: false };
const install: Target = { want: 'installed', force: false };
const forced: Target = { want: 'installed', force: true };

const typed = (candidates: readonly Candidate[], asked: Asked, more: Partial<PlanInput> = {}, hasHeaders = true) =>
  inputOf(candidates, { targets: new Map(Object.entries(asked)), trustMemory: false, ...more }, hasHeaders);

const asked = { reason: 'asked' };
const force = { reason: 'forced' };
const built = { state: 'built' } as const;
const noHeaders = failed({ kind: 'headers-missing', at: '/lib/modules/6.1/build', detail: '6.1' });

describe('a command about one module', () => {
  it.each<[string, PlanInput, object]>([
    ['builds what was never built', typed([added('a')], { a: build }), { a: asked }],
    [
      'installs what is built without minding its dependencies',
      typed([added('a', ['gone'], built)], { a: install }),
      { a: { reason: 'not-installed' } },
    ],
    [
      'does not build again what must fail the same way',
      typed([added('a', [], { remembered: modpostFailed })], { a: build }),
      { a: failed(modpostFailed, true) },
    ],
    [
      'builds it again when it is forced',
      typed([added('a', [], { remembered: modpostFailed })], { a: forced }),
      { a: force },
    ],
    ['installs what was never built', typed([added('a')], { a: install }), { a: asked }],
    ['has nothing to build where it is built', typed([added('a', [], built)], { a: build }), { a: unchanged }],
    ['installs what is built', typed([added('a', [], built)], { a: install }), { a: { reason: 'not-installed' } }],
    ['leaves alone what is installed', typed([installed('a')], { a: install }), { a: unchanged }],
    [
      'leaves alone what is installed and stale',
      typed([installed('a', [], { changed: ['sources'] })], { a: install }),
      { a: unchanged },
    ],
    [
      'asks for a version, whichever is installed',
      typed([added('a', [], { installed: '0.9' })], { a: install }),
      { a: asked },
    ],
    ['builds anew by force what is installed', typed([installed('a')], { a: forced }), { a: force }],
    ['builds anew by force what is built', typed([added('a', [], built)], { a: forced }), { a: force }],
    ['minds no AUTOINSTALL=no', typed([added('a', [], {}, autoinstallNo)], { a: install }), { a: asked }],
    [
      'minds no switch file',
      typed([added('a')], { a: install }, { noAutoinstall: '/etc/dkms/no-autoinstall' }),
      { a: asked },
    ],
    [
      'minds BUILD_EXCLUSIVE',
      typed([added('a', [], {}, excluded)], { a: install }),
      { a: skipped({ reason: 'excluded', ...excluded.exclusion }) },
    ],
    [
      'minds BUILD_EXCLUSIVE by force too',
      typed([added('a', [], {}, excluded)], { a: forced }),
      { a: skipped({ reason: 'excluded', ...excluded.exclusion }) },
    ],
    [
      'fails where the conf cannot be used',
      typed([unreadable('a', confBroken)], { a: install }),
      { a: failed(confBroken) },
    ],
    ['plans nothing else', typed([added('a'), added('b'), added('c', ['a'])], { a: install }), { a: asked }],
    ['plans nothing for a name that is not there', typed([added('a')], { z: install }), {}],
    [
      'tries again what failed before',
      typed([added('a', [], { remembered: compilerFailed })], { a: install }),
      { a: asked },
    ],
    ['fails without headers', typed([added('a')], { a: install }, {}, false), { a: noHeaders }],
    [
      'needs no headers to install what is built',
      typed([added('a', [], built)], { a: install }, {}, false),
      { a: { reason: 'not-installed' } },
    ],
    ['needs headers to build by force', typed([added('a', [], built)], { a: forced }, {}, false), { a: noHeaders }],
  ])('%s', (_rule, input, expected) => {
    expect(decided(input)).toEqual(expected);
  });

  it('says in the job what it wants of it', () => {
    const wants = (target: Target) => makePlan(typed([added('a')], { a: target })).jobs.map(({ want }) => want);
    expect([wants(build), wants(install)]).toEqual([['built'], ['installed']]);
  });
});

describe('what the module of a command needs', () => {
  it.each<[string, PlanInput, object]>([
    ['is built first', typed([added('z'), added('a', ['z'])], { a: install }), { z: notBuilt, a: asked }],
    [
      'is built first, also where it is needed in turn',
      typed([added('z'), added('y', ['z']), added('a', ['y'])], { a: install }),
      { z: notBuilt, y: notBuilt, a: asked },
    ],
    [
      'is installed where it is only built',
      typed([added('z', [], built), added('a', ['z'])], { a: install }),
      { z: { reason: 'not-installed' }, a: asked },
    ],
    [
      'is built anew where it is built and stale',
      typed([added('z', [], { ...built, changed: ['conf'] }), added('a', ['z'])], { a: install }),
      { z: { reason: 'stale', changed: ['conf'] }, a: asked },
    ],
    [
      'stays where it is installed, however stale',
      typed([installed('z', [], { changed: ['sources'] }), added('a', ['z'])], { a: install }),
      { z: unchanged, a: asked },
    ],
    [
      'stays where another version is installed',
      typed([added('z', [], { installed: '0.9' }), added('a', ['z'])], { a: install }),
      { z: unchanged, a: asked },
    ],
    [
      'is not built anew by the force that was meant for another',
      typed([installed('z'), added('a', ['z'])], { a: forced }),
      { z: unchanged, a: force },
    ],
    [
      'is a failure where nobody knows it',
      typed([added('a', ['gone'])], { a: install }),
      { a: failed({ kind: 'dependency-unknown', at: 'gone' }) },
    ],
    ['does not matter by force where nobody knows it', typed([added('a', ['gone'])], { a: forced }), { a: force }],
    [
      'is a failure where it has to wait itself, for the name that is missing',
      typed([added('z', ['gone']), added('a', ['z'])], { a: install }),
      {
        z: { kind: 'deferred', why: { reason: 'dependency-unknown', dependency: 'gone' } },
        a: failed({ kind: 'dependency-unknown', at: 'gone' }),
      },
    ],
    ['does not matter where nothing is to do', typed([installed('a', ['gone'])], { a: install }), { a: unchanged }],
    [
      'blocks where it failed',
      typed([unreadable('z', confBroken), added('a', ['z'])], { a: install }),
      { z: failed(confBroken), a: blocked('z') },
    ],
    [
      'blocks by force too where it failed',
      typed([unreadable('z', confBroken), added('a', ['z'])], { a: forced }),
      { z: failed(confBroken), a: blocked('z') },
    ],
    [
      'is wanted in spite of its AUTOINSTALL=no',
      typed([added('z', [], {}, autoinstallNo), added('a', ['z'])], { a: install }),
      { z: notBuilt, a: asked },
    ],
  ])('%s', (_rule, input, expected) => {
    expect(decided(input)).toEqual(expected);
  });

  it('is wanted installed, also for a command that only builds', () => {
    const { jobs } = makePlan(typed([added('z'), added('a', ['z'])], { a: build }));
    expect(jobs.map(({ module, want, after }) => [module.name, want, after])).toEqual([
      ['z', 'installed', []],
      ['a', 'built', ['z/1.0@6.1/x86_64']],
    ]);
  });
});

describe('a command about a module in a cycle', () => {
  const round = [added('a', ['b']), added('b', ['a'])];
  it.each<[string, PlanInput, object]>([
    [
      'fails and tells the way round, of the module that was named only',
      typed(round, { a: install }),
      { a: failed({ kind: 'dependency-circular', at: 'a -> b -> a' }) },
    ],
    ['goes on by force, without the others', typed(round, { a: forced }), { a: force }],
    ['fails by force where there are no headers', typed(round, { a: forced }, {}, false), { a: noHeaders }],
    [
      'waits by force where headers may follow',
      typed(round, { a: forced }, { headersMayFollow: true }, false),
      { a: { kind: 'deferred', why: { reason: 'headers-may-follow' } } },
    ],
    [
      'fails for its conf before the cycle',
      typed([{ ...added('a', ['b']), failure: confBroken }, added('b', ['a'])], { a: install }),
      { a: failed(confBroken) },
    ],
  ])('%s', (_rule, input, expected) => {
    expect(decided(input)).toEqual(expected);
  });
});

describe('a transaction', () => {
  it.each<[string, PlanInput, object]>([
    [
      'installs what is built in place of another version',
      inputOf([added('a', [], { state: 'built', installed: '0.9' })]),
      { a: { reason: 'not-installed' } },
    ],
    [
      'fails for an installed module whose conf is broken, and knows no object of it',
      inputOf([unreadable('a', confBroken, { state: 'installed', installed: '1.0' }), added('b')]),
      { a: failed(confBroken), b: notBuilt },
    ],
    [
      'knows nothing of a module without a conf and without a failure',
      inputOf([{ module: { name: 'a', version: '1.0' }, state: 'added', changed: [] }]),
      { a: unchanged },
    ],
    [
      'fails for an installed module whose conf is broken',
      inputOf([unreadable('a', confBroken, { state: 'installed' })]),
      { a: failed(confBroken) },
    ],
    [
      'fails for a source that is gone where it is only built',
      inputOf([unreadable('a', { kind: 'source-broken' }, { state: 'built' })]),
      { a: failed({ kind: 'source-broken' }) },
    ],
    [
      'rebuilds the version that is there, whatever its link says',
      inputOf([added('a', [], { installed: '1.0' })]),
      { a: notBuilt },
    ],
    [
      'takes the first of two dependencies that are rebuilt',
      inputOf([added('y'), added('z'), installed('a', ['z', 'y'])]),
      { y: notBuilt, z: notBuilt, a: { reason: 'dependency-rebuilt', dependency: 'z' } },
    ],
    [
      'rebuilds after a dependency of a new version',
      inputOf([added('z', [], { installed: '0.9' }), installed('a', ['z'])]),
      { z: { reason: 'new-version', installed: '0.9' }, a: { reason: 'dependency-rebuilt', dependency: 'z' } },
    ],
    [
      'rebuilds after a dependency that failed before',
      inputOf([added('z', [], { remembered: compilerFailed }), installed('a', ['z'])], { trustMemory: false }),
      { z: { reason: 'failed-before' }, a: { reason: 'dependency-rebuilt', dependency: 'z' } },
    ],
    [
      'signs anew with another key, without headers, and leaves alone what uses it',
      inputOf([installed('z', [], { signedByAnother: true }), installed('a', ['z'])], {}, false),
      { z: { reason: 'signer-changed' }, a: unchanged },
    ],
    [
      'signs before it installs, and builds what is stale',
      inputOf([
        added('b', [], { state: 'built', signedByAnother: true }),
        installed('s', [], { changed: ['sources'], signedByAnother: true }),
      ]),
      { b: { reason: 'signer-changed' }, s: { reason: 'stale', changed: ['sources'] } },
    ],
    [
      'leaves alone what uses a damaged dependency',
      inputOf([installed('z', [], { damaged: '/z.ko' }), installed('a', ['z'])]),
      { z: { reason: 'damaged', path: '/z.ko' }, a: unchanged },
    ],
    [
      'tells what lacks headers that it waits for another',
      inputOf([added('a', ['gone'])], {}, false),
      { a: { kind: 'deferred', why: { reason: 'dependency-unknown', dependency: 'gone' } } },
    ],
    [
      'tells of missing headers before a failed dependency',
      inputOf([unreadable('z', confBroken), added('a', ['z'])], {}, false),
      { z: failed(confBroken), a: noHeaders },
    ],
    [
      'tells of a cycle before missing headers',
      inputOf([added('a', ['a'])], {}, false),
      { a: { kind: 'blocked', why: { reason: 'cycle', path: ['a', 'a'] } } },
    ],
    [
      'skips a member of a cycle that is ruled out',
      inputOf([added('a', ['a'], {}, excluded)]),
      { a: skipped({ reason: 'excluded', ...excluded.exclusion }) },
    ],
    [
      'names the root over several steps',
      inputOf([unreadable('d', confBroken), added('c', ['d']), added('b', ['c']), added('a', ['b'])]),
      { d: failed(confBroken), c: blocked('d'), b: blocked('c', 'd'), a: blocked('b', 'd') },
    ],
    [
      'names no root beyond AUTOINSTALL=no',
      inputOf([added('c', [], {}, autoinstallNo), added('b', ['c']), added('a', ['b'])]),
      {
        c: skipped({ reason: 'autoinstall-no' }),
        b: { kind: 'blocked', why: { reason: 'dependency-autoinstall-no', dependency: 'c' } },
        a: blocked('b'),
      },
    ],
    [
      'lets the switch file skip what needs it too',
      inputOf([added('z'), added('a', ['z'])], { noAutoinstall: '/off' }),
      {
        z: skipped({ reason: 'no-autoinstall-file', path: '/off' }),
        a: skipped({ reason: 'no-autoinstall-file', path: '/off' }),
      },
    ],
    [
      'waits for headers with all that needs it',
      inputOf([added('z'), added('a', ['z'])], { headersMayFollow: true }, false),
      {
        z: { kind: 'deferred', why: { reason: 'headers-may-follow' } },
        a: { kind: 'deferred', why: { reason: 'dependency-deferred', dependency: 'z' } },
      },
    ],
  ])('%s', (_rule, input, expected) => {
    expect(decided(input)).toEqual(expected);
  });

  it('decides of a kernel without modules nothing', () => {
    expect(makePlan(inputOf([]))).toEqual({ jobs: [], settled: [] });
    expect(makePlan(inputOf([added('a')])).jobs[0]?.kernel).toEqual(kernel);
  });
});
