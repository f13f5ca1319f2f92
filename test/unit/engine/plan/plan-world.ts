import type { Failure } from '../../../../src/engine/errors.ts';
import type { Outcome } from '../../../../src/engine/outcome.ts';
import type { Candidate, PlanInput } from '../../../../src/engine/plan/candidates.ts';
import { makePlan } from '../../../../src/engine/plan/make-plan.ts';
import type { JobReason } from '../../../../src/engine/plan.ts';

/** What a plan is made from, and what became of each module. */

export const kernel = { release: '6.1', arch: 'x86_64' };
export const other = { release: '6.12', arch: 'x86_64' };
export const compilerFailed: Failure = { kind: 'compiler-failed', detail: 'a.c:1: error: x' };
/** The same where the log shows that nothing but the inputs is to blame. */
export const codeFailed: Failure = { ...compilerFailed, determined: true };
export const modpostFailed: Failure = { kind: 'modpost-failed', detail: 'ERROR: modpost: "gone" [a.ko] undefined!' };
export const confBroken: Failure = { kind: 'conf-broken', at: '/usr/src/a-1.0/dkms.conf' };

type Conf = NonNullable<Candidate['conf']>;

const objectNamed = (dest: string) => ({ built: dest, location: '', dest, destLocation: '/extra', strip: true });

/** A module that is only added, with AUTOINSTALL=yes and an object of its own. */
export const added = (
  name: string,
  depends: readonly string[] = [],
  more: Partial<Candidate> = {},
  conf: Partial<Conf> = {},
): Candidate => ({
  module: { name, version: '1.0' },
  state: 'added',
  changed: [],
  conf: { depends, autoinstall: true, objects: [objectNamed(name)], ...conf },
  ...more,
});

export const installed = (
  name: string,
  depends: readonly string[] = [],
  more: Partial<Candidate> = {},
  conf: Partial<Conf> = {},
): Candidate => added(name, depends, { state: 'installed', installed: '1.0', ...more }, conf);

/** One whose conf cannot be used. */
export const unreadable = (name: string, failure: Failure, more: Partial<Candidate> = {}): Candidate => ({
  module: { name, version: '1.0' },
  state: 'added',
  changed: [],
  failure,
  ...more,
});

export const inputOf = (
  candidates: readonly Candidate[],
  more: Partial<PlanInput> = {},
  hasHeaders = true,
): PlanInput => ({
  kernels: [{ kernel, hasHeaders, headersAt: '/lib/modules/6.1/build', candidates }],
  removals: [],
  trustMemory: true,
  headersMayFollow: false,
  ...more,
});

/** What became of each module, by name: the reason of its job, or its outcome. */
export const decided = (input: PlanInput): Record<string, JobReason | Outcome> => {
  const plan = makePlan(input);
  return Object.fromEntries([
    ...plan.settled.map((one) => [one.module.name, one.outcome] as const),
    ...plan.jobs.map((one) => [one.module.name, one.why] as const),
  ]);
};

export const skipped = (why: object): object => ({ kind: 'skipped', why });
export const blocked = (dependency: string, root = dependency): object => ({
  kind: 'blocked',
  why: { reason: 'dependency-failed', dependency, root },
});
export const deferred = (reason: string, dependency: string): object => ({
  kind: 'deferred',
  why: { reason, dependency },
});
export const failed = (failure: Failure, remembered = false): object => ({ kind: 'failed', failure, remembered });
export const unchanged = { kind: 'unchanged' };
export const notBuilt = { reason: 'not-built' };
export const autoinstallNo = { autoinstall: false };
export const excluded = { exclusion: { rule: 'BUILD_EXCLUSIVE_KERNEL', value: '^5' } };
export const sameObject = { objects: [objectNamed('same')] };
