import type { Answer, Summary } from '../engine/answers.ts';
import { isFailedOrBlocked } from '../engine/outcome.ts';
import type { Job, JobReason, Want } from '../engine/plan.ts';
import type { Progress } from '../engine/progress.ts';
import { answerText, complaints, untoldNotes } from './answer.ts';
import { clusterSentence, onMachine } from './cluster.ts';
import { endedText, jobName, runningText } from './job-titles.ts';
import { jobReason, stepSentence, unpackingSentence, waitingSentence } from './messages.ts';
import { isWorthTelling, noteSentence } from './notes.ts';
import { oneLine } from './one-line.ts';
import { planHeadline } from './plan.ts';
import { isQuestion, isTrial, type Report, type ReportContext } from './report.ts';
import { Tracking } from './tracking.ts';

const verbs: Readonly<Record<Want, string>> = {
  installed: 'building',
  built: 'building',
  uninstalled: 'uninstalling',
  absent: 'removing',
};

/** Of reasons that need no compiler. */
const lighterVerbs: Readonly<Partial<Record<JobReason['reason'], string>>> = {
  'not-installed': 'installing',
  damaged: 'installing',
  'signer-changed': 'signing',
};

const doing = ({ want, why }: Job): string => `${lighterVerbs[why.reason] ?? verbs[want]} (${jobReason(why)})`;

/** What is said about one piece of progress; undefined for what only a verbose run says. */
const progressLine = (progress: Progress, { verbose, request }: ReportContext): string | undefined => {
  switch (progress.kind) {
    case 'waiting':
      return waitingSentence(progress.holder);
    case 'unpacking':
      return unpackingSentence(progress.packages);
    case 'planned':
      return progress.plan.jobs.length > 0 ? planHeadline(progress.plan.jobs) : undefined;
    case 'started':
      return `${jobName(progress.job)}: ${doing(progress.job)}`;
    case 'step':
      return verbose ? `${jobName(progress.job)}: ${stepSentence[progress.step]}` : undefined;
    case 'ended':
      return `${jobName(progress.job)}: ${endedText(progress.outcome, progress.seconds, isTrial(request))}${onMachine(progress.on)}`;
    case 'sent':
    case 'submitted':
      return clusterSentence(progress);
    case 'depmod':
      return `depmod ${progress.release}`;
    case 'initramfs':
      return `rebuilding the initramfs of ${progress.release}`;
    case 'noted':
      return noteSentence(progress.note);
  }
};

/** What even a quiet run says at once. */
const isBad = (progress: Progress): boolean =>
  progress.kind === 'waiting' || (progress.kind === 'ended' && isFailedOrBlocked(progress.outcome));

const isGood = (summary: Summary): boolean =>
  summary.failures.length === 0 && !summary.signal && summary.rows.every((row) => !isFailedOrBlocked(row.outcome));

/** Milliseconds after which silence is believed to be a hang. */
const silence = 30_000;

/** What has been running for so long that a word is due; undefined if nothing has. */
const stillRunning = (tracking: Tracking | undefined, now: number): string | undefined => {
  const long = tracking?.all.filter(({ state }) => state.phase === 'running' && now - state.since >= silence) ?? [];
  const texts = long.flatMap((tracked) => runningText(tracked, now) ?? []);
  const shown = texts.slice(0, 3).join('; ');
  return texts.length > 0
    ? `still running: ${shown}${texts.length > 3 ? `; and ${texts.length - 3} more` : ''}`
    : undefined;
};

/** The report of hooks, pipes and logs: whole plain lines, each at once, and a sign of life in long builds. */
export const lineReport = (context: ReportContext): Report => {
  const told = new Set<string>();
  const isData = isQuestion(context.request);
  const remarks = isData ? context.err : context.out;
  let said = false;
  let lastSaid = Date.now();
  const say = (line: string): void => {
    remarks.write(`${oneLine(`kmodsort: ${line}`)}\n`);
    lastSaid = Date.now();
  };
  let tracking: Tracking | undefined;
  const clock = setInterval(() => {
    const now = Date.now();
    const line = now - lastSaid >= silence && !context.quiet ? stillRunning(tracking, now) : undefined;
    if (line) say(line);
  }, 1000).unref();
  return {
    onProgress: (progress) => {
      if (progress.kind === 'planned') tracking ??= new Tracking(progress.plan, progress.atOnce);
      tracking?.take(progress, Date.now());
      if (progress.kind === 'planned' && isData) return;
      if (context.quiet && !isBad(progress)) return;
      if (progress.kind === 'noted' && !isWorthTelling(progress.note, context)) return;
      if (progress.kind === 'noted') told.add(noteSentence(progress.note));
      const line = progressLine(progress, context);
      if (line === undefined) return;
      say(line);
      said = true;
    },
    finish: (answer: Answer) => {
      clearInterval(clock);
      if (context.quiet && answer.kind === 'summary' && isGood(answer)) return;
      const rest = untoldNotes(answer, told).filter((note) => isWorthTelling(note, context));
      for (const note of rest) say(noteSentence(note));
      for (const complaint of complaints(answer, context)) context.err.write(`${oneLine(`kmodsort: ${complaint}`)}\n`);
      const text = answerText(answer, context);
      const gap =
        (answer.kind === 'summary' || isTrial(context.request)) && text !== '' && (said || rest.length > 0) ? '\n' : '';
      const to = answer.kind === 'nothing' ? context.err : context.out;
      to.write(`${gap}${text}`);
    },
    abandon: async () => clearInterval(clock),
  };
};
