import type { ChangedPart, WhyEntry } from '../engine/answers.ts';
import { moduleLabel } from '../engine/request.ts';
import { counted, jobReason, outcomeReason } from './messages.ts';

/** What has changed since modules were built. */

const shownFiles = 5;

const filesOf = (files: readonly string[]): string[] => {
  const shown = files.slice(0, shownFiles);
  const left = files.length - shown.length;
  return left > 0 ? [...shown, `and ${counted(left, 'more file')}`] : shown;
};

/** The hash behind a version tells two builds of it apart; people need it only where the version is the same. */
const version = (said: string): string => said.replace(/ #[0-9a-f]+$/, '');

const valueLines = ({ was, is }: ChangedPart): string[] => {
  if (was === undefined || is === undefined) return [];
  return version(was) === version(is) ? [`${was}, now ${is}`] : [`${version(was) || 'none'}, now ${version(is)}`];
};

const partLines = (change: ChangedPart): string[] => {
  const [first, ...more] = [...filesOf(change.files), ...valueLines(change)];
  const title = `  ${change.part}${first === undefined ? '' : ': '}`;
  return [`${title}${first ?? ''}`, ...more.map((line) => `${' '.repeat(title.length)}${line}`)];
};

const headline = ({ job, outcome, state, key, changed }: WhyEntry): string => {
  if (job) return `sync would build it: ${jobReason(job.why)}`;
  const reason = outcome && outcomeReason(outcome);
  if (outcome && reason) return `${outcome.kind === 'failed' ? 'FAILED' : outcome.kind}: ${reason}`;
  return `${state}, nothing has changed since it was built${changed.length > 0 ? ' but for' : ''} (key ${key.slice(0, 12)})`;
};

/** A line for each kernel, and below it what has changed. */
export const whyLines = (entries: readonly WhyEntry[]): string[] =>
  entries.flatMap((entry) => [
    `${moduleLabel(entry.module)}, ${entry.kernel.release}: ${headline(entry)}`,
    ...entry.changed.flatMap(partLines),
  ]);
