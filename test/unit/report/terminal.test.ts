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

describe('terminalReport', () => {
  it('shows the running job with its time and the others with what they wait for', () => {
    expect(screen).toMatch(/broken\/1\.0, 6\.1\.0-56-amd64: running make, [1-3] s/);
    expect(screen).toContain('needs-broken/1.0, 6.1.0-56-amd64: waiting for broken/1.0');
    expect(screen).toContain('never/1.0, 6.1.0-56-amd64: waiting for its turn');
  });
  it('shows how jobs ended', () => {
    expect(screen).toContain('broken/1.0, 6.1.0-56-amd64: FAILED after 1.3 s');
    expect(screen).toContain('blocked: not tried: broken/1.0 failed');
  });
  it('ends with notes and the one summary, once, the cursor given back', () => {
    const end = screen.slice(screen.indexOf('\u001b[?25h'));
    expect(end).not.toContain('\u001b[?25l');
    expect(end).toContain('kmodsort: cleaned up after the removed kernel 6.0');
    expect(end).toContain('kmodsort: summary: 2 modules on 1 kernel: 1 blocked, 1 FAILED');
    expect(screen.match(/kmodsort: summary/g)).toHaveLength(1);
    expect(end.indexOf('cleaned up')).toBeLessThan(end.indexOf('summary'));
  });
  it('leaves signals to the process, which decides when to end', () => {
    expect(screen).toMatch(/signals (SIGINT SIGHUP|SIGHUP SIGINT)\r?\n/);
  });
});
