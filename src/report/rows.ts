import type { Row, Summary } from '../engine/answers.ts';
import { isDetermined } from '../engine/errors.ts';
import { isNotTried, type Outcome } from '../engine/outcome.ts';
import { moduleLabel, type Request } from '../engine/request.ts';
import { failureDetail, failureHelp, failureInOneLine, furtherDetails } from './failures.ts';
import { counted, duration, outcomeReason } from './messages.ts';
import type { ReportContext } from './report.ts';

/** What became of each Job: a word, a line, and what helps. */

const words: Readonly<Record<Outcome['kind'], string>> = {
  installed: 'installed',
  built: 'built',
  removed: 'removed',
  unchanged: 'unchanged',
  skipped: 'skipped',
  deferred: 'deferred',
  blocked: 'blocked',
  failed: 'FAILED',
};

const order: readonly Outcome['kind'][] = [
  'installed',
  'built',
  'removed',
  'unchanged',
  'skipped',
  'deferred',
  'blocked',
  'failed',
];

/** What is installed in a view of the machine alone. */
const readyWord: Readonly<Partial<Record<Request['verb'], string>>> = { try: 'ready', matrix: 'ok', produce: 'ok' };

/** What became of a Job, in a word. */
export const wordOf = ({ outcome }: Row, { request }: ReportContext): string => {
  const ready = readyWord[request.verb];
  if (ready === undefined) return words[outcome.kind];
  if (outcome.kind === 'installed' || outcome.kind === 'unchanged') return ready;
  return isNotTried(outcome) ? 'not tried' : words[outcome.kind];
};

const modulesIn = (rows: readonly Row[]): number => new Set(rows.map((row) => moduleLabel(row.module))).size;

/** How much of it there is: `3 modules on 2 kernels`. */
export const extent = (rows: readonly Row[]): string => {
  const kernels = new Set(rows.map((row) => row.kernel.release));
  return `${counted(modulesIn(rows), 'module')} on ${counted(kernels.size, 'kernel')}`;
};

const titles: Readonly<Partial<Record<Request['verb'], string>>> = { try: 'trial', matrix: 'matrix' };

/** How many of each. */
export const headline = (rows: readonly Row[], context: ReportContext): string => {
  const ordered = order.flatMap((kind) => rows.filter((row) => row.outcome.kind === kind));
  const said = ordered.map((row) => wordOf(row, context));
  const counts = [...new Set(said)].map((word) => `${said.filter((one) => one === word).length} ${word}`);
  return `${titles[context.request.verb] ?? 'summary'}: ${extent(rows)}: ${counts.join(', ')}`;
};

const indent = ' '.repeat(13);

const stayLines = ({ module, stays }: Row): string[] => {
  if (stays === undefined) return [];
  const build = stays === module.version ? 'an earlier build of ' : '';
  return [`${indent}fallback: ${build}${module.name}/${stays} is still installed and will load`];
};

/** What a failed row says below itself: the cause, the log, and the commands that help. */
const causeLines = (row: Row, context: ReportContext): string[] => {
  if (row.outcome.kind !== 'failed') return [];
  const { failure } = row.outcome;
  const detail = failureDetail(failure);
  const help = failureHelp(failure);
  return [
    ...(detail ? [detail] : []),
    ...furtherDetails(failure),
    ...(failure.log ? [`log    ${failure.log}`] : []),
    ...(help ? [`help   ${help}`] : []),
    ...(context.request.verb === 'matrix' || context.request.verb === 'produce'
      ? []
      : [`retry  ${context.retry(row.kernel.release, isDetermined(failure) ? row.module : undefined)}`]),
  ].map((line) => `${indent}${line}`);
};

const unloadableReason = ({ unloadable }: Row): string | undefined =>
  unloadable &&
  `${unloadable.count} of ${counted(unloadable.objects, 'object')} will not load: ${unloadable.failure.at}: ${failureDetail(unloadable.failure) ?? ''}`;

/** A line for each row, and below what failed its cause, the log, and the commands that help. */
export const rowLines = (rows: readonly Row[], context: ReportContext): string[] => {
  const moduleWidth = Math.max(...rows.map((row) => moduleLabel(row.module).length));
  const kernelWidth = Math.max(...rows.map((row) => row.kernel.release.length));
  return rows.flatMap((row) => {
    const reason =
      unloadableReason(row) ?? outcomeReason(row.outcome) ?? (row.seconds === undefined ? '' : duration(row.seconds));
    const columns = [
      wordOf(row, context).padEnd(9),
      moduleLabel(row.module).padEnd(moduleWidth),
      row.kernel.release.padEnd(kernelWidth),
    ];
    return [`  ${columns.join('  ')}   ${reason}`.trimEnd(), ...causeLines(row, context), ...stayLines(row)];
  });
};

/** Failures of the run itself. */
export const failureLines = (summary: Pick<Summary, 'failures'>): string[] =>
  summary.failures.flatMap((failure) => {
    const help = failureHelp(failure);
    return [
      `kmodsort: FAILED: ${failureInOneLine(failure)}`,
      ...(failure.log ? [`${indent}log    ${failure.log}`] : []),
      ...(help ? [`${indent}help   ${help}`] : []),
    ];
  });

/** What ended it early. */
export const endedLines = ({ signal }: Pick<Summary, 'signal'>): string[] =>
  signal ? [`kmodsort: interrupted by ${signal}`] : [];
