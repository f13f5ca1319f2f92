/** Jobs of Slurm, as squeue(1) shows them. Source: squeue(1), "JOB STATE CODES" and "JOB REASON CODES". Pure. */

/** What is known of a job. */
export interface JobState {
  /** `PENDING`, `COMPLETED`, … */
  readonly state: string;
  /** Why it waits, or why it failed. */
  readonly reason: string;
}

/** What squeue is asked for: number, state, reason. */
export const queueFormat = '%i|%T|%r';

/** What squeue printed in that format, by the number of the job. */
export const parseQueue = (text: string): Map<string, JobState> =>
  new Map(
    text.split('\n').flatMap((line) => {
      const [id, state, ...reason] = line.trim().split('|');
      return id && state ? [[id, { state, reason: reason.join('|') }] as const] : [];
    }),
  );

/** How far a job is; `lost`: it has ended, unless Slurm puts it into the queue again. */
export type Phase = 'waiting' | 'running' | 'ended' | 'lost' | 'hopeless';

const ended = ['COMPLETED', 'FAILED', 'CANCELLED', 'TIMEOUT', 'OUT_OF_MEMORY', 'BOOT_FAIL', 'DEADLINE', 'REVOKED'];
const lost = ['NODE_FAIL', 'PREEMPTED'];
const waiting = ['PENDING', 'REQUEUED', 'REQUEUE_FED', 'REQUEUE_HOLD', 'RESV_DEL_HOLD', 'SPECIAL_EXIT'];

/** Nobody but an administrator lets these go on. */
const never = /DependencyNeverSatisfied|launch[ _]failed[ _]requeued[ _]held/i;

/** Slurm writes a reason in one word, or in several. */
export const phaseOf = ({ state, reason }: JobState): Phase => {
  if (ended.includes(state)) return 'ended';
  if (lost.includes(state)) return 'lost';
  if (never.test(reason)) return 'hopeless';
  return waiting.includes(state) ? 'waiting' : 'running';
};

/** How a job ended, as scontrol(1) shows it: `exit status 75`, `TIMEOUT on node2`. */
export const endOf = (shown: string): string | undefined => {
  const field = (name: string): string | undefined => new RegExp(`(?:^|\\s)${name}=(\\S+)`).exec(shown)?.[1];
  const state = field('JobState');
  if (state === undefined) return undefined;
  const [code, signal] = field('ExitCode')?.split(':') ?? [];
  const node = field('NodeList');
  const why = state === 'FAILED' ? (signal === '0' ? `exit status ${code}` : `killed by signal ${signal}`) : state;
  return node === undefined || node === '(null)' ? why : `${why} on ${node}`;
};

/** Numbers of jobs, as short as can be: `101-104, 107`. */
export const rangesOf = (ids: readonly string[]): string => {
  const numbers = ids.map(Number).sort((a, b) => a - b);
  const ranges: [number, number][] = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last && number === last[1] + 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(', ');
};
