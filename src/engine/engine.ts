import { join } from 'node:path';
import { directiveNames } from './conf-reader.ts';
import { FailureError } from './errors.ts';
import { makeProcesses, scriptEnvironment } from './exec.ts';
import { makeTemporary, remove } from './files.ts';
import { makeJobserver } from './jobserver.ts';
import { kernelFacts } from './kernel.ts';
import { isNested, type Lock, runLockFile, takeLock } from './lock.ts';
import type { Answer, Emit, Note, Summary } from './progress.ts';
import type { Kernel, Request, SyncRequest } from './request.ts';
import type { Run } from './run.ts';
import type { Settings } from './settings.ts';
import { lastLog, statusOf } from './status.ts';
import { planAnswer, recover, sync, unwritable } from './sync.ts';
import { headersVermagic } from './verify.ts';

/** The engine's one entry: a table with a row for each verb. It prints nothing and never exits. */

const hookWait = 600;
const typedWait = 24 * 3600;

/** The value for a key, made at the first question. */
const remembered = <Value>(make: (kernel: Kernel) => Value): ((kernel: Kernel) => Value) => {
  const known = new Map<string, Value>();
  return (kernel) => {
    const key = `${kernel.release}/${kernel.arch}`;
    const value = known.has(key) ? known.get(key) : undefined;
    if (value !== undefined) return value;
    const made = make(kernel);
    known.set(key, made);
    return made;
  };
};

/** One at a time for each Kernel, in the order of the calls. */
const turns = (): Run['alone'] => {
  const last = new Map<string, Promise<unknown>>();
  return (kernel, work) => {
    const before = last.get(kernel.release) ?? Promise.resolve();
    const turn = before.then(work);
    last.set(
      kernel.release,
      turn.catch(() => undefined),
    );
    return turn;
  };
};

const collector = (emit: Emit): { notes: Note[]; note: (note: Note) => void } => {
  const notes: Note[] = [];
  const said = new Set<string>();
  const note = (one: Note): void => {
    const key = JSON.stringify(one);
    if (said.has(key)) return;
    said.add(key);
    notes.push(one);
    emit({ kind: 'noted', note: one });
  };
  return { notes, note };
};

const makeRun = async (
  settings: Settings,
  emit: Emit,
  note: Run['note'],
  abort: AbortSignal,
  scratch: string,
): Promise<Run> => {
  const processes = makeProcesses(abort);
  const environment = scriptEnvironment(settings.environment, directiveNames);
  const factsOf = remembered((kernel) => kernelFacts(settings, kernel));
  const jobserver = await makeJobserver(settings.jobs, scratch, processes, settings.environment, abort);
  return {
    settings,
    processes,
    emit,
    note,
    abort,
    scratch,
    jobserver,
    factsOf,
    environment,
    vermagicOf: remembered((kernel) =>
      headersVermagic(factsOf(kernel), join(scratch, 'vermagic', kernel.release), processes, settings.environment),
    ),
    alone: turns(),
    changed: new Set(),
  };
};

const withRun = async <T>(
  settings: Settings,
  emit: Emit,
  abort: AbortSignal,
  work: (run: Run, notes: readonly Note[]) => Promise<T>,
): Promise<T> => {
  const { notes, note } = collector(emit);
  const scratch = makeTemporary(settings.temporary, 'kmodsort-');
  const run = await makeRun(settings, emit, note, abort, scratch);
  try {
    return await work(run, notes);
  } finally {
    run.jobserver.close();
    remove(scratch);
  }
};

/** A lock of our own, or none where the run that started us holds it. */
const lockFor = async (run: Run, request: SyncRequest): Promise<Lock | undefined> => {
  const { settings } = run;
  if (isNested(settings.stateDir, settings.environment)) return undefined;
  return takeLock(
    {
      path: runLockFile(settings.stateDir),
      owner: `kmodsort ${request.origin === 'hook' ? 'in a package hook' : 'typed by hand'}`,
      wait: request.origin === 'hook' ? hookWait : typedWait,
      onBusy: (holder) => run.emit({ kind: 'waiting', holder }),
      onSurvivor: () => undefined,
    },
    run.processes,
    settings.environment,
  );
};

const signalOf = (abort: AbortSignal): Pick<Summary, 'signal'> => {
  if (!abort.aborted) return {};
  return { signal: abort.reason === 'SIGINT' ? 'SIGINT' : 'SIGTERM' };
};

const syncAndSum = async (run: Run, notes: readonly Note[], request: SyncRequest): Promise<Summary> => {
  const start = performance.now();
  const sum = (part: Pick<Summary, 'rows' | 'failures'>): Summary => ({
    kind: 'summary',
    ...part,
    notes,
    ...signalOf(run.abort),
    seconds: (performance.now() - start) / 1000,
  });
  let lock: Lock | undefined;
  try {
    lock = await lockFor(run, request);
  } catch (error) {
    if (error instanceof FailureError) return sum({ rows: [], failures: [error.failure] });
    throw error;
  }
  try {
    // Under another run's lock its open journals are its own.
    if (lock) recover(run, lock.afterDeath);
    return sum(await sync(run, request));
  } finally {
    await lock?.release();
  }
};

const performSync = async (
  request: SyncRequest,
  settings: Settings,
  emit: Emit,
  abort: AbortSignal,
): Promise<Answer> => {
  const failure = request.dryRun ? undefined : unwritable(settings);
  if (failure) throw new FailureError(failure);
  return withRun<Answer>(settings, emit, abort, (run, notes) =>
    request.dryRun ? planAnswer(run, request, notes) : syncAndSum(run, notes, request),
  );
};

/**
 * Do what the Request asks; progress is told on the way.
 *
 * @param abort ends every child process and the run; its reason is the signal's name
 * @returns what the verb answers; a Job's failure is in it. Throws FailureError where nothing could begin.
 */
export const perform = async (
  request: Request,
  settings: Settings,
  emit: Emit,
  abort: AbortSignal,
): Promise<Answer> => {
  switch (request.verb) {
    case 'sync':
      return performSync(request, settings, emit, abort);
    case 'status':
      return statusOf(settings);
    case 'log':
      return lastLog(settings, request);
  }
};
