import type { ProducedAnswer } from '../engine/delivered.ts';
import { isSatisfied } from '../engine/outcome.ts';
import { jobName } from './job-titles.ts';
import { duration, outcomeReason } from './messages.ts';
import type { ReportContext } from './report.ts';
import { endedLines, failureLines, rowLines } from './rows.ts';

/** What became of one module for one kernel, as people read it. */

const where = ({ pushed, outcome }: ProducedAnswer): string => {
  if (pushed === undefined) return outcomeReason(outcome) ?? 'not kept in the store, so that nothing is pushed';
  return `${pushed.state === 'there' ? 'already there' : 'pushed'}: ${pushed.artifact}`;
};

/** A line where it is as it should be; where it failed its cause, too. */
export const producedLines = (answer: ProducedAnswer, context: ReportContext): string[] => {
  const { module, kernel, outcome, seconds } = answer;
  const isGood = isSatisfied(outcome);
  const said = isGood || answer.pushed ? [`kmodsort: ${jobName(answer)}: ${where(answer)} (${duration(seconds)})`] : [];
  const bad = isGood || answer.signal ? [] : rowLines([{ module, kernel, outcome, seconds }], context);
  return [...said, ...bad, ...failureLines(answer), ...endedLines(answer)];
};
