import { FailureError } from '../errors.ts';
import type { Run } from '../run/run.ts';
import { type JobState, type Phase, phaseOf } from './job-states.ts';
import { askQueue } from './slurm.ts';

/** Jobs until each has ended: they are asked for, again and again. */

/** What is done about a job when it gets on. */
export interface Watcher {
  readonly onRunning: (id: string) => void;
  /** Called until it says true: what the job has left may not be there yet. */
  readonly onEnded: (id: string, phase: Phase) => Promise<boolean>;
}

const everyMs = 1000;
/** Many jobs end in a while, and asking for them takes a while, too. */
const manyEveryMs = 5000;
const many = 200;

/** Seconds without an answer, after which nobody waits any more: a controller may be started anew meanwhile. */
const longestSilence = 900;

/** How often a job has to be seen without its machine: most are put into the queue again. */
const lostAfter = 5;

const pause = (ms: number, abort: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (abort.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      abort.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    abort.addEventListener('abort', done, { once: true });
  });

/** What Slurm does not know any more has ended. */
const forgotten: JobState = { state: 'COMPLETED', reason: '' };

/**
 * Wait for jobs.
 *
 * @param ids in an order in which each comes after those that it waits for
 * Throws slurm-failed where Slurm is away for long, and interrupted (FailureError).
 */
export const watchJobs = async (run: Run, ids: readonly string[], watcher: Watcher): Promise<void> => {
  const left = new Set(ids);
  const lost = new Map<string, number>();
  let answered = Date.now();
  const look = async (id: string, state: JobState): Promise<void> => {
    const phase = phaseOf(state);
    lost.set(id, phase === 'lost' ? (lost.get(id) ?? 0) + 1 : 0);
    if (phase === 'running') watcher.onRunning(id);
    if (phase === 'running' || phase === 'waiting') return;
    if (phase === 'lost' && (lost.get(id) ?? 0) < lostAfter) return;
    if (await watcher.onEnded(id, phase)) left.delete(id);
  };
  while (left.size > 0) {
    if (run.abort.aborted) throw new FailureError({ kind: 'interrupted' });
    const states = await askQueue(run, [...left]);
    if (states) answered = Date.now();
    else if (!run.abort.aborted) run.note({ note: 'slurm-silent' });
    if (Date.now() - answered > longestSilence * 1000)
      throw new FailureError({ kind: 'slurm-failed', at: 'squeue', detail: `no answer for ${longestSilence} s` });
    if (states) for (const id of [...left]) await look(id, states.get(id) ?? forgotten);
    if (left.size > 0) await pause(left.size > many ? manyEveryMs : everyMs, run.abort);
  }
};
