import type { Plan } from '../engine/plan.ts';
import type { Progress } from '../engine/progress.ts';
import type { JobState, TrackedJob } from './job-titles.ts';

/** What the engine has said so far of the Jobs of a Plan. */
export class Tracking {
  readonly #tracked: Map<string, TrackedJob>;
  /** How many may run side by side. */
  readonly atOnce: number;

  constructor(plan: Plan, atOnce: number) {
    this.#tracked = new Map(plan.jobs.map((job) => [job.id, { job, state: { phase: 'waiting' } }]));
    this.atOnce = atOnce > 0 ? atOnce : Math.max(plan.jobs.length, 1);
  }

  /** In the order of the Plan. */
  get all(): readonly TrackedJob[] {
    return [...this.#tracked.values()];
  }

  /**
   * Take in what was said.
   *
   * @param now milliseconds since the epoch
   * @returns whether it was about one of these Jobs
   */
  take(progress: Progress, now: number): boolean {
    if (progress.kind === 'started') return this.#move(progress.job.id, { phase: 'running', since: now });
    if (progress.kind === 'step')
      return this.#move(progress.job.id, { phase: 'running', since: now, step: progress.step });
    if (progress.kind !== 'ended') return false;
    return this.#move(progress.job.id, { phase: 'ended', outcome: progress.outcome, seconds: progress.seconds });
  }

  /** The time of a Job is that of all its steps. */
  #move(id: string, next: JobState): boolean {
    const before = this.#tracked.get(id);
    if (!before || before.state.phase === 'ended') return false;
    const { state } = before;
    const isGoingOn = state.phase === 'running' && next.phase === 'running';
    this.#tracked.set(id, { ...before, state: isGoingOn ? { ...next, since: state.since } : next });
    return true;
  }
}
