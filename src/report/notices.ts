import type { BootHeld, DueStep, OpenDue, OpenFailure, Row, Summary } from '../engine/answers.ts';
import { isFailedOrBlocked } from '../engine/outcome.ts';
import { moduleLabel } from '../engine/request.ts';
import { failureInOneLine } from './failures.ts';
import { oneLine } from './one-line.ts';
import type { ReportContext } from './report.ts';
import { heldLines } from './status.ts';
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
export const loginText = (failures: readonly OpenFailure[], due: readonly OpenDue[], hold?: BootHeld): string => {
  const all = [
    ...failures.map(({ module, kernel, failure }) => ({
      release: kernel.release,
      line: `  ${moduleLabel(module)} on ${kernel.release}: ${failureInOneLine(failure)}`,
    })),
    ...due.flatMap(({ release, steps }) => steps.map((step) => ({ release, line: `  ${release}: ${overdue[step]}` }))),
  ];
  const held = heldLines(hold).map((line) => `${oneLine(`kmodsort: ${line}`)}\n`);
  if (all.length === 0) return held.join('');
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
  return [...lines.map((line) => `${oneLine(line)}\n`), ...held].join('');
};

/** A line for the journal for each thing that failed in a run, once in a transaction. */
export const journalLines = (summary: Summary, { isTold }: ReportContext): string[] => [
  ...summary.rows.flatMap((row) =>
    row.outcome.kind === 'failed' && !isTold(row)
      ? [oneLine(`${moduleLabel(row.module)}, ${row.kernel.release}: FAILED: ${failureInOneLine(row.outcome.failure)}`)]
      : [],
  ),
  ...summary.failures.map((failure) => oneLine(`FAILED: ${failureInOneLine(failure)}`)),
];

/** Where a required module is unknown, on whatever kernel. */
const anyKernel = 'any';

/** What this transaction has tried is of no earlier run. */
const asNew = (row: Row, { isTold }: ReportContext): Row =>
  row.outcome.kind === 'failed' && isTold(row) ? { ...row, outcome: { ...row.outcome, remembered: false } } : row;

const fullText = (summary: Summary, context: ReportContext): string =>
  summaryLines(
    { ...summary, rows: summary.rows.map((row) => asNew(row, context)) },
    { ...context, isTold: () => false },
  )
    .map((line) => `${oneLine(line)}\n`)
    .join('');

const partOf = (summary: Summary, release: string): Summary => ({
  ...summary,
  rows: summary.rows.filter((row) => row.kernel.release === release),
});

/** The texts of an apt run's end, by the release of each kernel that was looked at; an empty one takes back what was said. */
export interface EndTexts {
  /** Of modules that must not be missing: apt ends with an error. */
  readonly required: ReadonlyMap<string, string>;
  /** Of others that failed. */
  readonly failed: ReadonlyMap<string, string>;
}

/** The summary once more for the end of an apt run, a part of it for each kernel. */
export const endTexts = (summary: Summary, context: ReportContext): EndTexts => {
  const missing = context.missingRequired(summary).map(({ release }) => release ?? anyKernel);
  const passedOver = summary.notes.flatMap((note) => (note.note === 'kernel-skipped' ? [note.release] : []));
  const looked = [...new Set([...summary.rows.map(({ kernel }) => kernel.release), ...passedOver])];
  const releases = new Set([...missing, ...looked, ...(looked.length > 0 ? [anyKernel] : [])]);
  const ofRelease = (release: string): Summary => (release === anyKernel ? summary : partOf(summary, release));
  const hasFailed = (release: string): boolean =>
    partOf(summary, release).rows.some(({ outcome }) => isFailedOrBlocked(outcome));
  const textIf = (isWanted: boolean, release: string): string =>
    isWanted ? fullText(ofRelease(release), context) : '';
  return {
    required: new Map([...releases].map((release) => [release, textIf(missing.includes(release), release)])),
    failed: new Map(
      looked.map((release) => [release, textIf(hasFailed(release) && !missing.includes(release), release)]),
    ),
  };
};
