import type { Row, Summary } from '../engine/answers.ts';
import type { FailureKind } from '../engine/errors.ts';
import type { MissingRequired } from './report.ts';

/** Will it load after this? Ours, an earlier build of it, or a newer one of the kernel's own. */
const willLoad = ({ outcome, stays }: Row): boolean =>
  stays !== undefined ||
  outcome.kind === 'installed' ||
  outcome.kind === 'unchanged' ||
  (outcome.kind === 'skipped' && (outcome.why.reason === 'newer-in-tree' || outcome.why.reason === 'newer-installed'));

/** modprobe does not find what depmod has not seen, and a root file system is not mounted without its module. */
const spoils: ReadonlySet<FailureKind> = new Set(['depmod-failed', 'initramfs-failed']);

const spoiledIn = (summary: Pick<Summary, 'rows' | 'failures'>): string[] =>
  summary.failures.flatMap(({ kind, at }) => (spoils.has(kind) && at !== undefined ? [at] : []));

/** Kernels on which required modules will not load. A name that is unknown or mistyped counts as missing. */
export const missingRequired = (
  summary: Pick<Summary, 'rows' | 'failures' | 'notes'>,
  required: readonly string[],
): MissingRequired[] => {
  if (required.length === 0) return [];
  const staying = summary.rows.filter((row) => row.outcome.kind !== 'removed');
  const spoiled = spoiledIn(summary);
  // Where all kernels are passed over, nobody has looked whether a module is known.
  const isPassedOver = summary.notes.some(({ note }) => note === 'kernel-skipped');
  if (staying.length + spoiled.length === 0)
    return summary.rows.length > 0 || isPassedOver ? [] : [{ names: required }];
  const releases = [...new Set([...staying.map((row) => row.kernel.release), ...spoiled])];
  return releases.flatMap((release) => {
    const loading = staying.filter((row) => row.kernel.release === release && willLoad(row));
    if (spoiled.includes(release)) return [{ release, names: required }];
    const names = required.filter((name) => !loading.some((row) => row.module.name === name));
    return names.length > 0 ? [{ release, names }] : [];
  });
};
