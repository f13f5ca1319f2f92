import type { Row, TrialAnswer } from '../answers.ts';
import { type Phase, rangesOf } from '../cluster/job-states.ts';
import { askEnd, cancel, expectSlurm, submit } from '../cluster/slurm.ts';
import { neededBy, sendInputs, type Travelled, type Way } from '../cluster/travel.ts';
import { watchJobs } from '../cluster/watch.ts';
import { type Failure, FailureError, isFailureError } from '../errors.ts';
import { inOrder } from '../jobs/run-plan.ts';
import { consequenceOf, isSatisfied, type Outcome } from '../outcome.ts';
import type { Job, Plan } from '../plan.ts';
import { fetchResult } from '../registry/fetch-input.ts';
import type { Order, Result } from '../registry/result.ts';
import { pushKeyOf, signersProblem } from '../registry/signers.ts';
import { moduleLabel } from '../request.ts';
import type { Run } from '../run/run.ts';
import { failureLogFile } from '../state/paths.ts';
import { hashText } from '../system/files.ts';
import { copyFile, makeTemporary, remove } from '../system/publish.ts';
import { registryFor } from './push.ts';
import { planInView, type Question } from './try.ts';

/** A matrix on the machines of a cluster: each pair is a job of Slurm that runs `kmodsort produce`. */

/** All that was named, in its place. */
export interface Gathered {
  readonly root: string;
  /** A private directory. */
  readonly directory: string;
  readonly question: Question;
  /** File names of packages. */
  readonly packages: readonly string[];
}

/** A job in the queue. */
interface Queued {
  readonly job: Job;
  readonly id: string;
  readonly order: Order;
}

/**
 * All that it takes, before anything is done. Throws no-registry, no-push-key, slurm-failed, and registry-failed where
 * nobody could be believed (FailureError).
 */
export const expectCluster = async (run: Run): Promise<Way> => {
  const registry = registryFor(run.settings);
  const key = await pushKeyOf(run, run.scratch);
  const problem = signersProblem(run.settings);
  if (problem) throw new FailureError({ kind: 'registry-failed', at: run.settings.prebuilt.from ?? '', problem });
  await expectSlurm(run);
  return { registry, key };
};

const orderOf = (job: Job, plan: Plan, { headers, sources }: Travelled, ticket: string): Order => {
  const own = headers.get(job.kernel.release);
  const inputs = [...neededBy(job, plan).flatMap((name) => sources.get(name) ?? []), ...(own ? [own] : [])];
  return { module: moduleLabel(job.module), release: job.kernel.release, inputs, ticket };
};

/** The words after `kmodsort`. */
const wordsOf = ({ module, release, inputs, ticket }: Order, cores: number): string[] => [
  'produce',
  module,
  '-k',
  release,
  '-j',
  String(cores),
  '--ticket',
  ticket,
  ...inputs.flatMap(({ kind, name, hash }) =>
    kind === 'headers' ? ['--headers', hash] : ['--source', `${name}@${hash}`],
  ),
];

/** Each after those that it waits for. What was queued before one is refused is taken out again. */
const submitAll = async (run: Run, plan: Plan, travelled: Travelled, cores: number): Promise<Queued[]> => {
  const ticket = hashText(String(process.pid), String(Date.now()), String(performance.now()));
  const queued: Queued[] = [];
  const idsOf = (jobs: readonly string[] = []): string[] =>
    queued.filter(({ job }) => jobs.includes(job.id)).map(({ id }) => id);
  try {
    for (const job of plan.jobs) {
      const order = orderOf(job, plan, travelled, ticket);
      const name = `${job.module.name}-${job.module.version}-${job.kernel.release}`;
      const relations = { after: idsOf(job.after), behind: idsOf(job.behind) };
      const id = await submit(run, { name, words: wordsOf(order, cores), ...relations, cores });
      queued.push({ job, id, order });
    }
  } catch (error) {
    await cancel(
      run,
      queued.map(({ id }) => id),
    );
    throw error;
  }
  return queued;
};

/** The log of a failure as one of this machine's own. */
const withLog = (run: Run, job: Job, { outcome, log }: Result & { readonly log?: string }): Outcome => {
  if (outcome.kind !== 'failed') return outcome;
  const { log: _there, ...failure } = outcome.failure;
  if (log === undefined) return { ...outcome, failure };
  const own = failureLogFile(run.settings.stateDir, job.module, job.kernel);
  copyFile(log, own);
  return { ...outcome, failure: { ...failure, log: own } };
};

interface Ended extends Pick<Row, 'outcome' | 'unloadable'> {
  readonly seconds: number;
  readonly on?: string;
}

const failed = (failure: Failure): Ended => ({ outcome: { kind: 'failed', failure, remembered: false }, seconds: 0 });

/** Asked so often, a second apart, a registry that does not answer is given up. */
const mostTries = 60;

/** A result that is not this job's own: of an earlier run, or of somebody who had the same built meanwhile. */
const isOthers = (error: unknown): boolean => isFailureError(error) && error.failure.problem?.problem === 'other-input';

/** What a job has left before it ended by itself is its result, or has become that of the same order of somebody else. */
const hasReported = /^(?:COMPLETED|exit status 1)\b/;

/** How a job ended, from the registry, or else from Slurm. Throws FailureError. */
const resultOf = async (run: Run, way: Way, { job, id, order }: Queued, logs: string): Promise<Ended> => {
  const fetch = (isAnybodys: boolean) => fetchResult(run, way.registry, order, logs, isAnybodys);
  const own = await fetch(false).catch((error: unknown) => {
    if (isOthers(error)) return undefined;
    throw error;
  });
  const detail = own ? undefined : await askEnd(run, id);
  const result = own ?? (detail !== undefined && hasReported.test(detail) ? await fetch(true) : undefined);
  if (result) return { ...result, outcome: withLog(run, job, result) };
  return failed({ kind: 'job-lost', at: `Slurm job ${id}`, ...(detail ? { detail } : {}) });
};

/** The same; undefined where the registry does not answer just now. */
const endOf = async (run: Run, way: Way, queued: Queued, tries: number): Promise<Ended | undefined> => {
  const logs = makeTemporary(run.scratch, 'result-');
  try {
    return await resultOf(run, way, queued, logs);
  } catch (error) {
    if (!isFailureError(error)) throw error;
    const isAway = error.failure.kind === 'registry-failed' && tries < mostTries;
    return isAway ? undefined : failed(error.failure);
  } finally {
    remove(logs);
  }
};

/** What a job was not tried for. */
const blockedBy = ({ after }: Job, plan: Plan, ends: ReadonlyMap<string, Ended>): Ended | undefined => {
  for (const id of after) {
    const before = plan.jobs.find((one) => one.id === id);
    const end = ends.get(id);
    if (before && end && !isSatisfied(end.outcome))
      return { outcome: consequenceOf(before.module.name, end.outcome), seconds: 0 };
  }
  return undefined;
};

/** Wait until all have ended. What was not tried is known by what it waited for. */
const watch = async (run: Run, way: Way, plan: Plan, queued: readonly Queued[]): Promise<Map<string, Ended>> => {
  const ends = new Map<string, Ended>();
  const tries = new Map<string, number>();
  const running = new Set<string>();
  const byId = new Map(queued.map((one) => [one.id, one]));
  const onRunning = (id: string): void => {
    const one = byId.get(id);
    if (!one || running.has(id)) return;
    running.add(id);
    run.emit({ kind: 'started', job: one.job });
  };
  const onEnded = async (id: string, phase: Phase): Promise<boolean> => {
    const one = byId.get(id);
    if (!one) return true;
    const count = tries.get(id) ?? 0;
    tries.set(id, count + 1);
    const end = blockedBy(one.job, plan, ends) ?? (await endOf(run, way, one, count));
    if (run.abort.aborted || !end) return false;
    if (phase === 'hopeless') await cancel(run, [id]);
    ends.set(one.job.id, end);
    const { outcome, seconds, on } = end;
    run.emit({ kind: 'ended', job: one.job, outcome, seconds, ...(on === undefined ? {} : { on }) });
    return true;
  };
  const cancelRest = async (): Promise<void> => {
    const rest = queued.filter(({ job }) => !ends.has(job.id)).map(({ id }) => id);
    await cancel(run, rest);
    if (rest.length > 0) run.note({ note: 'jobs-cancelled', count: rest.length, ids: rangesOf(rest) });
  };
  try {
    await watchJobs(
      run,
      queued.map(({ id }) => id),
      { onRunning, onEnded },
    );
  } catch (error) {
    await cancelRest();
    if (!isFailureError(error) || error.failure.kind !== 'interrupted') throw error;
  }
  return ends;
};

const rowOf = ({ module, kernel }: Job, end: Ended | undefined): Row => {
  if (!end) return { module, kernel, outcome: { kind: 'skipped', why: { reason: 'interrupted' } } };
  const { outcome, unloadable, seconds } = end;
  return { module, kernel, outcome, ...(seconds > 0 ? { seconds } : {}), ...(unloadable ? { unloadable } : {}) };
};

/**
 * Build on a cluster what a sync in a view of this machine would build.
 *
 * @param cores of each job
 * Throws as expectCluster and sendInputs.
 */
export const buildOnSlurm = async (
  run: Run,
  way: Way,
  { root, directory, question }: Gathered,
  cores: number,
): Promise<Pick<TrialAnswer, 'rows' | 'failures' | 'notes'>> => {
  const quiet: Run = { ...run, emit: () => undefined };
  const { plan, failures, notes } = await planInView(quiet, question, root, directory);
  const travelled = await sendInputs(run, way, plan, root, question.coming);
  const [headers, sources] = [travelled.headers.size, travelled.sources.size];
  const { from: to = '' } = run.settings.prebuilt;
  if (plan.jobs.length > 0) run.emit({ kind: 'sent', to, headers, sources, key: way.key.fingerprint });
  const queued = await submitAll(run, plan, travelled, cores);
  if (queued.length > 0)
    run.emit({ kind: 'submitted', count: queued.length, ids: rangesOf(queued.map(({ id }) => id)) });
  run.emit({ kind: 'planned', plan, atOnce: 0 });
  const ends = await watch(run, way, plan, queued);
  const rows = [...plan.settled, ...queued.map(({ job }) => rowOf(job, ends.get(job.id)))];
  return { rows: inOrder(rows), failures, notes };
};
