import type { Failure } from '../engine/errors.ts';
import type { Problem } from '../engine/problems.ts';
import { doctorEntry, isDoctorEntry } from './doctor.ts';
import { lineReport } from './lines.ts';
import { isFinding, lintEntry } from './lint.ts';
import { problemSentence } from './problems.ts';
import { isTrial, type Report, type ReportContext } from './report.ts';

/** The version of the documents; raised when a key goes away or changes its meaning. */
const version = 1;

const hasProblem = (value: unknown): value is Failure & { readonly problem: Problem } =>
  typeof value === 'object' && value !== null && 'kind' in value && 'problem' in value;

/** Programs get the sentence too: what a failure says is in `detail`, whoever found it out. */
const withDetail = (_key: string, value: unknown): unknown => {
  if (isFinding(value)) return lintEntry(value);
  if (isDoctorEntry(value)) return doctorEntry(value);
  return hasProblem(value) ? { ...value, detail: problemSentence(value.problem) } : value;
};

const document = (content: object): string => `${JSON.stringify({ version, ...content }, withDetail, 2)}\n`;

/** The report for programs: one document on stdout at the end; what people read goes to stderr. */
export const jsonReport = (context: ReportContext): Report => {
  const people = lineReport({ ...context, out: context.err });
  return {
    onProgress: people.onProgress,
    abandon: async () => people.abandon?.(),
    finish: async (answer) => {
      if (answer.kind === 'summary' || answer.kind === 'nothing' || isTrial(context.request))
        await people.finish(answer);
      context.out.write(document(answer));
    },
  };
};

/** The document of a run that could not begin. */
export const failureDocument = (failure: Failure): string => document({ kind: 'failure', failure });
