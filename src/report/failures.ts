import type { Failure } from '../engine/errors.ts';
import { hints, rows } from './failure-kinds.ts';
import { oneLine } from './one-line.ts';
import { problemSentence } from './problems.ts';

/** Failures as people read them. */

/** What failed, without the reason. */
export const failureSentence = (failure: Failure): string => rows[failure.kind].says(failure);

/** Why, in the first line of whoever knows; undefined where the sentence says all. */
export const failureDetail = (failure: Failure): string | undefined =>
  failure.problem
    ? problemSentence(failure.problem)
    : failure.detail && !rows[failure.kind].saysDetail
      ? failure.detail.trim()
      : undefined;

/** What else is wrong, a line each. */
export const furtherDetails = ({ more = [] }: Failure): string[] => more.map(problemSentence);

/** What failed and why, in one line. */
export const failureInOneLine = (failure: Failure): string => {
  const detail = failureDetail(failure);
  return detail === undefined ? failureSentence(failure) : `${failureSentence(failure)}: ${detail}`;
};

/** The command, or the deed, that helps. */
export const failureHelp = (failure: Failure): string | undefined =>
  failure.install ?? (failure.hint ? hints[failure.hint] : rows[failure.kind].help?.(failure));

/** A failure of the whole run as people read it: what failed, where, why, and what helps. */
export const failureText = (failure: Failure): string => {
  const lines = [oneLine(`kmodsort: ${failureInOneLine(failure)}`)];
  lines.push(...furtherDetails(failure).map((detail) => `  and   ${oneLine(detail)}`));
  if (failure.log) lines.push(`  log   ${failure.log}`);
  const help = failureHelp(failure);
  if (help) lines.push(`  help  ${help}`);
  return `${lines.join('\n')}\n`;
};

/** An option that is taken for the sake of old scripts. */
export const ignoredText = (option: string): string => `kmodsort: ${option} is deprecated and ignored\n`;

/** An error that is a fault of ours, with all that is known about it. */
export const unexpectedText = (error: unknown): string =>
  `kmodsort: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`;
