import { consequenceOf, isSatisfied, type Outcome } from '../outcome.ts';
import type { Job, Plan } from '../plan.ts';

/** What came of one Job. */
export interface JobResult {
  readonly outcome: Outcome;
  /** Files below the Kernel's directory were changed, whatever became of the Job after that. */
  readonly changed: boolean;
  /** Wall time; missing where nothing was done. */
  readonly seconds?: number;
}

/** Does one Job; never rejects. */
export type Work = (job: Job) => Promise<JobResult>;

/** A Job that has ended, or that was not tried because of another. */
export interface Ended extends JobResult {
  readonly job: Job;
}

/** What a Job becomes when one that it waits for did not end well. */
const afterFailure = ({ job, outcome }: Ended): JobResult => ({
  outcome: outcome.kind === 'skipped' ? outcome : consequenceOf(job.module.name, outcome),
  changed: false,
});

/**
 * Run a Plan: each Job when all that it waits for have ended well, several side by side. Jobs of one
 * module name follow each other, for they share a build directory. How many run at once is for `work`
 * to say (it waits for a slot).
 */
export const runPlan = async (plan: Plan, work: Work, onEnded: (ended: Ended) => void): Promise<Ended[]> => {
  const running = new Map<string, Promise<Ended>>();
  const lastOfName = new Map<string, Promise<Ended>>();

  const start = async (job: Job, before: Promise<Ended> | undefined): Promise<Ended> => {
    const dependencies = await Promise.all(job.after.map((id) => running.get(id)));
    await before;
    await Promise.all((job.behind ?? []).map((id) => running.get(id)));
    const failed = dependencies.find((ended) => ended && !isSatisfied(ended.outcome));
    const ended = { job, ...(failed ? afterFailure(failed) : await work(job)) };
    onEnded(ended);
    return ended;
  };
  for (const job of plan.jobs) {
    const promise = start(job, lastOfName.get(job.module.name));
    running.set(job.id, promise);
    lastOfName.set(job.module.name, promise);
  }
  return Promise.all(running.values());
};
