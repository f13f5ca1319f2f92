import type { Answer, Summary } from '../engine/answers.ts';
import { isFailedOrBlocked, type Outcome } from '../engine/outcome.ts';
import type { Job, JobReason, Want } from '../engine/plan.ts';
import type { Progress } from '../engine/progress.ts';
import { moduleLabel } from '../engine/request.ts';
import { answerText, complaints, untoldNotes } from './answer.ts';
import { failureDetail, failureSentence } from './failures.ts';
import { duration, jobReason, outcomeReason, stepSentence, unpackingSentence, waitingSentence } from './messages.ts';
import { isWorthTelling, noteSentence } from './notes.ts';
import { oneLine } from './one-line.ts';
import { planHeadline } from './plan.ts';
import { isQuestion, type Report, type ReportContext } from './report.ts';

const nameOf = (job: Job): string => `${moduleLabel(job.module)}, ${job.kernel.release}`;

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

const ended = (outcome: Outcome, seconds: number, isTrial: boolean): string => {
  if (isTrial && outcome.kind === 'installed') return `ready in ${duration(seconds)}`;
  switch (outcome.kind) {
    case 'failed':
      return `FAILED after ${duration(seconds)}: ${failureDetail(outcome.failure) ?? failureSentence(outcome.failure)}`;
    case 'skipped':
    case 'deferred':
      return `${outcome.kind}: ${outcomeReason(outcome)}`;
    case 'blocked':
      return outcomeReason(outcome) ?? outcome.kind;
    case 'unchanged':
      return 'unchanged';
    default:
      return `${outcome.kind} in ${duration(seconds)}`;
  }
};

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
      return `${nameOf(progress.job)}: ${doing(progress.job)}`;
    case 'step':
      return verbose ? `${nameOf(progress.job)}: ${stepSentence[progress.step]}` : undefined;
    case 'ended':
      return `${nameOf(progress.job)}: ${ended(progress.outcome, progress.seconds, request.verb === 'try')}`;
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

/** The report of hooks, pipes and logs: whole plain lines, each at once. */
export const lineReport = (context: ReportContext): Report => {
  const told = new Set<string>();
  const isData = isQuestion(context.request);
  const remarks = isData ? context.err : context.out;
  const say = (line: string): void => remarks.write(`${oneLine(`kmodsort: ${line}`)}\n`);
  let said = false;
  return {
    onProgress: (progress) => {
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
      if (context.quiet && answer.kind === 'summary' && isGood(answer)) return;
      const rest = untoldNotes(answer, told).filter((note) => isWorthTelling(note, context));
      for (const note of rest) say(noteSentence(note));
      for (const complaint of complaints(answer, context)) context.err.write(`${oneLine(`kmodsort: ${complaint}`)}\n`);
      const text = answerText(answer, context);
      const gap =
        (answer.kind === 'summary' || answer.kind === 'trial') && text !== '' && (said || rest.length > 0) ? '\n' : '';
      const to = answer.kind === 'nothing' ? context.err : context.out;
      to.write(`${gap}${text}`);
    },
  };
};
