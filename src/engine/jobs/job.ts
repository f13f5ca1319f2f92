import { type Failure, failureOf } from '../errors.ts';
import type { Outcome } from '../outcome.ts';
import type { JobResult } from '../plan/schedule.ts';
import type { Survey } from '../plan/survey.ts';
import type { Job } from '../plan.ts';
import type { Step } from '../progress.ts';
import { moduleLabel } from '../request.ts';
import type { Run } from '../run/run.ts';
import { markers } from '../state/nested.ts';
import { moduleLockFile } from '../state/paths.ts';
import { type Lock, lockWaits, takeLock } from '../system/lock.ts';
import { installJob } from './install-job.ts';
import { removeModule } from './removal.ts';

/** What a run does for one Job: its slot, its locks, and what becomes of an error. */

const isInWorkAbove = (run: Run, job: Job): boolean =>
  (run.settings.environment[markers.working] ?? '').split(' ').some((label) => label.split('/')[0] === job.module.name);

const takeModuleLock = (run: Run, job: Job): Promise<Lock> =>
  takeLock(
    {
      path: moduleLockFile(run.settings.stateDir, job.module.name),
      owner: `a build of ${moduleLabel(job.module)} for ${job.kernel.release}`,
      wait: lockWaits.module,
      onBusy: (holder) => run.emit({ kind: 'waiting', holder }),
      onSurvivor: (pid) => run.note({ note: 'ended-survivor', pid, module: job.module }),
    },
    run.processes,
  );

/** What is asked of programs in a run that is told to end is a failure of nobody's. */
const failedOrEnded = (run: Run, failure: Failure): Outcome =>
  run.abort.aborted
    ? { kind: 'skipped', why: { reason: 'interrupted' } }
    : { kind: 'failed', failure, remembered: false };

const underLock = async (run: Run, survey: Survey, job: Job, onChanged: () => void): Promise<Outcome> => {
  const say = (step: Step): void => run.emit({ kind: 'step', job, step });
  if (isInWorkAbove(run, job))
    return { kind: 'failed', failure: { kind: 'nested', at: moduleLabel(job.module) }, remembered: false };
  const lock = await takeModuleLock(run, job).catch(failureOf);
  if ('kind' in lock) return failedOrEnded(run, lock);
  try {
    if (job.want === 'absent' || job.want === 'uninstalled') return await removeModule(run, job, lock, say, onChanged);
    return await installJob(run, survey, job, lock, say, onChanged);
  } finally {
    await lock.release();
  }
};

const outcomeOf = async (run: Run, survey: Survey, job: Job, onChanged: () => void): Promise<Outcome> => {
  if (run.abort.aborted) return { kind: 'skipped', why: { reason: 'interrupted' } };
  run.emit({ kind: 'started', job });
  try {
    return await underLock(run, survey, job, onChanged);
  } catch (error) {
    return failedOrEnded(run, failureOf(error));
  }
};

/** Do one Job when a slot is free. Never rejects. */
export const doJob = async (run: Run, survey: Survey, job: Job): Promise<JobResult> => {
  const giveBack = await run.jobserver.slot(job.longest);
  const start = performance.now();
  let changed = false;
  const outcome = await outcomeOf(run, survey, job, () => {
    changed = true;
  });
  giveBack();
  return { outcome, changed, seconds: (performance.now() - start) / 1000 };
};
