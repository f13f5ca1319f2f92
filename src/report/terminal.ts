import { Listr, type ListrTask } from 'listr2';
import { isInterrupted } from '../engine/outcome.ts';
import type { Plan } from '../engine/plan.ts';
import type { Progress } from '../engine/progress.ts';
import { answerText, untoldNotes } from './answer.ts';
import { clusterSentence, onMachine } from './cluster.ts';
import { endedText, jobName } from './job-titles.ts';
import { LiveRenderer, type Screen } from './live.ts';
import { unpackingSentence, waitingSentence } from './messages.ts';
import { noteSentence } from './notes.ts';
import { oneLine } from './one-line.ts';
import { paintOutcome } from './paint.ts';
import { regionLines } from './region.ts';
import { isTrial, type Report, type ReportContext } from './report.ts';
import { Tracking } from './tracking.ts';

/** The Jobs on the screen: a task of a list for each. The engine's scheduler drives them; listr2 only shows them. */
class Board {
  readonly #context: ReportContext;
  readonly #tracking: Tracking;
  /** Ends the task of a Job with its last line. */
  readonly #ends = new Map<string, (line: string) => void>();
  readonly #shown: Promise<unknown>;

  constructor({ plan, atOnce }: { plan: Plan; atOnce: number }, screen: Screen, context: ReportContext) {
    this.#context = context;
    this.#tracking = new Tracking(plan, atOnce);
    const since = Date.now();
    const lines = (): string[] => {
      const { all, atOnce } = this.#tracking;
      const [columns, rows] = screen.getWindowSize();
      return regionLines({ all, atOnce, since, now: Date.now(), columns, rows, paint: context.paint });
    };
    this.#shown = new Listr(
      plan.jobs.map(({ id }) => this.#task(id)),
      {
        concurrent: true,
        registerSignalListeners: false,
        renderer: LiveRenderer,
        rendererOptions: { screen, lines },
      },
    ).run();
  }

  show(progress: Progress): void {
    if (!this.#tracking.take(progress, Date.now()) || progress.kind !== 'ended') return;
    const { job, outcome, seconds, on } = progress;
    const { request, paint } = this.#context;
    const line = oneLine(`kmodsort: ${jobName(job)}: ${endedText(outcome, seconds, isTrial(request))}${onMachine(on)}`);
    // Of a run that was ended the summary says which.
    this.#ends.get(job.id)?.(isInterrupted(outcome) ? '' : paintOutcome(line, paint));
  }

  /** Takes everything off the screen; what has not ended by now never will. */
  async close(): Promise<void> {
    for (const end of this.#ends.values()) end('');
    await this.#shown;
  }

  #task(id: string): ListrTask<unknown, typeof LiveRenderer> {
    const lastLine = new Promise<string>((resolve) => {
      this.#ends.set(id, resolve);
    });
    return {
      title: '',
      task: async (_context, task) => {
        task.title = await lastLine;
      },
    };
  }
}

/** The report of people at a terminal: the Jobs while they run, then notes and the one summary. */
export const terminalReport = (context: ReportContext, screen: Screen): Report => {
  let board: Board | undefined;
  const notes: string[] = [];
  const say = (line: string): void => context.out.write(`${oneLine(`kmodsort: ${line}`)}\n`);
  return {
    onProgress: (progress) => {
      if (progress.kind === 'waiting' && !board) say(waitingSentence(progress.holder));
      const packages = progress.kind === 'unpacking' ? unpackingSentence(progress.packages) : undefined;
      if (packages) say(packages);
      if (progress.kind === 'sent' || progress.kind === 'submitted') say(clusterSentence(progress));
      if (progress.kind === 'noted') notes.push(noteSentence(progress.note));
      if (progress.kind === 'planned' && progress.plan.jobs.length > 0) board ??= new Board(progress, screen, context);
      board?.show(progress);
    },
    finish: async (answer) => {
      await board?.close();
      for (const note of untoldNotes(answer, new Set(notes))) notes.push(noteSentence(note));
      for (const note of notes) say(note);
      const lines = answerText(answer, context).split('\n');
      context.out.write(lines.map((line) => paintOutcome(line, context.paint)).join('\n'));
    },
    abandon: async () => board?.close(),
  };
};
