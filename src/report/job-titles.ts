import type { Outcome } from '../engine/outcome.ts';
import type { Job } from '../engine/plan.ts';
import type { Step } from '../engine/progress.ts';
import { moduleLabel } from '../engine/request.ts';
import { duration, jobReason, outcomeReason, stepSentence } from './messages.ts';
import { waitsFor } from './plan.ts';

/** How far a Job on the screen has come. */
export type JobState =
  | { readonly phase: 'waiting' }
  | { readonly phase: 'running'; readonly since: number; readonly step?: Step }
  | { readonly phase: 'ended'; readonly outcome: Outcome; readonly seconds: number };

/** A Job and its state. */
export interface TrackedJob {
  readonly job: Job;
  readonly state: JobState;
}

const endedTitle = (outcome: Outcome, seconds: number): string => {
  const reason = outcomeReason(outcome);
  if (outcome.kind === 'failed') return `FAILED after ${duration(seconds)}: ${reason}`;
  if (outcome.kind === 'unchanged') return 'unchanged';
  return reason === undefined ? `${outcome.kind} in ${duration(seconds)}` : `${outcome.kind}: ${reason}`;
};

const waitingTitle = (job: Job, all: ReadonlyMap<string, TrackedJob>): string => {
  const after = job.after.filter((id) => all.get(id)?.state.phase !== 'ended');
  if (after.length === 0) return 'waiting for its turn';
  const jobs = [...all.values()].map((tracked) => tracked.job);
  return `waiting for ${waitsFor({ ...job, after }, jobs).join(', ')}`;
};

const elapsed = (milliseconds: number): string =>
  milliseconds < 60_000 ? `${Math.floor(milliseconds / 1000)} s` : duration(Math.floor(milliseconds / 1000));

/** The line of one Job on the screen, at the time `now` (milliseconds). */
export const jobTitle = ({ job, state }: TrackedJob, all: ReadonlyMap<string, TrackedJob>, now: number): string => {
  const name = `${moduleLabel(job.module)}, ${job.kernel.release}`;
  if (state.phase === 'ended') return `${name}: ${endedTitle(state.outcome, state.seconds)}`;
  if (state.phase === 'waiting') return `${name}: ${waitingTitle(job, all)}`;
  return `${name}: ${state.step ? stepSentence[state.step] : jobReason(job.why)}, ${elapsed(now - state.since)}`;
};
