import type { MatrixAnswer, Row } from '../engine/answers.ts';
import { isFailure } from '../engine/outcome.ts';
import { moduleLabel } from '../engine/request.ts';
import { duration } from './messages.ts';
import type { ReportContext } from './report.ts';
import { endedLines, failureLines, headline, rowLines, wordOf } from './rows.ts';

/** What came of each module on each kernel: a grid, then what failed. */

/** A matrix as a table: a row for each kernel, a column for each module. */
export interface Grid {
  readonly modules: readonly string[];
  readonly releases: readonly string[];
  /** Undefined where nothing was tried. */
  readonly at: (release: string, module: string) => Row | undefined;
}

/** Kernels in the order of the answer, modules by name. */
export const gridOf = ({ rows, releases }: Pick<MatrixAnswer, 'rows' | 'releases'>): Grid => {
  const found = new Map(rows.map((row) => [`${row.kernel.release} ${moduleLabel(row.module)}`, row]));
  return {
    modules: [...new Set(rows.map(({ module }) => moduleLabel(module)))].sort(),
    releases,
    at: (release, module) => found.get(`${release} ${module}`),
  };
};

const gap = 2;

/** As many columns at once as fit; one at least. */
const chunked = (names: readonly string[], width: number): string[][] => {
  const chunks: string[][] = [];
  let room = 0;
  for (const name of names) {
    const needs = name.length + gap;
    const last = chunks.at(-1);
    if (last && room >= needs) last.push(name);
    else {
      chunks.push([name]);
      room = width;
    }
    room -= needs;
  }
  return chunks;
};

const tableLines = (grid: Grid, modules: readonly string[], first: number, context: ReportContext): string[] => {
  const line = (head: string, cells: readonly string[]): string =>
    `  ${[head.padEnd(first), ...cells.map((cell, index) => cell.padEnd(modules[index]?.length ?? 0))].join(' '.repeat(gap))}`.trimEnd();
  const wordAt = (release: string, module: string): string => {
    const row = grid.at(release, module);
    return row ? wordOf(row, context) : '-';
  };
  return [
    line('', modules),
    ...grid.releases.map((release) =>
      line(
        release,
        modules.map((module) => wordAt(release, module)),
      ),
    ),
  ];
};

/** No word is longer than the shortest column may be. */
const columnWidth = 'not tried'.length;

/** What a matrix found: a table, or more of them where the terminal is too narrow for one, and what failed. */
export const matrixLines = (answer: MatrixAnswer, context: ReportContext): string[] => {
  const width = context.columns ?? Number.POSITIVE_INFINITY;
  const grid = gridOf(answer);
  const padded = { ...grid, modules: grid.modules.map((name) => name.padEnd(columnWidth)) };
  const first = Math.max(0, ...grid.releases.map((release) => release.length));
  const tables = chunked(padded.modules, width - first - gap).map((modules) =>
    tableLines({ ...grid, at: (release, module) => grid.at(release, module.trimEnd()) }, modules, first, context),
  );
  const bad = answer.rows.filter(({ outcome }) => isFailure(outcome));
  return [
    ...(answer.rows.length > 0
      ? [`kmodsort: ${headline(answer.rows, context)} in ${duration(answer.seconds)}`, '']
      : []),
    ...tables.flatMap((table, index) => [...(index > 0 ? [''] : []), ...table]),
    ...(bad.length > 0 ? ['', ...rowLines(bad, context)] : []),
    ...failureLines(answer),
    ...endedLines(answer),
    ...(answer.rows.length + answer.failures.length === 0 ? ['kmodsort: nothing to build: no kernel was named'] : []),
  ];
};
