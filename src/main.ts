import { statSync } from 'node:fs';
import { machine, release } from 'node:os';
import { basename } from 'node:path';
import { apt } from './adapters/apt.ts';
import { type Adapter, type Manager, requestOf, withQueued } from './adapters/events.ts';
import { incomingOf } from './adapters/incoming.ts';
import { isPackageSetup, isPackageUpgrade } from './adapters/maintainer-script.ts';
import { pacman } from './adapters/pacman.ts';
import { emptyOut, readQueue } from './adapters/queue.ts';
import { rpm } from './adapters/rpm.ts';
import { readStdin } from './adapters/stdin.ts';
import { parseDkmsCommandLine } from './cli/dkms.ts';
import { type Invocation, parseCommandLine, type Task } from './cli/kmodsort.ts';
import { retryCommand } from './cli/options.ts';
import { FailureError, systemFailure } from './engine/errors.ts';
import type { Answer, Emit, Note } from './engine/progress.ts';
import type { Request } from './engine/request.ts';
import type { Settings } from './engine/settings.ts';
import { commandLineOf } from './engine/system/proc.ts';
import { exitStatus, failureStatus, unexpectedStatus } from './report/exit-status.ts';
import { failureText, ignoredText, unexpectedText } from './report/failures.ts';
import { failureDocument, jsonReport } from './report/json.ts';
import { lineReport } from './report/lines.ts';
import { chooseReport, type Report, type ReportContext } from './report/report.ts';
import { missingRequired } from './report/required.ts';
import { steadySink } from './report/sink.ts';

/** The bundler puts the version of package.json here. */
declare const KMODSORT_VERSION: string | undefined;

type Run = Extract<Invocation, { kind: 'run' }>;

const adapters: Readonly<Record<Manager, Adapter>> = { pacman, apt, rpm };
const stdinLimits = { seconds: 10, bytes: 64 * 1024 * 1024 };

const out = steadySink(process.stdout);
const err = steadySink(process.stderr);

/** SIGINT and SIGTERM end the run in order; a hang-up does not: the run goes on into its log. */
const abortOnSignals = (): AbortSignal => {
  const abort = new AbortController();
  process.on('SIGINT', () => abort.abort('SIGINT'));
  process.on('SIGTERM', () => abort.abort('SIGTERM'));
  process.on('SIGHUP', () => {});
  return abort.signal;
};

interface Asked {
  readonly request: Request;
  readonly notes: readonly Note[];
}

const guardRequest = async (manager: 'apt' | 'pacman', abort: AbortSignal): Promise<Asked> => {
  const { text } = await readStdin(process.stdin, { ...stdinLimits, abort });
  return { request: { verb: 'guard', ...incomingOf(manager, text, commandLineOf(process.ppid)) }, notes: [] };
};

const requestFor = async (task: Task, abort: AbortSignal): Promise<Asked> => {
  if (task.kind === 'request') return { request: task.request, notes: [] };
  if (task.kind === 'guard') return guardRequest(task.manager, abort);
  const adapter = adapters[task.manager];
  const { text, stalled } = adapter.readsStdin(task.words)
    ? await readStdin(process.stdin, { ...stdinLimits, abort })
    : { text: '', stalled: false };
  const request = requestOf(task.manager, adapter.events(task.words, text), { dryRun: task.dryRun });
  return { request, notes: stalled ? [{ note: 'stdin-stalled', seconds: stdinLimits.seconds }] : [] };
};

/** Only a run that wanted modules on kernels can have missed required ones. */
const wantedModules = (request: Request, settings: Settings): readonly string[] =>
  request.verb === 'sync' && !request.dropOnly && !request.dryRun ? settings.requiredModules : [];

/** What waits is taken up by the next run that builds; a removal does not build, and a dry run does nothing. */
const takesQueue = (request: Request): boolean => request.verb === 'sync' && !request.dropOnly && !request.dryRun;

const isDone = (answer: Answer): boolean =>
  answer.kind === 'summary' && !answer.signal && !answer.failures.some((failure) => failure.kind === 'lock-busy');

const reportFor = async (run: Run, context: ReportContext): Promise<Report> => {
  const chosen = chooseReport({
    output: run.output,
    request: context.request,
    verbose: context.verbose,
    quiet: run.quiet === true,
    // A serial console often does not know its size: nothing can be drawn there.
    isTerminal: process.stdout.isTTY === true && process.stdout.columns > 0,
    terminal: process.env.TERM,
  });
  if (chosen === 'json') return jsonReport(context);
  if (chosen === 'lines') return lineReport(context);
  const { terminalReport } = await import('./report/terminal.ts');
  return terminalReport(context, process.stdout, process.stderr);
};

const statusOf = (answer: Answer, run: Run, requiredModules: readonly string[]): number => {
  const requiredFailed = answer.kind === 'summary' && missingRequired(answer, requiredModules).length > 0;
  return exitStatus(answer, run.exitPolicy, { requiredFailed });
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

/** The engine is loaded only here, so that --help and --version stay cheap. */
const perform = async (run: Run, abort: AbortSignal): Promise<number> => {
  const asked = await requestFor(run.task, abort);
  const [engine, { readSettings }] = await Promise.all([
    import('./engine/engine.ts'),
    import('./engine/conf/framework-conf.ts'),
  ]);
  const settings = await readSettings(run.overrides);
  const queue = takesQueue(asked.request) ? readQueue(settings.stateDir, adapters) : undefined;
  const request = queue && asked.request.verb === 'sync' ? withQueued(asked.request, queue.events) : asked.request;
  const notes = [...asked.notes, ...(queue?.words ?? []).map((words): Note => ({ note: 'queue-taken', words }))];
  const requiredModules = wantedModules(request, settings);
  const context: ReportContext = {
    request,
    output: run.output,
    verbose: run.verbose || settings.verbose,
    quiet: run.quiet === true,
    missingRequired: (summary) => missingRequired(summary, requiredModules),
    retry: (release) => retryCommand(run.overrides, release),
    out,
    err,
  };
  const report = await reportFor(run, context);
  for (const option of run.ignored ?? []) err.write(ignoredText(option));
  const emit: Emit = (progress) => report.onProgress(progress);
  for (const note of notes) emit({ kind: 'noted', note });
  const work = abort.aborted ? Promise.resolve(endedEarly(abort)) : engine.perform(request, settings, emit, abort);
  const answer = await work.catch(async (error: unknown) => {
    await report.abandon?.();
    throw error;
  });
  await report.finish(answer);
  if (queue && isDone(answer)) emptyOut(queue);
  if (answer.kind === 'summary') {
    const { announce } = await import('./announce.ts');
    await announce(answer, settings, run.exitPolicy, context);
  }
  return statusOf(answer, run, requiredModules);
};

const explain = (error: unknown, run: Run): number => {
  const failure = error instanceof FailureError ? error.failure : systemFailure(error);
  if (!failure) {
    err.write(unexpectedText(error));
    if (run.output === 'json') out.write(failureDocument({ kind: 'unexpected', detail: String(error) }));
    return unexpectedStatus(run.exitPolicy);
  }
  err.write(failureText(failure));
  if (run.output === 'json') out.write(failureDocument(failure));
  return failureStatus(failure, run.exitPolicy);
};

/** A hook may be started in a directory that is gone by now. */
const workingDirectory = (): string => {
  try {
    return process.cwd();
  } catch {
    return '/';
  }
};

const look = (path: string): 'file' | 'directory' | undefined => {
  try {
    const facts = statSync(path);
    if (facts.isDirectory()) return 'directory';
    return facts.isFile() ? 'file' : undefined;
  } catch {
    // Not there, behind a file, or not ours to see.
    return undefined;
  }
};

/** What a package's own scripts say means less than the same words typed by hand. */
const forMaintainerScript = (request: Request): Request => {
  // An upgrade says `remove` of what shall stay until the new version is there.
  if (request.verb === 'remove' && isPackageUpgrade(process.env, process.ppid)) {
    return { ...request, successorFollows: true };
  }
  return request.verb === 'add' && isPackageSetup(process.env) ? { ...request, mayBeKnown: true } : request;
};

/** Called as `dkms` we are the drop-in. */
const readCommandLine = async (version: string, columns: number): Promise<Invocation> => {
  const argv = process.argv.slice(2);
  const cwd = workingDirectory();
  if (basename(process.argv[1] ?? '') !== 'dkms') return parseCommandLine(argv, { cwd, version, columns });
  const isRoot = process.getuid?.() === 0;
  const around = { cwd, columns, isRoot, runningKernel: release(), arch: machine(), look };
  const invocation = await parseDkmsCommandLine(argv, around);
  if (invocation.kind !== 'run' || invocation.task.kind !== 'request') return invocation;
  return { ...invocation, task: { kind: 'request', request: forMaintainerScript(invocation.task.request) } };
};

const main = async (): Promise<number> => {
  const version = typeof KMODSORT_VERSION === 'string' ? KMODSORT_VERSION : '0.0.0-dev';
  const columns = Math.min(process.stdout.columns ?? 100, 120);
  const invocation = await readCommandLine(version, columns);
  if (invocation.kind === 'text') {
    (invocation.code === 0 && invocation.to !== 'err' ? out : err).write(invocation.text);
    return invocation.code;
  }
  const abort = abortOnSignals();
  return perform(invocation, abort).catch((error: unknown) => explain(error, invocation));
};

const status = await main().catch((error: unknown) => {
  err.write(unexpectedText(error));
  return 1;
});
await Promise.all([out.flush(), err.flush()]);
process.exit(status);
