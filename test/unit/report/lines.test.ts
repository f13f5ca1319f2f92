import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { lineReport } from '../../../src/report/lines.ts';
import { behind, jobOf, kernel, nope, recorded, request, rowOf, summaryOf } from './world.ts';

describe('lineReport', () => {
  it('tells a run in whole lines, then its summary', () => {
    const { context, out, err } = recorded();
    const report = lineReport(context);
    const zeta = jobOf('zeta-core');
    const broken = jobOf('broken');
    const needs = jobOf('needs-broken', { reason: 'not-built' }, ['broken']);
    report.onProgress({ kind: 'planned', plan: { jobs: [zeta, broken, needs], settled: [] }, atOnce: 2 });
    report.onProgress({ kind: 'started', job: zeta });
    report.onProgress({ kind: 'step', job: zeta, step: 'make' });
    report.onProgress({ kind: 'ended', job: zeta, outcome: { kind: 'installed' }, seconds: 3.21 });
    report.onProgress({ kind: 'ended', job: broken, outcome: nope, seconds: 1.1 });
    report.onProgress({ kind: 'ended', job: needs, outcome: behind, seconds: 0 });
    report.onProgress({ kind: 'depmod', release: kernel.release });
    void report.finish(
      summaryOf([
        rowOf('lonely', { kind: 'unchanged' }),
        rowOf('zeta-core', { kind: 'installed' }, 3.21),
        rowOf('needs-broken', behind),
        rowOf('broken', nope, 1.1),
      ]),
    );
    expect(err).toEqual([]);
    expect(out.join('')).toBe(`kmodsort: 3 jobs in dependency order on 1 kernel
kmodsort: zeta-core/1.0, 6.1.0-56-amd64: building (not built yet)
kmodsort: zeta-core/1.0, 6.1.0-56-amd64: installed in 3.2 s
kmodsort: broken/1.0, 6.1.0-56-amd64: FAILED after 1.1 s: broken.c:7:10: error: implicit declaration of function 'nope'
kmodsort: needs-broken/1.0, 6.1.0-56-amd64: not tried: broken/1.0 failed
kmodsort: depmod 6.1.0-56-amd64

kmodsort: summary: 4 modules on 1 kernel: 1 installed, 1 unchanged, 1 blocked, 1 FAILED
  unchanged  lonely/1.0        6.1.0-56-amd64
  installed  zeta-core/1.0     6.1.0-56-amd64   3.2 s
  blocked    needs-broken/1.0  6.1.0-56-amd64   not tried: broken/1.0 failed
  FAILED     broken/1.0        6.1.0-56-amd64   compiler error
             broken.c:7:10: error: implicit declaration of function 'nope'
             log    /var/lib/kmodsort/log/broken/1.0/6.1.0-56-amd64-x86_64.log
             retry  kmodsort sync -k 6.1.0-56-amd64
kmodsort: modules are missing on 6.1.0-56-amd64: broken, needs-broken
`);
  });

  it('is one line when nothing had to be done', () => {
    const { context, out } = recorded();
    const report = lineReport(context);
    report.onProgress({ kind: 'planned', plan: { jobs: [], settled: [] }, atOnce: 2 });
    void report.finish(summaryOf([rowOf('a', { kind: 'unchanged' }), rowOf('b', { kind: 'unchanged' })]));
    expect(out.join('')).toBe('kmodsort: nothing to do: 2 modules on 1 kernel up to date\n');
    void report.finish(summaryOf([rowOf('a', { kind: 'unchanged' })]));
    expect(out.at(-1)).toBe('kmodsort: nothing to do: 1 module on 1 kernel up to date\n');
  });

  it('says steps only when asked to', () => {
    const { context, out } = recorded({ verbose: true });
    lineReport(context).onProgress({ kind: 'step', job: jobOf('a'), step: 'make' });
    expect(out).toEqual(['kmodsort: a/1.0, 6.1.0-56-amd64: running make\n']);
  });

  it('keeps a line one plain line, whatever a compiler said', () => {
    const { context, out } = recorded();
    const failure = { kind: 'compiler-failed', detail: '\u001b[1ma.c:1:\r \u001b[31merror\u001b[0m\nnext' } as const;
    const outcome = { kind: 'failed', failure, remembered: false } as const;
    const report = lineReport(context);
    report.onProgress({ kind: 'ended', job: jobOf('a'), outcome, seconds: 1 });
    void report.finish(summaryOf([rowOf('a', outcome)]));
    const text = out.join('');
    expect(text).toContain('FAILED after 1.0 s: a.c:1:  error next\n');
    expect(text).not.toContain('\r');
    expect(text).not.toContain('\u001b');
    expect(text.endsWith('\n')).toBe(true);
  });

  it('tells a note once, on the way or at the end', () => {
    const { context, out } = recorded();
    const told = { note: 'kernel-cleaned', release: '6.1' } as const;
    const untold = { note: 'no-objects', module: { name: 'a', version: '1' } } as const;
    const report = lineReport(context);
    report.onProgress({ kind: 'noted', note: told });
    void report.finish(summaryOf([], { notes: [told, untold] }));
    expect(out.join('').match(/cleaned up/g)).toHaveLength(1);
    expect(out.join('').match(/names no modules to build/g)).toHaveLength(1);
  });

  it.each([
    ['a person', request, false, 2],
    ['a hook', { ...request, origin: 'hook' }, false, 0],
    ['a verbose hook', { ...request, origin: 'hook' }, true, 2],
  ] as const)('tells what bash said while it read a conf to %s', (_whom, asked, verbose, times) => {
    const { context, out } = recorded({ request: asked, verbose });
    const note = { note: 'conf-said', path: '/usr/src/a-1/dkms.conf', text: 'line 3: [: : integer expected' } as const;
    const report = lineReport(context);
    report.onProgress({ kind: 'noted', note });
    void report.finish(summaryOf([], { notes: [{ ...note, text: 'later' }] }));
    expect(
      out.join('').match(/\/usr\/src\/a-1\/dkms\.conf: (line 3: \[: : integer expected|later)\n/g) ?? [],
    ).toHaveLength(times);
  });

  it('keeps stdout for a plan, and what is said besides on stderr', () => {
    const { context, out, err } = recorded({ request: { ...request, dryRun: true }, output: 'dot' });
    const report = lineReport(context);
    const plan = { jobs: [jobOf('a'), jobOf('b', { reason: 'not-built' }, ['a'])], settled: [] };
    report.onProgress({ kind: 'planned', plan, atOnce: 2 });
    report.onProgress({ kind: 'noted', note: { note: 'kernel-cleaned', release: '6.1' } });
    void report.finish({ kind: 'plan', atOnce: 2, plan, keys: [], failures: [], notes: [] });
    expect(out.join('')).toMatch(/^digraph plan \{\n.*"a\/1.0@6.1.0-56-amd64\/x86_64" -> "b\/1.0@.*\}\n$/s);
    expect(err.join('')).toBe('kmodsort: cleaned up after the removed kernel 6.1\n');
  });

  it('says on stderr that nothing is known', () => {
    const { context, out, err } = recorded({ request: { verb: 'log', name: 'zfs' } });
    void lineReport(context).finish({ kind: 'nothing', about: 'log', asked: 'zfs' });
    expect([out, err]).toEqual([[], ['kmodsort: no failure recorded for zfs\n']]);
  });
});

describe('a sign of life', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('comes each 30 s of silence while something runs for that long', () => {
    const { context, out } = recorded();
    const report = lineReport(context);
    const [zeta, other] = [jobOf('zeta'), jobOf('other')];
    report.onProgress({ kind: 'planned', plan: { jobs: [zeta, other], settled: [] }, atOnce: 2 });
    report.onProgress({ kind: 'started', job: zeta });
    report.onProgress({ kind: 'step', job: zeta, step: 'make' });
    vi.advanceTimersByTime(20_000);
    report.onProgress({ kind: 'started', job: other });
    vi.advanceTimersByTime(15_000);
    expect(out.join('')).not.toContain('still running');
    vi.advanceTimersByTime(16_000);
    expect(out.at(-1)).toBe(
      'kmodsort: still running: zeta/1.0, 6.1.0-56-amd64: running make, 50 s; other/1.0, 6.1.0-56-amd64: not built yet, 30 s\n',
    );
    vi.advanceTimersByTime(65_000);
    expect(out.filter((line) => line.includes('still running'))).toHaveLength(3);
  });

  it('does not come when nothing runs, when only failures are asked for, nor after the end', async () => {
    const { context, out } = recorded();
    const report = lineReport(context);
    const job = jobOf('zeta');
    report.onProgress({ kind: 'planned', plan: { jobs: [job], settled: [] }, atOnce: 2 });
    vi.advanceTimersByTime(90_000);
    report.onProgress({ kind: 'started', job });
    await report.finish(summaryOf([]));
    vi.advanceTimersByTime(90_000);
    expect(out.join('')).not.toContain('still running');
    const quiet = recorded({ quiet: true });
    const silent = lineReport(quiet.context);
    silent.onProgress({ kind: 'planned', plan: { jobs: [job], settled: [] }, atOnce: 2 });
    silent.onProgress({ kind: 'started', job });
    vi.advanceTimersByTime(90_000);
    expect(quiet.out).toEqual([]);
  });
});
