import type { Failure } from '../errors.ts';
import { runDepmod } from '../install/depmod.ts';
import type { Outcome } from '../outcome.ts';
import { runPlan } from '../plan/schedule.ts';
import type { Survey } from '../plan/survey.ts';
import type { Plan } from '../plan.ts';
import type { Row } from '../progress.ts';
import type { Run } from '../run/run.ts';
import { doJob } from './job.ts';

/** From a Plan to rows: what every changing verb does after it has planned. */

/** Run a Plan's Jobs; a row for each. */
export const runJobs = async (run: Run, plan: Plan, survey: Survey): Promise<Row[]> => {
  const seconds = new Map<string, number>();
  const ended = await runPlan(
    plan,
    (job) => doJob(run, survey, job, (time) => seconds.set(job.id, time)),
    ({ job, outcome }) => {
      if (outcome.kind === 'installed' || outcome.kind === 'removed') run.touched.add(job.kernel.release);
      run.emit({ kind: 'ended', job, outcome, seconds: seconds.get(job.id) ?? 0 });
    },
  );
  return ended.map(({ job, outcome }): Row => {
    const time = seconds.get(job.id);
    return { module: job.module, kernel: job.kernel, outcome, ...(time === undefined ? {} : { seconds: time }) };
  });
};

/** depmod for every kernel whose modules changed, also when some Jobs failed. */
export const depmodAll = async (run: Run): Promise<Failure[]> => {
  const failures: Failure[] = [];
  if (run.switches.noDepmod) return failures;
  for (const release of [...run.changed].sort()) {
    const failure = await runDepmod(run, release);
    if (failure) failures.push(failure);
  }
  return failures;
};

const weight: Readonly<Record<Outcome['kind'], number>> = {
  unchanged: 0,
  skipped: 1,
  removed: 2,
  built: 3,
  installed: 4,
  deferred: 5,
  blocked: 6,
  failed: 7,
};

/** What went well first, failures last. */
export const inOrder = (rows: readonly Row[]): Row[] =>
  [...rows].sort((a, b) => weight[a.outcome.kind] - weight[b.outcome.kind]);
