import type { ModuleConf } from './conf.ts';
import type { Failure } from './errors.ts';
import type { Outcome } from './outcome.ts';
import type { Kernel, Module } from './request.ts';
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
