import type { StoreAnswer, StoredEntry } from '../engine/answers.ts';
import { counted, duration, localTime } from './messages.ts';

/** The Store of builds as people read it. */

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** `640 B`, `12.3 MiB`. */
export const size = (bytes: number): string => {
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), units.length - 1);
  return power === 0 ? `${bytes} B` : `${(bytes / 1024 ** power).toFixed(1)} ${units[power]}`;
};

const labelOf = ({ name, key, build }: StoredEntry): string => build?.module ?? `${name} (${key.slice(0, 12)})`;
const kernelOf = ({ build }: StoredEntry): string => build?.kernel.split('/')[0] ?? '';

const builtOf = ({ build }: StoredEntry): string =>
  build
    ? `built ${localTime(build.built).slice(0, 10)} in ${duration(build.seconds)}${build.by === undefined ? '' : ` by ${build.by}`}`
    : 'cannot be read';

/** Columns as wide as what stands in them. */
export const table = (rows: readonly (readonly string[])[]): string[] => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
};

const lines = (entries: readonly StoredEntry[]): string[] =>
  table(
    entries.map((one) => [
      labelOf(one),
      kernelOf(one),
      builtOf(one),
      size(one.bytes),
      one.key.slice(0, 12),
      one.isKept ? 'in use' : '',
    ]),
  );

const total = ({ count, bytes, limit }: StoreAnswer): string =>
  limit === 0
    ? `${counted(count, 'build')}, ${size(bytes)}; store_size="0" keeps no more`
    : `${counted(count, 'build')}, ${size(bytes)} of ${size(limit)}`;

/** What is in the Store, or what went out of it, and how much is left. */
export const storeLines = (answer: StoreAnswer): string[] => {
  const { action, entries } = answer;
  if (action === 'list') return [...lines(entries), total(answer)];
  const why = action === 'verify' ? 'damaged, removed' : 'removed';
  return [...lines(entries).map((line) => `${why}: ${line}`), total(answer)];
};
