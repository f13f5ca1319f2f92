import type { DueStep, OpenDue, OpenFailure, Summary } from '../engine/answers.ts';
import { moduleLabel } from '../engine/request.ts';
import { failureInOneLine } from './failures.ts';
import { oneLine } from './one-line.ts';
import type { ReportContext } from './report.ts';
import { summaryLines } from './summary.ts';

/** What is said where nobody watched the run. */

const most = 5;

/** What is wrong as long as a step is due. */
const overdue: Readonly<Record<DueStep, string>> = {
  depmod: 'depmod did not end well: modprobe may not find the new modules',
  'weak-modules': 'weak-modules did not end well',
  initramfs: 'the initramfs could not be made and may lack the new modules',
  'post-transaction': 'post_transaction did not end well',
};

const headOf = (failures: readonly OpenFailure[]): string => {
  if (failures.length === 0) return 'kernel modules were installed, and not all that must follow was done:';
  const isMissing = failures.some(({ stays }) => stays === undefined);
  return `kernel modules ${isMissing ? 'are missing' : 'could not be rebuilt'}:`;
};

/** For each login until all is repaired; empty when nothing is wrong. */
export const loginText = (failures: readonly OpenFailure[], due: readonly OpenDue[]): string => {
  const all = [
    ...failures.map(({ module, kernel, failure }) => ({
      release: kernel.release,
      line: `  ${moduleLabel(module)} on ${kernel.release}: ${failureInOneLine(failure)}`,
    })),
    ...due.flatMap(({ release, steps }) => steps.map((step) => ({ release, line: `  ${release}: ${overdue[step]}` }))),
  ];
  if (all.length === 0) return '';
  const more = all.length > most ? [`  and ${all.length - most} more: kmodsort status`] : [];
  // Named: the usual kernels of a sync may not be these.
  const releases = [...new Set(all.map(({ release }) => release))].slice(0, most);
  const words = releases.map((release) => ` -k ${release}`).join('');
  const why = failures.length > 0 ? "'kmodsort log NAME' shows why; " : '';
  const lines = [
    `kmodsort: ${headOf(failures)}`,
    ...all.slice(0, most).map(({ line }) => line),
    ...more,
    `  ${why}'kmodsort sync${words}' tries again`,
  ];
  return lines.map((line) => `${oneLine(line)}\n`).join('');
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
