import type { Outcome } from './outcome.ts';
import type { Kernel, Module } from './request.ts';

/** Why a Job is in the Plan. */
export type JobReason =
  | { readonly reason: 'not-built' }
  | { readonly reason: 'not-installed' }
  | { readonly reason: 'new-version'; readonly installed: string }
  /** What changed since it was built: sources, conf, patches, headers, compiler. */
  | { readonly reason: 'stale'; readonly changed: readonly string[] }
  /** An installed file is missing or is not the one that was installed. */
  | { readonly reason: 'damaged'; readonly path: string }
  /** The key, the certificate or the hash that modules are signed with is another: signed anew, not built. */
  | { readonly reason: 'signer-changed' }
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

/** An object, without `.ko`, that another module installs too. */
export interface SharedObject {
  readonly object: string;
  readonly of: Module;
}

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
  /** Ids of the Jobs that must have ended, well or not, before this one starts. */
  readonly behind?: readonly string[];
  /** Seconds that its last build took, on this Kernel or else on another. */
  readonly took?: number;
  /** Seconds from its start to the end of the longest chain of Jobs that wait for it: the longest go first. */
  readonly longest?: number;
  /** Objects of others that its own take the place of. */
  readonly replaces?: readonly SharedObject[];
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
