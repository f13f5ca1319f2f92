import type { Answer, Note } from '../engine/progress.ts';
import { noteSentence } from './messages.ts';
import { oneLine } from './one-line.ts';
import { planDot, planLines } from './plan.ts';
import type { ReportContext } from './report.ts';
import { dkmsStatusLines, logText, statusLines } from './status.ts';
import { summaryLines } from './summary.ts';
import { verifiedLines } from './verified.ts';

const whole = (lines: readonly string[]): string => lines.map((line) => `${oneLine(line)}\n`).join('');

/** An answer as people read it. */
export const answerText = (answer: Answer, context: ReportContext): string => {
  switch (answer.kind) {
    case 'summary':
      return whole(summaryLines(answer, context));
    case 'plan':
      return whole(context.output === 'dot' ? planDot(answer.plan) : planLines(answer.plan, answer.failures));
    case 'status':
      return context.output === 'dkms' ? whole(dkmsStatusLines(answer.entries)) : whole(statusLines(answer.entries));
    case 'verified':
      return whole(verifiedLines(answer));
    case 'log':
      return logText(answer);
    case 'nothing':
      return `kmodsort: no failure is remembered of ${answer.asked}\n`;
  }
};

/** Remarks that came with an answer and were not told on the way. */
export const untoldNotes = (answer: Answer, told: ReadonlySet<string>): Note[] => {
  const notes = answer.kind === 'summary' || answer.kind === 'plan' ? answer.notes : [];
  return notes.filter((note) => !told.has(noteSentence(note)));
};
