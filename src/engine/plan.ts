import type { ModuleConf } from './conf.ts';
import { decide, decideInCycle, type Table } from './decide.ts';
import type { Failure } from './errors.ts';
import { allNeedsOf, type Needs, orderOf } from './graph.ts';
import type { Outcome } from './progress.ts';
import { type Kernel, type Module, moduleLabel } from './request.ts';
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
  /** A command named it. */
  | { readonly reason: 'asked' }
  | { readonly reason: 'forced' }
  | { readonly reason: 'source-leaving' }
  | { readonly reason: 'kernel-leaving' };

/** The state that a Job brings about; `uninstalled` keeps what is built. */
export type Want = 'installed' | 'built' | 'uninstalled' | 'absent';

/** One Module on one Kernel, the state wanted and why. */
export interface Job {
  /** `name/version@release/arch`, unique in a Plan. */
  readonly id: string;
  readonly module: Module;
  readonly kernel: Kernel;
  readonly want: Want;
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
  /** `absent` if not said. */
  readonly want?: 'uninstalled' | 'absent';
  readonly why: 'source-leaving' | 'kernel-leaving' | 'asked';
}

/** What a typed command wants of one Module. */
export interface Demand {
  readonly want: 'built' | 'installed';
  /** Build anew, and in spite of dependencies that nobody knows. */
  readonly force: boolean;
}

export interface PlanInput {
  readonly kernels: readonly KernelCandidates[];
  readonly removals: readonly Removal[];
  /** Show remembered failures instead of trying again. */
  readonly trustMemory: boolean;
  readonly headersMayFollow: boolean;
  /** The file that switches autoinstall off, if it is there. */
  readonly noAutoinstall?: string;
  /** Names that a command asks for: these and what they need is all that is planned, AUTOINSTALL or not. */
  readonly demands?: ReadonlyMap<string, Demand>;
}

/** `name/version@release/arch`, unique in a Plan. */
export const jobId = (module: Module, kernel: Kernel): string =>
  `${moduleLabel(module)}@${kernel.release}/${kernel.arch}`;

const own = (table: Table, candidate: Candidate): void => {
  for (const { dest } of candidate.conf?.objects ?? []) table.owners.set(dest, candidate.module.name);
};

/** The names that a command asks for and all that they need; every name where nothing was asked for. */
const wantedNames = (input: PlanInput, needs: Needs): ReadonlySet<string> => {
  if (!input.demands) return new Set(needs.keys());
  return new Set([...input.demands.keys()].flatMap((name) => [name, ...allNeedsOf(needs, name)]));
};

const jobOf = (candidate: Candidate, why: JobReason, table: Table): Job => {
  const { module, conf } = candidate;
  const { kernel } = table.on;
  const waitsFor = (conf?.depends ?? []).filter((need) => 'job' in (table.decided.get(need) ?? {}));
  const after = waitsFor.map((need) => jobId(table.byName.get(need)?.module ?? module, kernel));
  const want = table.input.demands?.get(module.name)?.want ?? 'installed';
  return { id: jobId(module, kernel), module, kernel, want, why, after };
};

const planKernel = (input: PlanInput, on: KernelCandidates): { jobs: Job[]; settled: Settled[] } => {
  const byName = new Map(on.candidates.map((candidate) => [candidate.module.name, candidate]));
  const needs: Needs = new Map(on.candidates.map((one) => [one.module.name, one.conf?.depends ?? []]));
  const order = orderOf(needs);
  const wanted = wantedNames(input, needs);
  const table: Table = { input, on, byName, decided: new Map(), owners: new Map() };
  for (const candidate of on.candidates) if (candidate.installed) own(table, candidate);
  const jobs: Job[] = [];
  const settled: Settled[] = [];
  for (const name of [...order.cycles.keys(), ...order.names].filter((one) => wanted.has(one))) {
    const candidate = byName.get(name);
    if (!candidate) continue;
    const path = order.cycles.get(name);
    const decision = path ? decideInCycle(candidate, table, path) : decide(candidate, table);
    if ('job' in decision) {
      own(table, candidate);
      jobs.push(jobOf(candidate, decision.job, table));
    } else settled.push({ module: candidate.module, kernel: on.kernel, outcome: decision.outcome });
    table.decided.set(name, decision);
  }
  return { jobs, settled };
};

/**
 * Decide what happens to each Module on each Kernel, in dependency order. Pure: no files, no processes.
 * Removals come last, so that a new version is in place before the old one goes.
 */
export const makePlan = (input: PlanInput): Plan => {
  const parts = input.kernels.map((on) => planKernel(input, on));
  const removals = input.removals.map(({ module, kernel, want = 'absent', why }): Job => {
    const id = jobId(module, kernel);
    return { id, module, kernel, want, why: { reason: why }, after: [] };
  });
  return {
    jobs: [...parts.flatMap((part) => part.jobs), ...removals],
    settled: parts.flatMap((part) => part.settled),
  };
};
