import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Row } from '../../src/engine/answers.ts';
import type { Outcome } from '../../src/engine/outcome.ts';
import { matrixPage } from '../../src/report/matrix-page.ts';
import { isRoot, missingPackages, run } from '../packages.ts';
import { recorded } from '../unit/report/world.ts';

/** The page of a matrix in a real browser: its grid, its filter, and a failure that somebody opens. */

const missing = isRoot() ? missingPackages(['chromium-headless-shell']) : 'a package is installed';
const directory = mkdtempSync(join(tmpdir(), 'kmodsort-page-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const releases = ['6.1.0-56-amd64', '6.1.0-56-rt-amd64', '6.12.117+deb12-amd64'];
const installed: Outcome = { kind: 'installed' };
const failed: Outcome = {
  kind: 'failed',
  remembered: false,
  failure: { kind: 'compiler-failed', detail: 'zfs.c:7:1: error: no such <thing>' },
};
const rowOf = (name: string, release: string): Row => ({
  module: { name, version: '1.0' },
  kernel: { release, arch: 'x86_64' },
  outcome: name === 'zfs' && release.startsWith('6.12') ? failed : installed,
  seconds: 2,
});
const rows = releases.flatMap((release) => ['zfs', 'v4l2loopback'].map((name) => rowOf(name, release)));
const logs = new Map(rows.filter(({ outcome }) => outcome === failed).map((row) => [row, 'CC zfs.o\n<b>log</b>\n']));
const context = recorded({
  request: { verb: 'matrix', names: [], directories: [], archives: [], places: [], releases: [], program: ['x'] },
}).context;
const page = matrixPage(
  { kind: 'matrix', rows, releases, failures: [], notes: [], packages: [], seconds: 12 },
  logs,
  '2026-11-28T08:00:00Z',
  context,
);

/** The document as it stands after somebody has done something. */
const domAfter = (hash: string, doing = ''): string => {
  const file = join(directory, 'page.html');
  const title = 'document.title = location.hash;';
  writeFileSync(file, page.replace('</body>', `<script>${doing};${title}</script></body>`));
  const options = ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', `--user-data-dir=${directory}/profile`];
  return run('chromium-headless-shell', [...options, '--dump-dom', `file://${file}${hash}`]);
};

const tableRows = (dom: string): string[] =>
  [...dom.matchAll(/<tr( hidden="")?><th scope="row">([^<]*)/g)].flatMap(([, hidden, name = '']) =>
    hidden ? [] : [name],
  );

const tableColumns = (dom: string): string[] =>
  [...dom.matchAll(/<th scope="col"( hidden="")?>([^<]*)/g)].flatMap(([, hidden, name = '']) => (hidden ? [] : [name]));

const open = (dom: string): string[] => [...dom.matchAll(/<dialog id="([^"]*)" open="">/g)].map(([, id = '']) => id);

describe.skipIf(missing)('the page of a matrix', () => {
  it('shows each pair', () => {
    const dom = domAfter('');
    expect(tableRows(dom)).toEqual(releases);
    expect(tableColumns(dom)).toEqual(['v4l2loopback/1.0', 'zfs/1.0']);
    expect(dom.match(/<td class="ok"><button/g)).toHaveLength(5);
    expect(dom.match(/<td class="failed"><button/g)).toHaveLength(1);
    expect(open(dom)).toEqual([]);
  });

  it.each([
    ['#6.12', ['6.12.117+deb12-amd64'], 2],
    ['#RT', ['6.1.0-56-rt-amd64'], 2],
    ['#zfs', releases, 1],
    ['#', releases, 2],
    ['#nothing-of-that-name', [], 2],
    ['#6.12.117%2Bdeb12', ['6.12.117+deb12-amd64'], 2],
  ])('keeps what %s of the address means', (hash, kernels, columns) => {
    const dom = domAfter(hash);
    expect(tableRows(dom)).toEqual(kernels);
    expect(tableColumns(dom)).toHaveLength(columns);
  });

  it('filters while somebody types, and has it in the address', () => {
    const dom = domAfter('', "field.value = 'rt'; field.dispatchEvent(new Event('input'))");
    expect(tableRows(dom)).toEqual(['6.1.0-56-rt-amd64']);
    expect(dom).toContain('<title>#rt</title>');
  });

  it('hides what is in a state that is switched off', () => {
    const dom = domAfter('', "document.querySelector('[data-state=ok]').click()");
    expect(dom.match(/<td class="ok off">/g)).toHaveLength(5);
    expect(dom.match(/<td class="failed">/g)).toHaveLength(1);
  });

  it('opens a failure with its reason and its log, as text', () => {
    const dom = domAfter('', "document.querySelector('td.failed button').click()");
    expect(open(dom)).toHaveLength(1);
    const [, dialog = ''] = /<dialog id="[^"]*" open="">([\s\S]*?)<\/dialog>/.exec(dom) ?? [];
    expect(dialog).toContain('<h2>FAILED: zfs/1.0, 6.12.117+deb12-amd64</h2>');
    expect(dialog).toContain('<p>zfs.c:7:1: error: no such &lt;thing&gt;</p>');
    expect(dialog).toContain('&lt;b&gt;log&lt;/b&gt;');
  });
});
