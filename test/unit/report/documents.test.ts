import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { failureText } from '../../../src/report/failures.ts';
import { failureDocument, jsonReport } from '../../../src/report/json.ts';
import { planDot, planLines } from '../../../src/report/plan.ts';
import { logText, statusLines } from '../../../src/report/status.ts';
import { statusTable } from '../../../src/report/status-table.ts';
import { behind, jobOf, kernel, nope, recorded, rowOf, summaryOf } from './world.ts';

const settled = { module: { name: 'c', version: '1.0' }, kernel, outcome: behind };

describe('planLines', () => {
  it('shows jobs in order with reasons, then what needs none, then what cannot be planned for', () => {
    const plan = {
      jobs: [jobOf('a'), jobOf('bb', { reason: 'dependency-rebuilt', dependency: 'a' }, ['a'])],
      settled: [settled],
    };
    expect(planLines({ plan, atOnce: 2, failures: [{ kind: 'kernel-missing', at: '5.0' }] })).toEqual([
      '2 jobs in dependency order on 1 kernel:',
      '1. a/1.0   6.1.0-56-amd64  not built yet',
      '2. bb/1.0  6.1.0-56-amd64  a was rebuilt; after a/1.0',
      'no job for:',
      '  c/1.0   6.1.0-56-amd64  blocked: not tried: broken/1.0 failed',
      'FAILED: no modules directory of this kernel: 5.0',
    ]);
  });
  it('says how long a build took the last time', () => {
    const plan = { jobs: [{ ...jobOf('a'), took: 192.4 }], settled: [] };
    expect(planLines({ plan, atOnce: 2, failures: [] }).slice(1)).toEqual([
      '1. a/1.0  6.1.0-56-amd64  not built yet (3 min 12 s last time)',
      'expected: about 3 min',
    ]);
  });
  it('says which jobs the whole waits for longest', () => {
    const spl = { ...jobOf('spl'), took: 60, longest: 360 };
    const zfs = { ...jobOf('zfs', { reason: 'not-built' }, ['spl']), took: 300, longest: 300 };
    const other = { ...jobOf('other', { reason: 'not-built' }, ['spl']), took: 100, longest: 100 };
    const plan = { jobs: [spl, other, zfs], settled: [] };
    const chain = 'the longest chain: spl/1.0 (1 min 0 s) -> zfs/1.0 (5 min 0 s)';
    expect(planLines({ plan, atOnce: 2, failures: [] }).at(-1)).toBe(`expected: about 6 min; ${chain}`);
    const bold = planDot(plan).filter((line) => line.includes('style=bold'));
    expect(bold.map((line) => /^ {2}"([^"@]+)@[^"]*"( ->)?/.exec(line)?.slice(1))).toEqual([
      ['spl/1.0', undefined],
      ['zfs/1.0', undefined],
      ['spl/1.0', ' ->'],
    ]);
    expect(planDot(plan)[3]).toContain('1 min 0 s last time');
  });
  it('quotes names in dot', () => {
    const odd = { ...jobOf('a'), id: 'say "a"' };
    expect(planDot({ jobs: [odd], settled: [] })[3]).toBe(
      '  "say \\"a\\"" [label="a/1.0\\n6.1.0-56-amd64\\nnot built yet"];',
    );
  });
});

describe('status and log', () => {
  beforeAll(() => vi.stubEnv('TZ', 'Asia/Tokyo'));
  afterAll(() => vi.unstubAllEnvs());

  const asked = { verb: 'status', kernels: [], arches: [] } as const;

  it('shows states, remarks and remembered failures', () => {
    const flags = { originals: false, objectsMissing: false, differences: false };
    const failure = { kind: 'make-failed', detail: 'no rule', log: '/l' } as const;
    expect(
      statusLines(
        {
          skipped: [
            { release: '6.1.0-56-rt-amd64', setting: 'skip_kernels' },
            { release: '5.10.0-9-amd64', setting: 'kernels' },
          ],
          entries: [
            { module: { name: 'a', version: '1' }, state: 'added', ...flags },
            {
              module: { name: 'b', version: '2' },
              kernel,
              state: 'installed',
              ...flags,
              differences: true,
              failure,
              failedAt: '2024-01-02T03:04:05Z',
            },
          ],
        },
        asked,
      ),
    ).toEqual([
      'a/1: added',
      'b/2, 6.1.0-56-amd64, x86_64: installed (installed files missing or modified)',
      '  FAILED 2024-01-02 12:04:05: make failed: no rule',
      '  log /l',
      '6.1.0-56-rt-amd64: skipped by skip_kernels in framework.conf',
      '5.10.0-9-amd64: skipped, it is not among kernels in framework.conf',
    ]);
    const none = { entries: [], skipped: [] };
    expect(statusLines(none, asked)).toEqual(['no modules in the dkms tree']);
    expect(statusLines(none, { ...asked, name: 'x' })).toEqual(['no module x in the dkms tree']);
    expect(statusLines(none, { ...asked, onlyFailed: true })).toEqual(['nothing has failed']);
  });
  it('shows a table at a terminal, with columns that have something to say', () => {
    const flags = { originals: false, objectsMissing: false, differences: false };
    const module = { name: 'module', version: '1.0' };
    const at = '2024-01-02T03:04:05Z';
    const failure = { kind: 'make-failed', detail: 'no rule' } as const;
    const excluded = {
      kind: 'skipped',
      why: { reason: 'excluded', rule: 'BUILD_EXCLUSIVE_KERNEL', value: '^2' },
    } as const;
    const blocked = { kind: 'blocked', why: { reason: 'dependency-failed', dependency: 'b', root: 'b' } } as const;
    const none = { entries: [], skipped: [] };
    const rows = [
      { module, kernel, state: 'installed', ...flags },
      { module, kernel, state: 'installed', ...flags, failure, failedAt: at },
      { module, kernel, state: 'added', ...flags, passedOver: excluded, passedOverAt: at },
      { module, kernel, state: 'added', ...flags, passedOver: blocked },
      { module, kernel, state: 'added', ...flags, triedAt: at },
      { module, kernel, state: 'added', ...flags, triedAt: at, failure },
      { module, state: 'broken', source: '/usr/src/module-1.0', ...flags },
    ] as const;
    expect(statusTable({ entries: rows, skipped: [] }, asked)).toEqual([
      'STATE      MODULE      KERNEL          SINCE             REASON',
      'installed  module/1.0  6.1.0-56-amd64',
      'FAILED     module/1.0  6.1.0-56-amd64  2024-01-02 12:04  make failed: no rule; an earlier build is installed',
      'excluded   module/1.0  6.1.0-56-amd64  2024-01-02 12:04  excluded on this kernel: BUILD_EXCLUSIVE_KERNEL=^2',
      'blocked    module/1.0  6.1.0-56-amd64                    not tried: b failed',
      'ready      module/1.0  6.1.0-56-amd64  2024-01-02 12:04  tried; its kernel is not installed yet',
      'NOT READY  module/1.0  6.1.0-56-amd64  2024-01-02 12:04  make failed: no rule; tried; its kernel is not installed yet',
      'broken     module/1.0                                    its source is gone: /usr/src/module-1.0',
    ]);
    expect(statusTable({ entries: rows.slice(0, 1), skipped: [] }, asked)).toEqual([
      'STATE      MODULE      KERNEL',
      'installed  module/1.0  6.1.0-56-amd64',
    ]);
    expect(statusTable(none, asked)).toEqual(['no modules in the dkms tree']);
  });
  it('shows the whole log, or that it is gone', () => {
    const answer = {
      kind: 'log',
      module: { name: 'a', version: '1' },
      kernel,
      failedAt: '2024-12-31T23:00:09Z',
      failure: { kind: 'make-failed', log: '/l' },
    } as const;
    expect(logText({ ...answer, text: 'x\ny' })).toBe(
      'a/1, 6.1.0-56-amd64, x86_64: make failed\nfailed 2025-01-01 08:00:09\nlog /l\n\nx\ny\n',
    );
    expect(logText(answer)).toContain('the log is gone: /l\n');
    expect(logText({ ...answer, failedAt: 'long ago' })).toContain('\nfailed long ago\n');
  });
});

describe('jsonReport', () => {
  it('writes one document to stdout and lines for people to stderr', async () => {
    const { context, out, err } = recorded({ output: 'json' });
    const report = jsonReport(context);
    report.onProgress({ kind: 'started', job: jobOf('broken') });
    const summary = summaryOf([rowOf('broken', nope, 1)]);
    await report.finish(summary);
    expect(JSON.parse(out.join(''))).toEqual({ version: 1, ...summary });
    expect(err.join('')).toContain('building');
    expect(err.join('')).toContain('summary: 1 module');
  });
  it('says what is wrong as data, and as the sentence that people read', async () => {
    const { context, out } = recorded({ output: 'json' });
    const problem = { problem: 'unknown-symbol', symbol: 'oslec_create' } as const;
    const failures = [{ module: { name: 'a', version: '1' }, failure: { kind: 'will-not-load', problem } }] as const;
    await jsonReport(context).finish({
      kind: 'verified',
      kernels: [{ release: '6.1', objects: 1, certain: true, failures, unchecked: [], missing: [] }],
      failures: [],
    });
    const detail = 'Unknown symbol oslec_create: nothing exports it';
    expect(JSON.parse(out.join('')).kernels[0].failures[0].failure).toEqual({
      kind: 'will-not-load',
      problem,
      detail,
    });
  });
  it('has a document for a run that could not begin', () => {
    expect(JSON.parse(failureDocument({ kind: 'no-permission' }))).toEqual({
      version: 1,
      kind: 'failure',
      failure: { kind: 'no-permission' },
    });
  });
});

describe('failureText', () => {
  it('names all that is wrong, a line each', () => {
    const problem = { problem: 'directive-missing', directive: 'PACKAGE_VERSION' } as const;
    const more = [{ problem: 'not-yes-or-no', directive: 'AUTOINSTALL', value: 'perhaps' } as const];
    expect(
      failureText({ kind: 'conf-invalid', at: '/usr/src/a-1/dkms.conf', problem, more }).split('\n').slice(0, 2),
    ).toEqual([
      'kmodsort: invalid settings: /usr/src/a-1/dkms.conf: PACKAGE_VERSION is not set',
      '  and   AUTOINSTALL=perhaps: must be yes or no',
    ]);
  });

  it('says what failed, where, why, and what helps', () => {
    expect(failureText({ kind: 'conf-broken', at: '/etc/dkms/framework.conf', detail: 'line 3: syntax error' })).toBe(
      'kmodsort: bash cannot read the file: /etc/dkms/framework.conf: line 3: syntax error\n  help  bash -n /etc/dkms/framework.conf\n',
    );
  });
});
