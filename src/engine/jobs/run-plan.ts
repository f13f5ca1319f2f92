import type { Row } from '../answers.ts';
import type { Failure } from '../errors.ts';
import { runDepmod } from '../install/depmod.ts';
import type { Outcome } from '../outcome.ts';
import { type Ended, runPlan } from '../plan/schedule.ts';
import type { Survey } from '../plan/survey.ts';
import type { Plan } from '../plan.ts';
import type { Run } from '../run/run.ts';
import { strikeDue } from '../state/due.ts';
import { storeDirectory } from '../state/paths.ts';
import { sweepStore } from '../store/sweep.ts';
import { lookOr } from '../system/look.ts';
import { doJob } from './job.ts';

/** From a Plan to rows: what every changing verb does after it has planned. */

/** What a Plan's Jobs came to. */
export interface JobsDone {
  /** A row for each. */
  readonly rows: readonly Row[];
  /** Releases below whose directories files were changed. */
  readonly changed: readonly string[];
}

const rowOf = ({ job, outcome, seconds }: Ended): Row => ({
  module: job.module,
  kernel: job.kernel,
  outcome,
  ...(seconds === undefined ? {} : { seconds }),
});

/** What was kept of these builds may be too much. */
const sweepAfter = (run: Run): void =>
  lookOr(
    () => {
      sweepStore(run.settings);
    },
    ({ detail, kind }) => {
      run.note({ note: 'store-unwritable', path: storeDirectory(run.settings.stateDir), detail: detail ?? kind });
    },
  );

/** Run a Plan's Jobs. */
export const runJobs = async (run: Run, plan: Plan, survey: Survey): Promise<JobsDone> => {
  const ended = await runPlan(
    plan,
    (job) => doJob(run, survey, job),
    ({ job, outcome, seconds = 0 }) => run.emit({ kind: 'ended', job, outcome, seconds }),
  );
  const changed = [...new Set(ended.filter((one) => one.changed).map(({ job }) => job.kernel.release))];
  for (const release of changed) strikeDue(run.settings.stateDir, release, ['weak-modules']);
  // What is in use the view of a trial does not know.
  if (run.settings.isTrial) return { rows: ended.map(rowOf), changed };
  if (ended.some(({ outcome }) => outcome.kind === 'installed' || outcome.kind === 'built')) sweepAfter(run);
  return { rows: ended.map(rowOf), changed };
};

/** depmod for every kernel whose modules changed, also when some Jobs failed. */
export const depmodAll = async (run: Run, releases: readonly string[]): Promise<Failure[]> => {
  const failures: Failure[] = [];
  if (run.switches.noDepmod) return failures;
  for (const release of [...new Set(releases)].sort()) {
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
