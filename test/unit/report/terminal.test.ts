import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const requireBanner = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";
let directory = '';
let screen = '';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kmodsort-terminal-'));
  const outfile = join(directory, 'driver.mjs');
  await build({
    entryPoints: [fileURLToPath(new URL('./terminal-driver.ts', import.meta.url))],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: { js: requireBanner },
  });
  // script(1) gives the driver a terminal of its own.
  const command = `stty cols 120 rows 30; exec '${process.execPath}' '${outfile}'`;
  const env = { PATH: process.env.PATH, TERM: 'xterm', LANG: 'C.UTF-8' };
  const { stdout } = await run('script', ['-qec', command, '/dev/null'], { env });
  screen = stdout;
});

afterAll(() => rm(directory, { recursive: true, force: true }));

// biome-ignore lint/suspicious/noControlCharactersInRegex: it begins with a control character.
const control = /\u001b\[[\d;?]*[A-Za-z]/g;

/** What stands on the screen after each drawing. */
const drawings = (): string[] =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it begins with a control character.
  screen.split(/(?:\u001b\[1A\u001b\[2K)+\r/).map((one) => one.replaceAll(control, '').replaceAll('\r', ''));

describe('terminalReport', () => {
  it('shows how far all are, what runs with its time, and how many wait', () => {
    expect(screen).toMatch(/0 of 3 jobs, [1-3] s/);
    expect(screen).toMatch(
      / {2}broken\/1\.0, 6\.1\.0-56-amd64: running make, [1-3] s\r?\n {2}2 waiting \(1 for broken\)/,
    );
    expect(drawings().some((one) => /2 of 3 jobs, 1 failed, [2-5] s\n {2}1 waiting\n/.test(one))).toBe(true);
  });
  it('erases as many lines as it has drawn', () => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it begins with a control character.
    const erased = [...screen.matchAll(/((?:\u001b\[1A\u001b\[2K)+)\r/g)].map(([, all = '']) => all.length / 8);
    const drawn = drawings().map(
      (one) => one.split('\n').filter((line) => /^(\d+ of 3 jobs| {2}\S)/.test(line)).length,
    );
    expect(erased).toEqual(drawn.slice(0, -1));
    expect(Math.max(...erased)).toBe(3);
  });
  it('lets what has ended scroll above that, once', () => {
    const broken = 'kmodsort: broken/1.0, 6.1.0-56-amd64: FAILED after 1.3 s: broken.c:7:10: error';
    const [first = ''] = drawings().filter((one) => one.includes(broken));
    expect(first).toMatch(/FAILED after 1\.3 s.*\n[12] of 3 jobs, 1 failed/);
    expect(drawings().filter((one) => one.startsWith(broken))).toHaveLength(1);
    expect(
      drawings().filter((one) => one.startsWith('kmodsort: needs-broken/1.0, 6.1.0-56-amd64: not tried')),
    ).toHaveLength(1);
  });
  it('ends with notes and the one summary, once, and nothing of the rest', () => {
    const end = drawings().at(-1) ?? '';
    expect(end).not.toContain('waiting');
    expect(end).toContain('kmodsort: cleaned up after the removed kernel 6.0');
    expect(end).toContain('kmodsort: summary: 2 modules on 1 kernel: 1 blocked, 1 FAILED');
    expect(screen.match(/kmodsort: summary/g)).toHaveLength(1);
    expect(end.indexOf('cleaned up')).toBeLessThan(end.indexOf('summary'));
  });
  it('leaves signals to the process, which decides when to end', () => {
    expect(screen).toMatch(/signals (SIGINT SIGHUP|SIGHUP SIGINT)\r?\n/);
  });
});
