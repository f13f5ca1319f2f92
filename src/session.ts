import type { Readable } from 'node:stream';
import type { WriteStream } from 'node:tty';
import type { AskedFor } from './adapters/hook-request.ts';
import type { Transaction } from './adapters/transaction.ts';
import type { RunInvocation, Task } from './cli/invocation.ts';
import { retryCommand } from './cli/options.ts';
import type { Answer } from './engine/answers.ts';
import { isFailureError, systemFailure } from './engine/errors.ts';
import type { Emit } from './engine/progress.ts';
import type { Request } from './engine/request.ts';
import type { Overrides, Settings } from './engine/settings.ts';
import { exitStatus, failureStatus, unexpectedStatus } from './report/exit-status.ts';
import { failureText, ignoredText, unexpectedText } from './report/failures.ts';
import { noPaint, paintFor } from './report/paint.ts';
import { chooseReport, type Report, type ReportContext, type TextSink } from './report/report.ts';
import { missingRequired } from './report/required.ts';

/**
 * From what the command line says to an exit status: the request with all that waits, the engine at work, the report,
 * and the word that is left. Each part is loaded when it is needed: a question loads nothing that changes something.
 */

/** The streams and the terminal of the process. */
export interface Console {
  readonly stdin: () => Readable;
  readonly out: TextSink;
  readonly err: TextSink;
  /** The terminal on stdout, if there is one that can be drawn on. */
  readonly terminal?: WriteStream;
  /** TERM of the environment. */
  readonly terminalName: string | undefined;
  /** NO_COLOR of the environment. */
  readonly noColor: string | undefined;
}

/** An errand brings the places that its sender was given. */
type Asked = AskedFor & { readonly overrides?: Overrides };

const askedFor = async (task: Task, stdin: () => Readable, abort: AbortSignal): Promise<Asked> => {
  if (task.kind === 'request') return { request: task.request, notes: [] };
  if (task.kind === 'errand') {
    const { readErrand } = await import('./adapters/errand.ts');
    const { request, places, jobs } = await readErrand(stdin(), abort);
    return { request, notes: [], overrides: { ...places, jobs } };
  }
  const { guardRequest, hookRequest } = await import('./adapters/hook-request.ts');
  return task.kind === 'guard' ? guardRequest(task, stdin(), abort) : hookRequest(task, stdin(), abort);
};

/** A run that changes something takes up what waits in the queue. */
const withQueue = async (asked: AskedFor, stateDir: string): Promise<AskedFor & { readonly done: () => void }> => {
  if (asked.request.verb !== 'sync') return { ...asked, done: () => undefined };
  const { withWaiting } = await import('./adapters/hook-request.ts');
  return withWaiting(asked, stateDir);
};

/** Only a run that wanted modules on kernels can have missed required ones. */
const wantedModules = (request: Request, settings: Settings): readonly string[] =>
  (request.verb === 'try' && request.names.length === 0) ||
  (request.verb === 'sync' && !request.dropOnly && !request.dryRun)
    ? settings.requiredModules
    : [];

const reportFor = async (context: ReportContext, { terminal, terminalName }: Console): Promise<Report> => {
  const chosen = chooseReport({ ...context, terminal: terminalName });
  if (chosen === 'relay') return (await import('./report/relay.ts')).relayReport(context);
  if (chosen === 'json') return (await import('./report/json.ts')).jsonReport(context);
  if (chosen === 'terminal' && terminal) {
    return (await import('./report/terminal.ts')).terminalReport(context, terminal);
  }
  return (await import('./report/lines.ts')).lineReport(context);
};

/** A signal came before there was anything to end. */
const endedEarly = (abort: AbortSignal): Answer => ({
  kind: 'summary',
  rows: [],
  failures: [],
  notes: [],
  signal: abort.reason === 'SIGTERM' ? 'SIGTERM' : 'SIGINT',
  seconds: 0,
});

const isDone = (answer: Answer): boolean =>
  answer.kind === 'summary' && !answer.signal && !answer.failures.some((failure) => failure.kind === 'lock-busy');

const answerOf = async (request: Request, settings: Settings, emit: Emit, abort: AbortSignal): Promise<Answer> => {
  if (abort.aborted) return endedEarly(abort);
  const { perform } = await import('./engine/engine.ts');
  return perform(request, settings, emit, abort);
};

const contextOf = (
  invocation: RunInvocation,
  request: Request,
  settings: Settings,
  isTold: ReportContext['isTold'],
  { out, err, terminal, noColor }: Console,
): ReportContext => {
  const required = wantedModules(request, settings);
  return {
    request,
    output: invocation.output,
    verbose: invocation.verbose || settings.verbose,
    quiet: invocation.quiet === true,
    missingRequired: (summary) => missingRequired(summary, required),
    isTold,
    isTerminal: terminal !== undefined,
    ...(terminal ? { columns: terminal.columns } : {}),
    retry: (release, forced) => retryCommand(request.verb, invocation.overrides, release, forced),
    paint: terminal ? paintFor(invocation.noColor === true, noColor) : noPaint,
    out,
    err,
  };
};

interface Occasion {
  readonly transaction: Transaction | undefined;
  readonly isTold: ReportContext['isTold'];
}

/** The transaction of a hook, and what was told in it before. */
const occasionOf = async ({ task }: RunInvocation, settings: Settings): Promise<Occasion> => {
  const nothing = { transaction: undefined, isTold: () => false };
  if (task.kind !== 'hook') return nothing;
  const { isLastHook, ownTransaction } = await import('./adapters/transaction.ts');
  const transaction = ownTransaction(settings.environment);
  if (!transaction || isLastHook(task, transaction)) return { ...nothing, transaction };
  const { toldBefore } = await import('./announce.ts');
  return { transaction, isTold: toldBefore(settings, transaction) };
};

const perform = async (invocation: RunInvocation, console: Console, abort: AbortSignal): Promise<number> => {
  const asked = await askedFor(invocation.task, console.stdin, abort);
  const { readSettings } = await import('./engine/conf/framework-conf.ts');
  const settings = await readSettings(asked.overrides ?? invocation.overrides);
  const { request, notes, done } = await withQueue(asked, settings.stateDir);
  const occasion = await occasionOf(invocation, settings);
  const context = contextOf(invocation, request, settings, occasion.isTold, console);
  const report = await reportFor(context, console);
  for (const option of invocation.ignored ?? []) console.err.write(ignoredText(option));
  for (const note of notes) report.onProgress({ kind: 'noted', note });
  const work = answerOf(request, settings, (progress) => report.onProgress(progress), abort);
  const answer = await work.catch(async (error: unknown) => {
    await report.abandon?.();
    throw error;
  });
  await report.finish(answer);
  if (isDone(answer)) done();
  if (answer.kind === 'boot-guarded') (await import('./announce.ts')).tellAtLogin(settings);
  if (answer.kind === 'matrix' && invocation.page !== undefined)
    (await import('./page.ts')).writePage(answer, invocation.page, context);
  if (answer.kind === 'trial' || answer.kind === 'matrix')
    return exitStatus(answer, invocation.exitPolicy, { requiredFailed: context.missingRequired(answer).length > 0 });
  if (answer.kind !== 'summary' || invocation.task.kind === 'errand')
    return exitStatus(answer, invocation.exitPolicy, { requiredFailed: false });
  const { announce } = await import('./announce.ts');
  await announce(answer, settings, { exitPolicy: invocation.exitPolicy, ...occasion }, context);
  return exitStatus(answer, invocation.exitPolicy, { requiredFailed: context.missingRequired(answer).length > 0 });
};

/** An error that ended a run: what failed, and the status that whoever called us expects. */
const explain = async (error: unknown, { exitPolicy, output }: RunInvocation, console: Console): Promise<number> => {
  const failure = isFailureError(error) ? error.failure : systemFailure(error);
  console.err.write(failure ? failureText(failure) : unexpectedText(error));
  if (output === 'json') {
    const { failureDocument } = await import('./report/json.ts');
    console.out.write(failureDocument(failure ?? { kind: 'unexpected', detail: String(error) }));
  }
  return failure ? failureStatus(failure, exitPolicy) : unexpectedStatus(exitPolicy);
};

/**
 * Carry out what a command line asks for. Never rejects.
 *
 * @returns the exit status
 */
export const runInvocation = (invocation: RunInvocation, console: Console, abort: AbortSignal): Promise<number> =>
  perform(invocation, console, abort).catch((error: unknown) => explain(error, invocation, console));
