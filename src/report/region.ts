import type { TrackedJob } from './job-titles.ts';
import { elapsed, runningText } from './job-titles.ts';
import { counted } from './messages.ts';
import type { Paint } from './paint.ts';
import { about, secondsLeft } from './time-left.ts';

/** The lines at the bottom of a terminal that change while a run goes on. */

/** So many at most, however many Jobs there are. */
const most = 10;

/** What the lines are made of. */
export interface Scene {
  readonly all: readonly TrackedJob[];
  readonly atOnce: number;
  /** Milliseconds since the epoch. */
  readonly since: number;
  readonly now: number;
  /** Size of the terminal. */
  readonly columns: number;
  readonly rows: number;
  readonly paint: Paint;
}

/** `12 of 49 jobs, 3 failed, 4 min 10 s, about 6 min left`. */
const headline = ({ all, atOnce, since, now }: Scene): string => {
  const ended = all.flatMap(({ state }) => (state.phase === 'ended' ? state.outcome.kind : []));
  const failed = ended.filter((kind) => kind === 'failed').length;
  const left = ended.length < all.length ? secondsLeft(all, atOnce, now) : undefined;
  return [
    `${ended.length} of ${counted(all.length, 'job')}`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    elapsed(now - since),
    ...(left === undefined ? [] : [`${about(left)} left`]),
  ].join(', ');
};

/** Names of the modules that run now and that a Job has to wait for, also through others. */
const waitsForRunning = (id: string, jobs: ReadonlyMap<string, TrackedJob>, seen = new Set<string>()): string[] => {
  const tracked = jobs.get(id);
  if (!tracked || seen.has(id)) return [];
  seen.add(id);
  if (tracked.state.phase === 'running') return [tracked.job.module.name];
  return tracked.job.after.flatMap((one) => waitsForRunning(one, jobs, seen));
};

/** `31 waiting (8 for zfs)`; undefined if none waits. */
const waitingLine = (all: readonly TrackedJob[]): string | undefined => {
  const waiting = all.filter(({ state }) => state.phase === 'waiting');
  if (waiting.length === 0) return undefined;
  const jobs = new Map(all.map((tracked) => [tracked.job.id, tracked]));
  const counts = new Map<string, number>();
  for (const { job } of waiting)
    for (const name of new Set(waitsForRunning(job.id, jobs))) counts.set(name, (counts.get(name) ?? 0) + 1);
  const reasons = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 2);
  const why = reasons.map(([name, count]) => `${count} for ${name}`).join(', ');
  return `${waiting.length} waiting${why === '' ? '' : ` (${why})`}`;
};

/** One column stays free: terminals begin a new line at the last one, each in its own way. */
const cut = (line: string, columns: number): string =>
  line.length < columns ? line : `${line.slice(0, Math.max(columns - 2, 1))}…`;

/** The lines: how far all are, what runs, how many wait. None is as wide as the terminal. */
export const regionLines = (scene: Scene): string[] => {
  const { all, now, columns, rows, paint } = scene;
  const waiting = waitingLine(all);
  const running = all.flatMap((tracked) => runningText(tracked, now) ?? []);
  const room = Math.max(Math.min(most, rows - 1) - 1 - (waiting === undefined ? 0 : 1), 0);
  const shown = running.length > room ? running.slice(0, Math.max(room - 1, 0)) : running;
  const more = running.length - shown.length;
  const below = [
    ...shown,
    ...(more > 0 && room > 0 ? [`and ${more} more`] : []),
    ...(waiting !== undefined && rows > 2 ? [waiting] : []),
  ];
  return [paint('bold', cut(headline(scene), columns)), ...below.map((line) => cut(`  ${line}`, columns))];
};
