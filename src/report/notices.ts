import type { OpenFailure, Summary } from '../engine/progress.ts';
import { moduleLabel } from '../engine/request.ts';
import { failureInOneLine } from './failures.ts';
import { oneLine } from './one-line.ts';
import type { ReportContext } from './report.ts';
import { summaryLines } from './summary.ts';

/** What is said where nobody watched the run. */

const most = 5;

/** For each login until all is repaired; empty when nothing is wrong. */
export const loginText = (failures: readonly OpenFailure[]): string => {
  if (failures.length === 0) return '';
  const lines = failures
    .slice(0, most)
    .map(
      ({ module, kernel, failure }) => `  ${moduleLabel(module)} on ${kernel.release}: ${failureInOneLine(failure)}`,
    );
  const more = failures.length > most ? [`  and ${failures.length - most} more: kmodsort status`] : [];
  const help = "  'kmodsort log NAME' shows why; 'kmodsort sync' tries again";
  const isMissing = failures.some(({ stays }) => stays === undefined);
  const head = `kmodsort: kernel modules ${isMissing ? 'are missing' : 'could not be rebuilt'}:`;
  return [head, ...lines, ...more, help].map((line) => `${oneLine(line)}\n`).join('');
};

/** A line for the journal for each thing that failed in a run. */
export const journalLines = (summary: Summary): string[] => [
  ...summary.rows.flatMap(({ module, kernel, outcome }) =>
    outcome.kind === 'failed'
      ? [oneLine(`${moduleLabel(module)}, ${kernel.release}: FAILED: ${failureInOneLine(outcome.failure)}`)]
      : [],
  ),
  ...summary.failures.map((failure) => oneLine(`FAILED: ${failureInOneLine(failure)}`)),
];

/** The summary once more for the end of an apt run, if modules are missing that must not be. */
export const requiredText = (summary: Summary, context: ReportContext): string =>
  context.missingRequired(summary).length === 0
    ? ''
    : summaryLines(summary, context)
        .map((line) => `${oneLine(line)}\n`)
        .join('');
