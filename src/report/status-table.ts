import type { StatusAnswer, StatusEntry } from '../engine/answers.ts';
import { moduleLabel, type StatusRequest } from '../engine/request.ts';
import { failureInOneLine } from './failures.ts';
import { localTime, outcomeReason } from './messages.ts';
import { heldLines, noEntries, skippedLines } from './status.ts';

/** The state of all modules as people at a terminal read it. */

/** A state in a word; what failed or was passed over comes before what is there all the same. */
const wordOf = ({ state, failure, passedOver, triedAt }: StatusEntry): string => {
  if (triedAt !== undefined) return failure ? 'NOT READY' : 'ready';
  if (failure) return 'FAILED';
  if (passedOver?.kind === 'skipped' && passedOver.why.reason === 'excluded') return 'excluded';
  return passedOver && state !== 'installed' ? passedOver.kind : state;
};

const reasonOf = (entry: StatusEntry): string => {
  const { failure, passedOver, triedAt, state } = entry;
  return [
    ...(failure ? [failureInOneLine(failure)] : []),
    ...(passedOver ? [outcomeReason(passedOver) ?? ''] : []),
    ...(failure && triedAt === undefined && (state === 'installed' || state === 'built')
      ? [`an earlier build is ${state}`]
      : []),
    ...(triedAt === undefined ? [] : ['tried; its kernel is not installed yet']),
    ...(state === 'broken' ? [`its source is gone: ${entry.source ?? ''}`] : []),
    ...(entry.weakFrom === undefined ? [] : [`by the build for ${entry.weakFrom}`]),
    ...(entry.originals ? ["the kernel's own module is saved"] : []),
    ...(entry.objectsMissing ? ['built objects missing'] : []),
    ...(entry.differences ? ['installed files missing or modified'] : []),
  ].join('; ');
};

/** `2026-11-28 01:38`: in a table the minute is enough. */
const sinceOf = ({ failedAt, passedOverAt, triedAt }: StatusEntry): string => {
  const at = failedAt ?? passedOverAt ?? triedAt;
  return at === undefined ? '' : localTime(at).slice(0, 16);
};

const heads = ['STATE', 'MODULE', 'KERNEL', 'SINCE', 'REASON'];

/** A row for each known module and kernel: its state, since when, and why. */
export const statusTable = (
  { entries, hold, skipped }: Omit<StatusAnswer, 'kind'>,
  request: StatusRequest,
): string[] => {
  if (entries.length === 0) return [noEntries(request)];
  const rows = entries.map((entry) => [
    wordOf(entry),
    moduleLabel(entry.module),
    entry.kernel?.release ?? '',
    sinceOf(entry),
    reasonOf(entry),
  ]);
  // What no row has needs no column.
  const used = [...heads.keys()].filter((column) => column < 2 || rows.some((row) => row[column] !== ''));
  const all = [heads, ...rows].map((row) => used.map((column) => row[column] ?? ''));
  const widths = used.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const lines = all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return [...lines, ...heldLines(hold), ...skippedLines(skipped)];
};
