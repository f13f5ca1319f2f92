import type { Outcome } from '../engine/outcome.ts';
import type { Job } from '../engine/plan.ts';
import type { Step } from '../engine/progress.ts';
import { moduleLabel } from '../engine/request.ts';
import { failureDetail, failureSentence } from './failures.ts';
import { duration, jobReason, outcomeReason, stepSentence } from './messages.ts';

/** What is said of a Job while it runs, and when it has ended. */

/** How far a Job has come; times are milliseconds since the epoch. */
export type JobState =
  | { readonly phase: 'waiting' }
  | { readonly phase: 'running'; readonly since: number; readonly step?: Step }
  | { readonly phase: 'ended'; readonly outcome: Outcome; readonly seconds: number };

/** A Job and its state. */
export interface TrackedJob {
  readonly job: Job;
  readonly state: JobState;
}

/** `zfs/2.3.1, 6.1.0-13-amd64`. */
export const jobName = ({ module, kernel }: Pick<Job, 'module' | 'kernel'>): string =>
  `${moduleLabel(module)}, ${kernel.release}`;

/** `FAILED after 3.2 s: compiler error: ...`, `installed in 12.0 s`. */
export const endedText = (outcome: Outcome, seconds: number, isTrial: boolean): string => {
  if (isTrial && outcome.kind === 'installed') return `ready in ${duration(seconds)}`;
  switch (outcome.kind) {
    case 'failed':
      return `FAILED after ${duration(seconds)}: ${failureDetail(outcome.failure) ?? failureSentence(outcome.failure)}`;
    case 'skipped':
    case 'deferred':
      return `${outcome.kind}: ${outcomeReason(outcome)}`;
    case 'blocked':
      return outcomeReason(outcome) ?? outcome.kind;
    case 'unchanged':
      return 'unchanged';
    default:
      return `${outcome.kind} in ${duration(seconds)}`;
  }
};

/** Whole seconds of what is still going on. */
export const elapsed = (milliseconds: number): string =>
  milliseconds < 60_000 ? `${Math.floor(milliseconds / 1000)} s` : duration(Math.floor(milliseconds / 1000));

/** `zfs/2.3.1, 6.1.0-13-amd64: running make, 1 min 30 s`; undefined of a Job that does not run. */
export const runningText = ({ job, state }: TrackedJob, now: number): string | undefined =>
  state.phase === 'running'
    ? `${jobName(job)}: ${state.step ? stepSentence[state.step] : jobReason(job.why)}, ${elapsed(now - state.since)}`
    : undefined;
