import type { ModuleConf } from './conf.ts';
import type { Failure } from './errors.ts';
import { orderOf } from './graph.ts';
import type { Outcome } from './progress.ts';
import { type Kernel, type Module, moduleLabel } from './request.ts';
import { isSatisfied } from './schedule.ts';
import type { BuildState } from './tree.ts';

/** Why a Job is in the Plan. */
export type JobReason =
  | { readonly reason: 'not-built' }
  | { readonly reason: 'not-installed' }
  | { readonly reason: 'new-version'; readonly installed: string }
  /** What changed since it was built: sources, conf, patches, headers, compiler. */
  | { readonly reason: 'stale'; readonly changed: readonly string[] }
  /** An installed file is missing or is not the one that was installed. */
  | { readonly reason: 'damaged'; readonly path: string }
  /** A dependency is rebuilt in this run: rebuilt too if symbols that it uses have changed. */
  | { readonly reason: 'dependency-rebuilt'; readonly dependency: string }
  | { readonly reason: 'failed-before' }
  | { readonly reason: 'source-leaving' }
  | { readonly reason: 'kernel-leaving' };

/** One Module on one Kernel, the state wanted and why. */
export interface Job {
  /** `name/version@release/arch`, unique in a Plan. */
  readonly id: string;
  readonly module: Module;
  readonly kernel: Kernel;
  readonly want: 'installed' | 'absent';
  readonly why: JobReason;
  /** Ids of the Jobs that must have ended well before this one starts. */
  readonly after: readonly string[];
}

/** One Module on one Kernel that needs no Job; its outcome is known before anything runs. */
export interface Settled {
  readonly module: Module;
  readonly kernel: Kernel;
  readonly outcome: Outcome;
}

/** Jobs in an order in which each comes after all that it waits for, and everything else with its reason. */
export interface Plan {
  readonly jobs: readonly Job[];
  readonly settled: readonly Settled[];
}

/** What is known of one Module on one Kernel before anything is decided. */
export interface Candidate {
  readonly module: Module;
  /** Its conf for this Kernel; missing where `failure` says why. */
  readonly conf?: Pick<ModuleConf, 'depends' | 'autoinstall' | 'exclusion' | 'objects'>;
  readonly failure?: Failure;
  readonly state: BuildState;
  /** The version that is installed on this Kernel now, also another one than the candidate's. */
  readonly installed?: string;
  /** What changed since it was built, by name. */
  readonly changed: readonly string[];
  /** An installed file that is missing or altered. */
  readonly damaged?: string;
  /** The same inputs failed before. */
  readonly remembered?: Failure;
}

export interface KernelCandidates {
  readonly kernel: Kernel;
  readonly hasHeaders: boolean;
  /** Where headers were looked for. */
  readonly headersAt: string;
  readonly candidates: readonly Candidate[];
}

/** One Module to drop from one Kernel. */
export interface Removal {
  readonly module: Module;
  readonly kernel: Kernel;
  readonly why: 'source-leaving' | 'kernel-leaving';
}

export interface PlanInput {
  readonly kernels: readonly KernelCandidates[];
  readonly removals: readonly Removal[];
  /** Show remembered failures instead of trying again. */
  readonly trustMemory: boolean;
  readonly headersMayFollow: boolean;
  /** The file that switches autoinstall off, if it is there. */
  readonly noAutoinstall?: string;
}

/** `name/version@release/arch`, unique in a Plan. */
export const jobId = (module: Module, kernel: Kernel): string =>
  `${moduleLabel(module)}@${kernel.release}/${kernel.arch}`;

type Decision = { readonly outcome: Outcome } | { readonly job: JobReason };
type Decisions = Map<string, Decision>;

const settle = (outcome: Outcome): Decision => ({ outcome });
const failed = (failure: Failure, remembered = false): Decision => settle({ kind: 'failed', failure, remembered });
const unchanged = settle({ kind: 'unchanged' });

/** Reasons that end in a new build, so that dependents have to look at their symbols again. */
const rebuilds = new Set<JobReason['reason']>([
  'not-built',
  'new-version',
  'stale',
  'dependency-rebuilt',
  'failed-before',
]);
/** Reasons that need no headers, for what is built is there. */
const installsOnly = new Set<JobReason['reason']>(['not-installed', 'damaged']);

const ownReason = (candidate: Candidate): JobReason | undefined => {
  const { state, installed, module } = candidate;
  if (state === 'added' && installed && installed !== module.version) return { reason: 'new-version', installed };
  if (state === 'added') return { reason: candidate.remembered ? 'failed-before' : 'not-built' };
  if (candidate.changed.length > 0) return { reason: 'stale', changed: candidate.changed };
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
  if (outcome.kind === 'deferred') return { kind: 'deferred', why: { reason: 'dependency-deferred', dependency } };
  const root = outcome.kind === 'blocked' && outcome.why.reason === 'dependency-failed' ? outcome.why.root : dependency;
  return { kind: 'blocked', why: { reason: 'dependency-failed', dependency, root } };
};

/** A block counts more than a deferral: it will not go away by itself. */
const worstObstacle = (obstacles: readonly (Outcome | undefined)[]): Outcome | undefined =>
  obstacles.find((outcome) => outcome?.kind === 'blocked') ?? obstacles.find((outcome) => outcome !== undefined);

interface Table {
  readonly input: PlanInput;
  readonly on: KernelCandidates;
  readonly byName: ReadonlyMap<string, Candidate>;
  readonly decided: Decisions;
  /** Object name to the module that has it on this Kernel. */
  readonly owners: Map<string, string>;
}

const beforeNeeds = (candidate: Candidate, table: Table): Decision | undefined => {
  if (candidate.failure) {
    const onlyGone = candidate.failure.kind === 'source-broken' && candidate.state === 'installed';
    return onlyGone ? unchanged : failed(candidate.failure);
  }
  const { conf } = candidate;
  if (!conf) return unchanged;
  if (conf.exclusion) return settle({ kind: 'skipped', why: { reason: 'excluded', ...conf.exclusion } });
  if (!conf.autoinstall) return settle({ kind: 'skipped', why: { reason: 'autoinstall-no' } });
  const path = table.input.noAutoinstall;
  return path ? settle({ kind: 'skipped', why: { reason: 'no-autoinstall-file', path } }) : undefined;
};

const withoutHeaders = (table: Table): Decision =>
  table.input.headersMayFollow
    ? settle({ kind: 'deferred', why: { reason: 'headers-may-follow' } })
    : failed({ kind: 'headers-missing', at: table.on.headersAt, detail: table.on.kernel.release });

const conflictOf = (candidate: Candidate, owners: ReadonlyMap<string, string>): Decision | undefined => {
  for (const { dest } of candidate.conf?.objects ?? []) {
    const owner = owners.get(dest);
    if (owner && owner !== candidate.module.name)
      return failed({ kind: 'object-conflict', at: `${dest}.ko`, detail: owner });
  }
  return undefined;
};

const decide = (candidate: Candidate, table: Table): Decision => {
  const early = beforeNeeds(candidate, table);
  if (early) return early;
  const depends = candidate.conf?.depends ?? [];
  const reason = ownReason(candidate) ?? dependencyReason(depends, table.decided);
  if (!reason) return unchanged;
  if (!table.on.hasHeaders && !installsOnly.has(reason.reason)) return withoutHeaders(table);
  const conflict = conflictOf(candidate, table.owners);
  if (conflict) return conflict;
  const obstacle = worstObstacle(depends.map((name) => obstacleOf(name, table.decided, table.byName)));
  if (obstacle) return settle(obstacle);
  if (candidate.remembered && table.input.trustMemory) return failed(candidate.remembered, true);
  return { job: reason };
};

const own = (table: Table, candidate: Candidate): void => {
  for (const { dest } of candidate.conf?.objects ?? []) table.owners.set(dest, candidate.module.name);
};

const planKernel = (input: PlanInput, on: KernelCandidates): { jobs: Job[]; settled: Settled[] } => {
  const byName = new Map(on.candidates.map((candidate) => [candidate.module.name, candidate]));
  const order = orderOf(new Map(on.candidates.map((one) => [one.module.name, one.conf?.depends ?? []])));
  const table: Table = { input, on, byName, decided: new Map(), owners: new Map() };
  for (const candidate of on.candidates) if (candidate.installed) own(table, candidate);
  const jobs: Job[] = [];
  const settled: Settled[] = [];
  for (const name of [...order.cycles.keys(), ...order.names]) {
    const candidate = byName.get(name);
    if (!candidate) continue;
    const path = order.cycles.get(name);
    const early = path ? beforeNeeds(candidate, table) : undefined;
    const cycle: Decision | undefined = path && settle({ kind: 'blocked', why: { reason: 'cycle', path } });
    const decision = early ?? cycle ?? decide(candidate, table);
    table.decided.set(name, decision);
    const { module } = candidate;
    if ('outcome' in decision) {
      settled.push({ module, kernel: on.kernel, outcome: decision.outcome });
      continue;
    }
    own(table, candidate);
    const waitsFor = (candidate.conf?.depends ?? []).filter((need) => 'job' in (table.decided.get(need) ?? {}));
    const after = waitsFor.map((need) => jobId(byName.get(need)?.module ?? module, on.kernel));
    jobs.push({ id: jobId(module, on.kernel), module, kernel: on.kernel, want: 'installed', why: decision.job, after });
  }
  return { jobs, settled };
};

/**
 * Decide what happens to each Module on each Kernel, in dependency order. Pure: no files, no processes.
 * Removals come last, so that a new version is in place before the old one goes.
 */
export const makePlan = (input: PlanInput): Plan => {
  const parts = input.kernels.map((on) => planKernel(input, on));
  const removals = input.removals.map(({ module, kernel, why }): Job => {
    const id = jobId(module, kernel);
    return { id, module, kernel, want: 'absent', why: { reason: why }, after: [] };
  });
  return {
    jobs: [...parts.flatMap((part) => part.jobs), ...removals],
    settled: parts.flatMap((part) => part.settled),
  };
};
