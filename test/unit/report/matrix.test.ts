import { describe, expect, it } from 'vitest';
import type { MatrixAnswer, Row } from '../../../src/engine/answers.ts';
import type { MatrixRequest } from '../../../src/engine/request.ts';
import { exitStatus } from '../../../src/report/exit-status.ts';
import { matrixLines } from '../../../src/report/matrix.ts';
import { matrixPage } from '../../../src/report/matrix-page.ts';
import { kernel, nope, recorded, rowOf } from './world.ts';

const request: MatrixRequest = {
  verb: 'matrix',
  names: [],
  directories: [],
  archives: [],
  places: [],
  releases: [],
  program: ['node', 'x'],
};

const answer = (rows: readonly Row[], more: Partial<MatrixAnswer> = {}): MatrixAnswer => ({
  kind: 'matrix',
  rows,
  releases: [kernel.release],
  failures: [],
  notes: [],
  packages: [],
  seconds: 61,
  ...more,
});

const context = (columns?: number) => recorded({ request, ...(columns ? { columns } : {}) }).context;
const ready = (name: string): Row => rowOf(name, { kind: 'installed' });
const on = (row: Row, release: string): Row => ({ ...row, kernel: { ...row.kernel, release } });
const release = kernel.release;

describe('matrixLines', () => {
  it('shows a row for each kernel, a column for each module, and what failed below', () => {
    const rows = [ready('good'), rowOf('bad', nope), on(ready('good'), 'later')];
    const lines = matrixLines(answer(rows, { releases: [release, 'later'] }), context());
    expect(lines[0]).toBe('kmodsort: matrix: 2 modules on 2 kernels: 2 ok, 1 FAILED in 1 min 1 s');
    const first = ' '.repeat(2 + release.length);
    expect(lines.slice(1, 6)).toEqual([
      '',
      `${first}  bad/1.0    good/1.0`,
      `  ${release}  FAILED     ok`,
      `  ${'later'.padEnd(release.length)}  -          ok`,
      '',
    ]);
    expect(lines[6]).toMatch(/^ {2}FAILED {5}bad\/1\.0/);
  });

  it.each([
    [undefined, 1],
    [200, 1],
    [release.length + 4 + 2 * 11, 2],
    [release.length + 4 + 11, 4],
    [10, 4],
  ])('makes of four modules in %s columns %s tables', (columns, tables) => {
    const lines = matrixLines(answer(['a', 'b', 'c', 'd'].map(ready)), context(columns));
    expect(lines.filter((line) => line.startsWith(`  ${release}`))).toHaveLength(tables);
    if (columns !== undefined && columns > 40)
      expect(Math.max(...lines.slice(2).map((line) => line.length))).toBeLessThanOrEqual(columns);
  });

  it('has no kernel to show where none was named', () => {
    expect(matrixLines(answer([], { releases: [] }), context())).toEqual([
      'kmodsort: nothing to build: no kernel was named',
    ]);
  });

  it('ends well where all can be built', () => {
    expect(exitStatus(answer([ready('good')]), 'typed', { requiredFailed: false })).toBe(0);
    expect(exitStatus(answer([rowOf('bad', nope)]), 'typed', { requiredFailed: false })).toBe(1);
    expect(exitStatus(answer([], { signal: 'SIGINT' }), 'typed', { requiredFailed: false })).toBe(130);
  });
});

describe('matrixPage', () => {
  it('has each state, reason and log, and nothing that a log could run', () => {
    const bad = rowOf('bad', nope);
    const page = matrixPage(
      answer([ready('good'), bad]),
      new Map([[bad, 'x.c:1: error: <script>alert(1)</script> & "more"']]),
      '2026-11-28T08:00:00Z',
      context(),
    );
    expect(page).toContain('<title>2 modules on 1 kernel</title>');
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;more&quot;');
    expect(page.match(/<script>/g)).toHaveLength(1);
    expect(page).toMatch(/<td class="failed"><button type="button" data-open="cell-1"/);
    expect(page).toContain('data-state="ok" checked> 1 ok</label>');
  });
});
