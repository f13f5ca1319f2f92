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
  // Named: the usual kernels of a sync may not be these.
  const releases = [...new Set(failures.map(({ kernel }) => kernel.release))].slice(0, most);
  const words = releases.map((release) => ` -k ${release}`).join('');
  const help = `  'kmodsort log NAME' shows why; 'kmodsort sync${words}' tries again`;
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

/** Where a required module is unknown, on whatever kernel. */
const anyKernel = 'any';

const requiredText = (summary: Summary, context: ReportContext): string =>
  summaryLines(summary, context)
    .map((line) => `${oneLine(line)}\n`)
    .join('');

/**
 * The summary once more for the end of an apt run: by the release of each kernel that was looked at, its part of it if
 * modules are missing there that must not be, and an empty text if none is.
 */
export const requiredTexts = (summary: Summary, context: ReportContext): ReadonlyMap<string, string> => {
  const missing = context.missingRequired(summary).map(({ release }) => release ?? anyKernel);
  const looked = summary.rows.map(({ kernel }) => kernel.release);
  const releases = new Set([...missing, ...looked, ...(looked.length > 0 ? [anyKernel] : [])]);
  const partOf = (release: string): Summary =>
    release === anyKernel
      ? summary
      : { ...summary, rows: summary.rows.filter((row) => row.kernel.release === release) };
  return new Map(
    [...releases].map((release) => [release, missing.includes(release) ? requiredText(partOf(release), context) : '']),
  );
};
