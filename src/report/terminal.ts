import { Listr, ListrLogger, type ListrTask, ProcessOutput } from 'listr2';
import type { Outcome } from '../engine/outcome.ts';
import type { Job, Plan } from '../engine/plan.ts';
import type { Progress } from '../engine/progress.ts';
import { answerText, untoldNotes } from './answer.ts';
import { countTitle, shownJobs } from './board-rows.ts';
import { type JobState, jobTitle } from './job-titles.ts';
import { unpackingSentence, waitingSentence } from './messages.ts';
import { noteSentence } from './notes.ts';
import { oneLine } from './one-line.ts';
import type { Report, ReportContext } from './report.ts';

interface Entry {
  readonly job: Job;
  state: JobState;
  /** Writes the title of the task on the screen, once there is one. */
  retitle?: (title: string) => void;
  /** Ends the task on the screen, likewise. */
  end?: () => void;
}

const isBad = (outcome: Outcome): boolean => outcome.kind === 'failed';

const isPassedOver = (outcome: Outcome): boolean =>
  outcome.kind === 'skipped' || outcome.kind === 'deferred' || outcome.kind === 'blocked';

/** The Jobs on the screen. The engine's scheduler drives them; listr2 only shows them. */
class Board {
  readonly #entries: ReadonlyMap<string, Entry>;
  readonly #shown: Promise<unknown>;
  readonly #clock: NodeJS.Timeout;
  /** Lines for Jobs: the count and the cursor need one each. */
  readonly #rows: number;
  /** Writes the one task on the screen that stands for all, where there are more than it has lines. */
  #recount?: () => void;
  #endCount?: () => void;

  constructor(plan: Plan, out: NodeJS.WriteStream, err: NodeJS.WriteStream) {
    this.#entries = new Map(plan.jobs.map((job) => [job.id, { job, state: { phase: 'waiting' } }]));
    this.#rows = Math.max((out.rows || Number.POSITIVE_INFINITY) - 2, 1);
    const entries = [...this.#entries.values()];
    const tasks = entries.length > this.#rows ? [this.#countTask()] : entries.map((entry) => this.#task(entry));
    const logger = new ListrLogger<never>({ processOutput: new ProcessOutput(out, err) });
    this.#shown = new Listr(tasks, {
      concurrent: true,
      exitOnError: false,
      registerSignalListeners: false,
      renderer: 'default',
      rendererOptions: { clearOutput: true, formatOutput: 'truncate', logger },
    }).run();
    this.#clock = setInterval(() => this.#retitle(), 1000).unref();
  }

  move(id: string, state: JobState): void {
    const entry = this.#entries.get(id);
    if (!entry || entry.state.phase === 'ended') return;
    const since = entry.state.phase === 'running' && state.phase === 'running' ? entry.state.since : undefined;
    entry.state = since !== undefined && state.phase === 'running' ? { ...state, since } : state;
    this.#retitle();
    if (state.phase === 'ended') entry.end?.();
  }

  /** Takes everything off the screen; what has not ended by now never will. */
  async close(): Promise<void> {
    const outcome: Outcome = { kind: 'skipped', why: { reason: 'interrupted' } };
    for (const id of this.#entries.keys()) this.move(id, { phase: 'ended', outcome, seconds: 0 });
    clearInterval(this.#clock);
    this.#endCount?.();
    await this.#shown;
  }

  #task(entry: Entry): ListrTask {
    return {
      title: jobTitle(entry, this.#entries, Date.now()),
      task: async (_context, task) => {
        entry.retitle = (title) => {
          task.title = title;
        };
        this.#retitle();
        if (entry.state.phase !== 'ended') {
          await new Promise<void>((resolve) => {
            entry.end = resolve;
          });
        }
        this.#settle(entry, (title) => task.skip(title));
      },
    };
  }

  #settle(entry: Entry, skip: (title: string) => void): void {
    if (entry.state.phase !== 'ended') return;
    const title = jobTitle(entry, this.#entries, Date.now());
    if (isBad(entry.state.outcome)) throw new Error(title);
    if (isPassedOver(entry.state.outcome)) skip(title);
  }

  /** How far all are, and below it the Jobs that there are lines for. */
  #countTask(): ListrTask {
    const all = [...this.#entries.values()];
    return {
      title: countTitle(all),
      rendererOptions: { outputBar: 1 },
      task: async (_context, task) => {
        this.#recount = () => {
          const now = Date.now();
          task.title = countTitle(all);
          task.output = shownJobs(all, this.#rows)
            .map((one) => jobTitle(one, this.#entries, now))
            .join('\n');
        };
        this.#recount();
        await new Promise<void>((resolve) => {
          this.#endCount = resolve;
        });
      },
    };
  }

  #retitle(): void {
    this.#recount?.();
    const now = Date.now();
    for (const entry of this.#entries.values()) entry.retitle?.(jobTitle(entry, this.#entries, now));
  }
}

const show = (board: Board, progress: Progress): void => {
  if (progress.kind === 'started') board.move(progress.job.id, { phase: 'running', since: Date.now() });
  if (progress.kind === 'step')
    board.move(progress.job.id, { phase: 'running', since: Date.now(), step: progress.step });
  if (progress.kind === 'ended') {
    board.move(progress.job.id, { phase: 'ended', outcome: progress.outcome, seconds: progress.seconds });
  }
};

/** The report of people at a terminal: the Jobs while they run, then notes and the one summary. */
export const terminalReport = (context: ReportContext, out: NodeJS.WriteStream, err: NodeJS.WriteStream): Report => {
  let board: Board | undefined;
  const notes: string[] = [];
  const say = (line: string): void => context.out.write(`${oneLine(`kmodsort: ${line}`)}\n`);
  return {
    onProgress: (progress) => {
      if (progress.kind === 'waiting' && !board) say(waitingSentence(progress.holder));
      const packages = progress.kind === 'unpacking' ? unpackingSentence(progress.packages) : undefined;
      if (packages) say(packages);
      if (progress.kind === 'noted') notes.push(noteSentence(progress.note));
      if (progress.kind === 'planned' && progress.plan.jobs.length > 0) board ??= new Board(progress.plan, out, err);
      if (board) show(board, progress);
    },
    finish: async (answer) => {
      await board?.close();
      for (const note of untoldNotes(answer, new Set(notes))) notes.push(noteSentence(note));
      for (const note of notes) say(note);
      context.out.write(answerText(answer, context));
    },
    abandon: async () => board?.close(),
  };
};
