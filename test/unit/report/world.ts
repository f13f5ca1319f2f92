import type { Row, Summary } from '../../../src/engine/answers.ts';
import type { Outcome } from '../../../src/engine/outcome.ts';
import type { Job, JobReason } from '../../../src/engine/plan.ts';
import { typedSync } from '../../../src/engine/request.ts';
import { noPaint } from '../../../src/report/paint.ts';
import type { ReportContext } from '../../../src/report/report.ts';

export const kernel = { release: '6.1.0-56-amd64', arch: 'x86_64' };

export const request = typedSync({ kind: 'usual' });

export interface Recorded {
  readonly context: ReportContext;
  readonly out: string[];
  readonly err: string[];
}

/** A context whose streams are lists. */
export const recorded = (more: Partial<ReportContext> = {}): Recorded => {
  const out: string[] = [];
  const err: string[] = [];
  const context: ReportContext = {
    request,
    output: 'auto',
    verbose: false,
    quiet: false,
    missingRequired: () => [],
    retry: (release, forced) =>
      forced ? `dkms install ${forced.name}/${forced.version} --force -k ${release}` : `kmodsort sync -k ${release}`,
    isTold: () => false,
    isTerminal: false,
    paint: noPaint,
    out: { write: (text) => void out.push(text) },
    err: { write: (text) => void err.push(text) },
    ...more,
  };
  return { context, out, err };
};

export const jobOf = (name: string, why: JobReason = { reason: 'not-built' }, after: readonly string[] = []): Job => ({
  id: `${name}/1.0@${kernel.release}/x86_64`,
  module: { name, version: '1.0' },
  kernel,
  want: 'installed',
  why,
  after: after.map((other) => `${other}/1.0@${kernel.release}/x86_64`),
});

export const rowOf = (name: string, outcome: Outcome, seconds?: number): Row => ({
  module: { name, version: '1.0' },
  kernel,
  outcome,
  ...(seconds === undefined ? {} : { seconds }),
});

export const nope: Outcome = {
  kind: 'failed',
  remembered: false,
  failure: {
    kind: 'compiler-failed',
    detail: "broken.c:7:10: error: implicit declaration of function 'nope'",
    log: '/var/lib/kmodsort/log/broken/1.0/6.1.0-56-amd64-x86_64.log',
  },
};

export const behind: Outcome = {
  kind: 'blocked',
  why: { reason: 'dependency-failed', dependency: 'broken/1.0', root: 'broken/1.0' },
};

export const summaryOf = (rows: readonly Row[], more: Partial<Summary> = {}): Summary => ({
  kind: 'summary',
  rows,
  failures: [],
  notes: [],
  seconds: 4,
  ...more,
});
