import type { Row, Summary, TrialAnswer } from '../engine/answers.ts';
import { isFailedOrBlocked, isFailure, isInterrupted, isNotTried } from '../engine/outcome.ts';
import type { Note } from '../engine/progress.ts';
import { moduleLabel, type Request } from '../engine/request.ts';
import { bootLines } from './boot-guard.ts';
import { noteSentence } from './notes.ts';
import { noModules } from './plan.ts';
import type { ReportContext } from './report.ts';
import { endedLines, extent, failureLines, headline, rowLines, wordOf } from './rows.ts';

/** What is said of each module and kernel of a command that found nothing to do. */
const alreadySo: Readonly<Partial<Record<Request['verb'], string>>> = {
  build: 'already built',
  install: 'already installed',
  match: 'already installed',
  uninstall: 'not installed, skipping',
  unbuild: 'not built, skipping',
  remove: 'not built, skipping',
};

/** What was passed over is as it should be, unless a command named it: then that is the answer. */
const asItShouldBe = (row: Row, context: ReportContext): boolean =>
  row.outcome.kind === 'unchanged' ||
  (row.outcome.kind === 'skipped' && !isInterrupted(row.outcome) && alreadySo[context.request.verb] === undefined);

const isMissing = (row: Row): boolean => row.stays === undefined && isFailure(row.outcome) && !isNotTried(row.outcome);

/** The file that says so, where it is the reason for all that was passed over. */
const switchedOff = (rows: readonly Row[]): string | undefined => {
  const paths = rows.map(({ outcome }) =>
    outcome.kind === 'skipped' && outcome.why.reason === 'no-autoinstall-file' ? outcome.why.path : undefined,
  );
  return paths.every((path) => path !== undefined) ? paths[0] : undefined;
};

const nothingDone = (rows: readonly Row[], context: ReportContext): string => {
  const off = switchedOff(rows);
  if (off) return `nothing to do: automatic installation is switched off by ${off}`;
  if (rows.length > 0) return `nothing to do: ${extent(rows)} up to date`;
  if (context.request.verb === 'sync' && context.request.dropOnly) return 'nothing to do: nothing to remove';
  return noModules;
};

const missingLines = (rows: readonly Row[], says: string): string[] => {
  const missing = rows.filter(isMissing);
  return [...new Set(missing.map((row) => row.kernel.release))].map((release) => {
    const names = missing.filter((row) => row.kernel.release === release).map((row) => row.module.name);
    return `kmodsort: ${says} ${release}: ${[...new Set(names)].sort().join(', ')}`;
  });
};

const requiredLines = (summary: Pick<Summary, 'rows' | 'failures' | 'notes'>, context: ReportContext): string[] =>
  context
    .missingRequired(summary)
    .map(({ release, names }) =>
      release === undefined
        ? `kmodsort: required modules are not in the dkms tree: ${names.join(', ')}`
        : `kmodsort: do not ${context.request.verb === 'try' ? 'install' : 'reboot into'} ${release}: required modules ${context.request.verb === 'try' ? 'would be' : 'are'} missing: ${names.join(', ')}`,
    );

/** Remarks that must not scroll away: modules that will not load where Secure Boot is on. */
const lasting: ReadonlySet<Note['note']> = new Set(['not-signed', 'not-enrolled', 'enrolment-pending']);

const warningLines = (summary: Pick<Summary, 'notes'>): string[] =>
  summary.notes.filter((note) => lasting.has(note.note)).map((note) => `kmodsort: ${noteSentence(note)}`);

/** Did this run find nothing that had to be done? */
const isQuiet = (summary: Summary, context: ReportContext): boolean =>
  summary.failures.length === 0 &&
  summary.signal === undefined &&
  summary.rows.every((row) => asItShouldBe(row, context));

const saysAllOnTheWay: ReadonlySet<string> = new Set(['add', 'remove', 'mktarball', 'ldtarball', 'generate_mok']);

/** A command about one module that changed only the registry has said so on the way. */
const quietLines = (summary: Summary, context: ReportContext): string[] => {
  const { verb } = context.request;
  if (summary.rows.length === 0 && saysAllOnTheWay.has(verb)) return bootLines(summary.boot);
  const already = alreadySo[verb];
  if (already && summary.rows.length > 0) {
    const done = summary.rows.map(
      ({ module, kernel }) => `kmodsort: ${moduleLabel(module)}, ${kernel.release}: ${already}`,
    );
    return [...done, ...bootLines(summary.boot)];
  }
  return [
    `kmodsort: ${nothingDone(summary.rows, context)}`,
    ...requiredLines(summary, context),
    ...bootLines(summary.boot),
  ];
};

const tableLines = (rows: readonly Row[], context: ReportContext): string[] =>
  rows.length > 0 ? [`kmodsort: ${headline(rows, context)}`, ...rowLines(rows, context)] : [];

const nextIsAsked = ({ request }: ReportContext): boolean => request.verb === 'try' && request.next;

/** What a trial found. */
export const trialLines = (answer: TrialAnswer, context: ReportContext): string[] => {
  const { rows, failures, packages, signal } = answer;
  if (rows.length + failures.length === 0 && !signal) {
    const isIdle = nextIsAsked(context) && packages.length === 0;
    const nothing = isIdle
      ? 'no kernel, headers or modules would come'
      : 'no modules in the dkms tree, or no kernel for them';
    return [`kmodsort: nothing to try: ${nothing}`];
  }
  const isReady = rows.some((row) => wordOf(row, context) === 'ready');
  return [
    ...tableLines(rows, context),
    ...failureLines(answer),
    ...endedLines(answer),
    ...missingLines(rows, 'modules would be missing on'),
    ...requiredLines(answer, context),
    `kmodsort: nothing was installed${isReady ? '; what is ready will be installed from the store' : ''}`,
  ];
};

/** What failed and has been said in this transaction, a line for each kernel. */
const toldLines = (told: readonly Row[]): string[] => {
  const failed = told.filter(({ outcome }) => outcome.kind === 'failed');
  const releases = [...new Set(failed.map(({ kernel }) => kernel.release))];
  return releases.map((release) => {
    const labels = failed.filter(({ kernel }) => kernel.release === release).map(({ module }) => moduleLabel(module));
    return `kmodsort: still failed: ${labels.join(', ')} on ${release} (see above)`;
  });
};

/** Where all that failed was told before, and nothing new did, a word is enough. */
const afterwards = (summary: Summary, context: ReportContext): string[] | undefined => {
  const bad = summary.rows.filter(({ outcome }) => isFailedOrBlocked(outcome));
  if (bad.length === 0 || summary.signal !== undefined || !bad.every(context.isTold)) return undefined;
  const rest = { ...summary, rows: summary.rows.filter((row) => !bad.includes(row)) };
  const news = isQuiet(rest, context)
    ? []
    : [...tableLines(rest.rows, context), ...warningLines(rest), ...failureLines(rest)];
  return [...news, ...toldLines(bad), ...bootLines(summary.boot)];
};

/** The one summary, whole lines without their newlines. */
export const summaryLines = (summary: Summary, context: ReportContext): string[] => {
  const { rows } = summary;
  const brief = afterwards(summary, context);
  if (brief) return brief;
  if (isQuiet(summary, context)) return quietLines(summary, context);
  return [
    ...tableLines(rows, context),
    ...warningLines(summary),
    ...failureLines(summary),
    ...endedLines(summary),
    ...missingLines(rows, 'modules are missing on'),
    ...requiredLines(summary, context),
    ...bootLines(summary.boot),
  ];
};
