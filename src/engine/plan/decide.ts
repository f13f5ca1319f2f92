import { type Failure, isDetermined } from '../errors.ts';
import { consequenceOf, type DeferReason, isSatisfied, type Outcome } from '../outcome.ts';
import type { JobReason } from '../plan.ts';
import type { Candidate, KernelCandidates, PlanInput, Target } from './candidates.ts';

/** The rules by which one Module on one Kernel becomes a Job or is settled. Pure. */

/** What is decided for one Module on one Kernel: a Job, or an outcome without one. */
export type Decision = { readonly outcome: Outcome } | { readonly job: JobReason };
type Decisions = Map<string, Decision>;

const settle = (outcome: Outcome): Decision => ({ outcome });
const failed = (failure: Failure, remembered = false): Decision => settle({ kind: 'failed', failure, remembered });
const unchanged = settle({ kind: 'unchanged' });

/** Reasons that end in a new build, so that dependents have to look at their symbols again. */
export const rebuilds: ReadonlySet<JobReason['reason']> = new Set<JobReason['reason']>([
  'not-built',
  'asked',
  'forced',
  'new-version',
  'stale',
  'dependency-rebuilt',
  'failed-before',
]);
/** Reasons that need no headers, for what is built is there. */
const installsOnly = new Set<JobReason['reason']>(['not-installed', 'damaged', 'signer-changed']);

const ownReason = (candidate: Candidate): JobReason | undefined => {
  const { state, installed, module } = candidate;
  if (state === 'added' && installed && installed !== module.version) return { reason: 'new-version', installed };
  if (state === 'added') return { reason: candidate.remembered ? 'failed-before' : 'not-built' };
  if (candidate.changed.length > 0) return { reason: 'stale', changed: candidate.changed };
  if (candidate.signedByAnother) return { reason: 'signer-changed' };
  if (state === 'built') return { reason: 'not-installed' };
  return candidate.damaged ? { reason: 'damaged', path: candidate.damaged } : undefined;
};

const dependencyReason = (depends: readonly string[], decided: Decisions): JobReason | undefined => {
  const rebuilt = depends.find((name) => {
    const decision = decided.get(name);
    return decision && 'job' in decision && rebuilds.has(decision.job.reason);
  });
  return rebuilt === undefined ? undefined : { reason: 'dependency-rebuilt', dependency: rebuilt };
};

/** What a dependency's own decision means for one that needs it; undefined: go on. */
const obstacleOf = (
  dependency: string,
  decided: Decisions,
  candidates: ReadonlyMap<string, Candidate>,
): Outcome | undefined => {
  const decision = decided.get(dependency);
  if (!decision) return { kind: 'deferred', why: { reason: 'dependency-unknown', dependency } };
  if ('job' in decision || isSatisfied(decision.outcome)) return undefined;
  const { outcome } = decision;
  if (outcome.kind === 'skipped') {
    if (candidates.get(dependency)?.installed) return undefined;
    return { kind: 'blocked', why: { reason: 'dependency-autoinstall-no', dependency } };
  }
  return consequenceOf(dependency, outcome);
};

/** A block counts more than a deferral: it will not go away by itself. */
const worstObstacle = (obstacles: readonly (Outcome | undefined)[]): Outcome | undefined =>
  obstacles.find((outcome) => outcome?.kind === 'blocked') ?? obstacles.find((outcome) => outcome !== undefined);

/** What a decision goes by: the other candidates of the Kernel and what was decided before. */
export interface PlanContext {
  readonly input: PlanInput;
  readonly on: KernelCandidates;
  readonly byName: ReadonlyMap<string, Candidate>;
  readonly decided: Decisions;
}

/** What settles a Module before its needs are looked at. */
const beforeNeeds = (candidate: Candidate, context: PlanContext): Decision | undefined => {
  if (candidate.failure) {
    const onlyGone = candidate.failure.kind === 'source-broken' && candidate.state === 'installed';
    return onlyGone ? unchanged : failed(candidate.failure);
  }
  const { conf } = candidate;
  if (!conf) return unchanged;
  if (conf.exclusion) return settle({ kind: 'skipped', why: { reason: 'excluded', ...conf.exclusion } });
  if (context.input.targets) return undefined;
  if (!conf.autoinstall) return settle({ kind: 'skipped', why: { reason: 'autoinstall-no' } });
  const path = context.input.noAutoinstall;
  return path ? settle({ kind: 'skipped', why: { reason: 'no-autoinstall-file', path } }) : undefined;
};

const hasHeaders = ({ own }: Candidate, { on }: PlanContext): boolean => (own ?? on).hasHeaders;

/** A build that another machine has made needs no headers, but is not what somebody gets who forces one. */
const mayBePrebuilt = ({ own }: Candidate, { reason }: JobReason, { input, on }: PlanContext): boolean =>
  on.prebuilt !== undefined &&
  own === undefined &&
  reason !== 'forced' &&
  (on.prebuilt === 'only' || !input.headersMayFollow);

const withoutHeaders = ({ own }: Candidate, { input, on }: PlanContext): Decision =>
  input.headersMayFollow
    ? settle({ kind: 'deferred', why: { reason: 'headers-may-follow' } })
    : failed({ kind: 'headers-missing', at: (own ?? on).headersAt, detail: on.kernel.release });

/** A typed command takes what is built as it is; only `--force` builds anew. */
const targetReason = (candidate: Candidate, target: Target): JobReason | undefined => {
  if (target.force) return { reason: 'forced' };
  if (candidate.state === 'added') return { reason: 'asked' };
  if (target.want === 'built' || candidate.state === 'installed') return undefined;
  return { reason: 'not-installed' };
};

/** Under a target, a dependency is only wanted installed; how fresh it is was not asked. */
const reasonOf = (candidate: Candidate, context: PlanContext): JobReason | undefined => {
  const { targets } = context.input;
  if (!targets) return ownReason(candidate) ?? dependencyReason(candidate.conf?.depends ?? [], context.decided);
  const target = targets.get(candidate.module.name);
  if (target) return targetReason(candidate, target);
  return candidate.installed ? undefined : ownReason(candidate);
};

/** The name that nobody added, behind all that waits for it. */
const unknownBehind = (why: DeferReason, decided: Decisions): string => {
  if (why.reason === 'dependency-unknown') return why.dependency;
  const behind = why.reason === 'dependency-deferred' ? decided.get(why.dependency) : undefined;
  const waits = behind && 'outcome' in behind && behind.outcome.kind === 'deferred';
  return waits ? unknownBehind(behind.outcome.why, decided) : '';
};

/** For a command a dependency that nobody registered is a failure; `--force` goes on without it. */
const forTarget = (outcome: Outcome, target: Target | undefined, decided: Decisions): Outcome | undefined => {
  if (!target || outcome.kind !== 'deferred') return outcome;
  if (target.force) return undefined;
  const at = unknownBehind(outcome.why, decided);
  return { kind: 'failed', failure: { kind: 'dependency-unknown', at }, remembered: false };
};

/** dkms minds dependencies when it builds: a command installs what is built without them. */
const isOnlyInstalled = (candidate: Candidate, reason: JobReason, { input }: PlanContext): boolean =>
  input.targets?.has(candidate.module.name) === true && installsOnly.has(reason.reason);

const obstacleFor = (candidate: Candidate, context: PlanContext): Outcome | undefined => {
  const depends = candidate.conf?.depends ?? [];
  const worst = worstObstacle(depends.map((name) => obstacleOf(name, context.decided, context.byName)));
  return worst && forTarget(worst, context.input.targets?.get(candidate.module.name), context.decided);
};

/**
 * A hook repeats nothing that failed for the same inputs; a command no build that must fail the same way again. What only
 * its log says so of is tried again where the module is named: who does that may know better.
 */
const isNotRepeated = (failure: Failure, { reason }: JobReason, { input }: PlanContext, isNamed: boolean): boolean =>
  input.trustMemory ||
  (isDetermined(failure) && !(isNamed && failure.determined === true) && !installsOnly.has(reason));

/** Decide one Module after all that it needs. */
export const decide = (candidate: Candidate, context: PlanContext): Decision => {
  const early = beforeNeeds(candidate, context);
  if (early) return early;
  const reason = reasonOf(candidate, context);
  if (!reason) return unchanged;
  const obstacle = isOnlyInstalled(candidate, reason, context) ? undefined : obstacleFor(candidate, context);
  // What has to wait for another module in any case lacks no headers.
  if (obstacle?.kind === 'deferred') return settle(obstacle);
  const needsNone = installsOnly.has(reason.reason) || mayBePrebuilt(candidate, reason, context);
  if (!hasHeaders(candidate, context) && !needsNone) return withoutHeaders(candidate, context);
  const target = context.input.targets?.get(candidate.module.name);
  if (obstacle) return settle(obstacle);
  const { remembered } = candidate;
  if (remembered && target?.force !== true && isNotRepeated(remembered, reason, context, target !== undefined))
    return failed(remembered, true);
  return { job: reason };
};

/** Decide a member of a cycle: blocked, but for a command that forces it. */
export const decideInCycle = (candidate: Candidate, context: PlanContext, path: readonly string[]): Decision => {
  const early = beforeNeeds(candidate, context);
  if (early) return early;
  const target = context.input.targets?.get(candidate.module.name);
  if (!target) return settle({ kind: 'blocked', why: { reason: 'cycle', path } });
  const reason = reasonOf(candidate, context);
  if (reason && isOnlyInstalled(candidate, reason, context)) return { job: reason };
  if (!target.force) return failed({ kind: 'dependency-circular', at: path.join(' -> ') });
  return hasHeaders(candidate, context) ? { job: { reason: 'forced' } } : withoutHeaders(candidate, context);
};
