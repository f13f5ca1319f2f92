import type { Row, Summary } from '../engine/progress.ts';
import type { MissingRequired } from './report.ts';

/** Will it load after this? Ours, an earlier build of it, or a newer one of the kernel's own. */
const willLoad = ({ outcome, stays }: Row): boolean =>
  stays !== undefined ||
  outcome.kind === 'installed' ||
  outcome.kind === 'unchanged' ||
  (outcome.kind === 'skipped' && outcome.why.reason === 'newer-in-tree');

/** Kernels on which required modules will not load. A name that is unknown or mistyped counts as missing. */
export const missingRequired = (summary: Summary, required: readonly string[]): MissingRequired[] => {
  if (required.length === 0) return [];
  const staying = summary.rows.filter((row) => row.outcome.kind !== 'removed');
  if (staying.length === 0) return summary.rows.length > 0 ? [] : [{ names: required }];
  const releases = [...new Set(staying.map((row) => row.kernel.release))];
  return releases.flatMap((release) => {
    const loading = staying.filter((row) => row.kernel.release === release && willLoad(row));
    const names = required.filter((name) => !loading.some((row) => row.module.name === name));
    return names.length > 0 ? [{ release, names }] : [];
  });
};
