import { join } from 'node:path';
import { type Failure, FailureError } from '../errors.ts';
import type { Run } from '../run/run.ts';
import type { Argv, Ended, Processes } from '../system/exec.ts';
import { installCommand } from '../system/install-command.ts';
import { writeText } from '../system/publish.ts';
import { endOf, type JobState, parseQueue, queueFormat } from './job-states.ts';

/** Slurm, by its own programs: sbatch(1), squeue(1), scontrol(1), scancel(1). Accounting (slurmdbd) is not needed. */

/** One job that is to be put into the queue. */
export interface Batch {
  readonly name: string;
  /** The words after `kmodsort`. */
  readonly words: readonly string[];
  /** Numbers of the jobs that must have ended well, and of those that must have ended. */
  readonly after: readonly string[];
  readonly behind: readonly string[];
  /** Cores. */
  readonly cores: number;
}

/** What sites set for all their jobs, and where Slurm is: sbatch(1), "INPUT ENVIRONMENT VARIABLES". */
const variablesOf = ({ settings }: Run): Record<string, string> =>
  Object.fromEntries(
    Object.entries(settings.environment).flatMap(([name, value]) =>
      value !== undefined && /^(SBATCH_\w+|SLURM_CONF|SLURM_CLUSTERS)$/.test(name) ? [[name, value]] : [],
    ),
  );

const limit = 60;

const ask = (run: Run, argv: Argv, processes: Processes = run.processes): Promise<Ended> =>
  processes.ask(argv, { limit, variables: variablesOf(run) });

/** The last of what it said is the reason: what stands before are attempts. */
const said = ({ errors, problem }: Ended): string => {
  const lines = errors.split('\n').filter((line) => line.trim() !== '');
  return (lines.at(-1) ?? problem).replace(/^(?:sbatch|squeue|scancel|slurm_load_jobs): (?:error|fatal): /, '').trim();
};

const failureOf = ({ settings }: Run, program: string, ended: Ended): Failure => {
  if (ended.unstartable === undefined) return { kind: 'slurm-failed', at: program, detail: said(ended) };
  const install = installCommand(settings.distribution, 'sbatch');
  return { kind: 'slurm-failed', detail: ended.problem, ...(install ? { install } : {}) };
};

/** The fixed text that every job runs: what is to be built it gets as words. */
const script = `#!/bin/sh
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
exec kmodsort "$@"
`;

/** Whether Slurm answers. Throws slurm-failed (FailureError). */
export const expectSlurm = async (run: Run): Promise<void> => {
  const ended = await ask(run, ['sinfo', '--noheader', '--format=%T']);
  if (ended.code !== 0) throw new FailureError(failureOf(run, 'sinfo', ended));
};

const dependencyOf = ({ after, behind }: Batch): string[] => {
  const parts = [
    ...(after.length > 0 ? [`afterok:${after.join(':')}`] : []),
    ...(behind.length > 0 ? [`afterany:${behind.join(':')}`] : []),
  ];
  return parts.length > 0 ? [`--dependency=${parts.join(',')}`] : [];
};

/**
 * Put a job into the queue. Throws slurm-failed (FailureError).
 *
 * @returns its number
 */
export const submit = async (run: Run, batch: Batch): Promise<string> => {
  const file = join(run.scratch, 'job.sh');
  writeText(file, script);
  const { SBATCH_OUTPUT } = run.settings.environment;
  const ended = await ask(run, [
    'sbatch',
    '--parsable',
    '--requeue',
    '--kill-on-invalid-dep=yes',
    // What it is given here is little: no word of the caller's environment travels.
    '--export=ALL',
    '--chdir=/',
    `--job-name=${batch.name}`,
    `--cpus-per-task=${batch.cores}`,
    ...(SBATCH_OUTPUT ? [] : ['--output=/dev/null']),
    ...dependencyOf(batch),
    file,
    ...batch.words,
  ]);
  // With a federation the name of the cluster follows.
  const id = /^(\d+)(?:;|$)/m.exec(ended.output)?.[1];
  if (ended.code !== 0 || id === undefined) throw new FailureError(failureOf(run, 'sbatch', ended));
  return id;
};

/** What is known of jobs; of those that Slurm has forgotten by now nothing. Undefined where it does not answer. */
export const askQueue = async (run: Run, ids: readonly string[]): Promise<Map<string, JobState> | undefined> => {
  const argv = ['squeue', '--noheader', '--states=all', `--format=${queueFormat}`, `--jobs=${ids.join(',')}`] as const;
  const ended = await ask(run, argv);
  if (ended.code !== 0 && !/Invalid job id/i.test(ended.errors)) return undefined;
  return parseQueue(ended.output);
};

/** How a job ended, as far as Slurm still knows. */
export const askEnd = async (run: Run, id: string): Promise<string | undefined> =>
  endOf((await ask(run, ['scontrol', 'show', 'job', id])).output);

/** Take jobs out of the queue, also when the run was told to end. */
export const cancel = async (run: Run, ids: readonly string[]): Promise<void> => {
  if (ids.length > 0) await ask(run, ['scancel', ...ids], run.finishing);
};
