import type { Failure } from './errors.ts';

/** How a Job ended, or why there was none, with its reason as data. */

export type SkipReason =
  | { readonly reason: 'autoinstall-no' }
  | { readonly reason: 'no-autoinstall-file'; readonly path: string }
  /** A BUILD_EXCLUSIVE rule of the conf does not match; dependents count it as satisfied. */
  | { readonly reason: 'excluded'; readonly rule: string; readonly value: string }
  | { readonly reason: 'newer-in-tree'; readonly path: string }
  /** Another version of the module is installed, and its objects are newer by their MODULE_VERSION. */
  | { readonly reason: 'newer-installed'; readonly version: string; readonly path: string }
  /** The run was ended before this one's turn. */
  | { readonly reason: 'interrupted' };

export type DeferReason =
  | { readonly reason: 'dependency-unknown'; readonly dependency: string }
  | { readonly reason: 'dependency-deferred'; readonly dependency: string }
  | { readonly reason: 'headers-may-follow' };

export type BlockReason =
  /** `root` is the module whose own failure started it; equal to `dependency` when it is the direct one. */
  | { readonly reason: 'dependency-failed'; readonly dependency: string; readonly root: string }
  | { readonly reason: 'dependency-autoinstall-no'; readonly dependency: string }
  /** Names along the cycle, the first one again at the end: a -> b -> a. */
  | { readonly reason: 'cycle'; readonly path: readonly string[] };

/** A build that was taken out of the Store, or a registry. */
export interface StoredBuild {
  /** When it was built, ISO 8601. */
  readonly built: string;
  /** How long that took. */
  readonly seconds: number;
  /** The Builder who made it, where that was another machine. */
  readonly by?: string;
}

/** How one Module ended on one Kernel. */
export type Outcome =
  | { readonly kind: 'installed'; readonly from?: StoredBuild }
  | { readonly kind: 'built'; readonly from?: StoredBuild }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'removed' }
  | { readonly kind: 'skipped'; readonly why: SkipReason }
  | { readonly kind: 'deferred'; readonly why: DeferReason }
  | { readonly kind: 'blocked'; readonly why: BlockReason }
  /** remembered: the same inputs failed in an earlier run, so it was not tried again. */
  | { readonly kind: 'failed'; readonly failure: Failure; readonly remembered: boolean };

/** Not done, and for now nothing is wrong with the module itself. */
export type PassedOver = Extract<Outcome, { readonly kind: 'skipped' | 'deferred' | 'blocked' }>;

/** Whether a run was ended before this one's turn, or while it was in work. */
export const isInterrupted = (outcome: Outcome): boolean =>
  outcome.kind === 'skipped' && outcome.why.reason === 'interrupted';

/** A trial could not say: it builds confined, and the module does not build so. */
export const isNotTried = (outcome: Outcome): boolean =>
  outcome.kind === 'failed' && outcome.failure.kind === 'not-tried';

/** Whether what was wanted did not come about, for a reason that has to be repaired. */
export const isFailedOrBlocked = (outcome: Outcome): boolean => outcome.kind === 'failed' || outcome.kind === 'blocked';

/** Whether what was wanted did not come about, for whatever reason. */
export const isFailure = (outcome: Outcome): boolean => isFailedOrBlocked(outcome) || isInterrupted(outcome);

/**
 * What becomes of a Job that waits for a dependency which was deferred, blocked, or has failed.
 *
 * @param dependency the dependency's name
 */
export const consequenceOf = (dependency: string, outcome: Outcome): Outcome => {
  if (outcome.kind === 'deferred') return { kind: 'deferred', why: { reason: 'dependency-deferred', dependency } };
  const root = outcome.kind === 'blocked' && outcome.why.reason === 'dependency-failed' ? outcome.why.root : dependency;
  return { kind: 'blocked', why: { reason: 'dependency-failed', dependency, root } };
};

/** Passed over, and there all the same or not needed on this kernel. */
const satisfying: ReadonlySet<SkipReason['reason']> = new Set(['excluded', 'newer-in-tree', 'newer-installed']);

/** Whether those that wait for a Job with this outcome may go on. */
export const isSatisfied = (outcome: Outcome): boolean =>
  ['installed', 'built', 'unchanged', 'removed'].includes(outcome.kind) ||
  (outcome.kind === 'skipped' && satisfying.has(outcome.why.reason));
