#!/usr/bin/env node
import { basename } from 'node:path';
import { readCommandLine } from './cli/command-line.ts';
import { brokenStatus } from './report/exit-status.ts';
import { unexpectedText } from './report/failures.ts';
import { epipeSafe } from './report/sink.ts';

/** The process: arguments, environment, streams and signals in; the exit status out. */

/** The bundler puts the version of package.json here. */
declare const KMODSORT_VERSION: string | undefined;

const out = epipeSafe(process.stdout);
const err = epipeSafe(process.stderr);

/** SIGINT and SIGTERM end the run in order; a hang-up does not: the run goes on into its log. */
const abortOnSignals = (): AbortSignal => {
  const abort = new AbortController();
  process.on('SIGINT', () => abort.abort('SIGINT'));
  process.on('SIGTERM', () => abort.abort('SIGTERM'));
  process.on('SIGHUP', () => {});
  return abort.signal;
};

/** A hook may be started in a directory that is gone by now. */
const workingDirectory = (): string => {
  try {
    return process.cwd();
  } catch {
    return '/';
  }
};

/** A serial console often does not know its size: nothing can be drawn there. */
const terminal = process.stdout.isTTY && process.stdout.columns > 0 ? process.stdout : undefined;

// Whatever the caller's: what we leave is for all to read, and for nobody else to write.
process.umask(0o022);

const main = async (): Promise<number> => {
  const invocation = await readCommandLine(process.argv.slice(2), {
    program: basename(process.argv[1] ?? ''),
    cwd: workingDirectory(),
    version: typeof KMODSORT_VERSION === 'string' ? KMODSORT_VERSION : '0.0.0-dev',
    columns: Math.min(process.stdout.columns ?? 100, 120),
    environment: process.env,
    isRoot: process.getuid?.() === 0,
    parent: process.ppid,
    self: [process.execPath, process.argv[1] ?? ''],
  });
  if (invocation.kind === 'text') {
    (invocation.code === 0 && invocation.to !== 'err' ? out : err).write(invocation.text);
    return invocation.code;
  }
  const abort = abortOnSignals();
  const { runInvocation } = await import('./session.ts');
  const stdin = () => process.stdin;
  const { TERM: terminalName, NO_COLOR: noColor } = process.env;
  const console = { stdin, out, err, terminalName, noColor, ...(terminal ? { terminal } : {}) };
  return runInvocation(invocation, console, abort);
};

const status = await main().catch((error: unknown) => {
  err.write(unexpectedText(error));
  return brokenStatus;
});
await Promise.all([out.flush(), err.flush()]);
process.exit(status);
