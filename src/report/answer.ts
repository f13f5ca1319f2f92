import type { Answer, MatrixAnswer, StatusAnswer, TrialAnswer } from '../engine/answers.ts';
import type { Note } from '../engine/progress.ts';
import type { Request, StatusRequest } from '../engine/request.ts';
import { bootGuardedLines } from './boot-guard.ts';
import { doctorLines } from './doctor.ts';
import { guardedLines } from './guarded.ts';
import { lintLines } from './lint.ts';
import { matrixLines } from './matrix.ts';
import { noteSentence } from './notes.ts';
import { oneLine } from './one-line.ts';
import { packLines } from './pack.ts';
import { paintOutcome } from './paint.ts';
import { planDot, planLines } from './plan.ts';
import { producedLines } from './produced.ts';
import { pushLines } from './push.ts';
import type { ReportContext } from './report.ts';
import { dkmsStatusLines, logText, statusLines } from './status.ts';
import { statusTable } from './status-table.ts';
import { storeLines } from './store.ts';
import { summaryLines, trialLines } from './summary.ts';
import { verifiedLines } from './verified.ts';
import { whyLines } from './why.ts';

const whole = (lines: readonly string[]): string => lines.map((line) => `${oneLine(line)}\n`).join('');

/** Of the state only a question about it is answered. */
const asStatus = (request: Request): StatusRequest =>
  request.verb === 'status' ? request : { verb: 'status', kernels: [], arches: [] };

/** As scripts read it that were written for dkms, as a table for people, or line by line. */
const statusText = (answer: StatusAnswer, context: ReportContext): string => {
  const asked = asStatus(context.request);
  if (context.output === 'dkms') return whole(dkmsStatusLines(answer.entries, asked.kernels.length > 0));
  if (!context.isTerminal) return whole(statusLines(answer, asked));
  const rows = statusTable(answer, asked).map((line) => paintOutcome(oneLine(line), context.paint));
  return `${rows.join('\n')}\n`;
};

const nothingKnown = { log: 'no failure recorded for', why: 'no such module in the dkms tree, or no kernel for it:' };

/** An answer as people read it. */
export const answerText = (answer: Answer, context: ReportContext): string => {
  switch (answer.kind) {
    case 'summary':
      return whole(summaryLines(answer, context));
    case 'plan':
      return whole(context.output === 'dot' ? planDot(answer.plan) : planLines(answer));
    case 'status':
      return statusText(answer, context);
    case 'guarded':
      return whole(guardedLines(answer));
    case 'boot-guarded':
      return whole(bootGuardedLines(answer));
    case 'verified':
      return whole(verifiedLines(answer));
    case 'log':
      return logText(answer);
    case 'why':
      return whole(whyLines(answer.entries));
    case 'trial':
      return whole(trialLines(answer, context));
    case 'matrix':
      return whole(matrixLines(answer, context));
    case 'store':
      return whole(storeLines(answer));
    case 'pushed':
      return whole(pushLines(answer));
    case 'produced':
      return whole(producedLines(answer, context));
    case 'packed':
      return whole(packLines(answer));
    case 'linted':
      return whole(lintLines(answer));
    case 'examined':
      return whole(doctorLines(answer));
    case 'nothing':
      return `kmodsort: ${nothingKnown[answer.about]} ${answer.asked}\n`;
  }
};

/** What is wrong with what an answer tells of: a line for each broken module, which scripts find on stderr. */
export const complaints = (answer: Answer, context: ReportContext): string[] => {
  if (answer.kind !== 'status' || context.output !== 'dkms') return [];
  const broken = answer.entries.flatMap(({ module, source }) =>
    source === undefined ? [] : [noteSentence({ note: 'broken-module', module, source })],
  );
  return [...new Set(broken)];
};

const isOfTrial = (answer: Answer): answer is TrialAnswer | MatrixAnswer =>
  answer.kind === 'trial' || answer.kind === 'matrix';

/** Remarks that came with an answer and were not told on the way. */
export const untoldNotes = (answer: Answer, told: ReadonlySet<string>): Note[] => {
  const notes =
    answer.kind === 'summary' || answer.kind === 'plan' || answer.kind === 'produced' || isOfTrial(answer)
      ? answer.notes
      : [];
  return notes.filter((note) => !told.has(noteSentence(note)));
};
