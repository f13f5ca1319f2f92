/** Run on a real terminal by terminal.test.ts: the engine's progress, played to the terminal report. */
import { setTimeout as sleep } from 'node:timers/promises';
import { terminalReport } from '../../../src/report/terminal.ts';
import { behind, jobOf, nope, recorded, rowOf, summaryOf } from './world.ts';

const { context } = recorded({ out: { write: (text) => void process.stdout.write(text) } });
const signals: string[] = [];
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => signals.push(name));
const report = terminalReport(context, process.stdout);
const broken = jobOf('broken');
const needs = jobOf('needs-broken', { reason: 'not-built' }, ['broken']);
const never = jobOf('never');

report.onProgress({ kind: 'planned', plan: { jobs: [broken, needs, never], settled: [] }, atOnce: 1 });
report.onProgress({ kind: 'started', job: broken });
report.onProgress({ kind: 'step', job: broken, step: 'make' });
// The clock on the screen ticks each second, and the first tick may still be a breath too early for '1 s'.
await sleep(3000);
process.kill(process.pid, 'SIGINT');
process.kill(process.pid, 'SIGHUP');
report.onProgress({ kind: 'ended', job: broken, outcome: nope, seconds: 1.3 });
report.onProgress({ kind: 'ended', job: needs, outcome: behind, seconds: 0 });
report.onProgress({ kind: 'noted', note: { note: 'kernel-cleaned', release: '6.0' } });
await sleep(300);
await report.finish(summaryOf([rowOf('needs-broken', behind), rowOf('broken', nope, 1.3)]));
process.stdout.write(`signals ${signals.join(' ')}\n`);
