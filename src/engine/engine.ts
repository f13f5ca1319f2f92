import { afterRun } from './after-run.ts';
import { type Failure, FailureError } from './errors.ts';
import { isNested, type Lock, runLockFile, takeLock } from './lock.ts';
import type { Answer, Emit, Note, Summary } from './progress.ts';
import type { DkmsRequest, Request, Switches, SyncRequest } from './request.ts';
import { noSwitches, type Run } from './run.ts';
import type { Settings } from './settings.ts';
import { withRun } from './start-run.ts';
import { lastLog, statusOf } from './status.ts';
import { planAnswer, recover, type SyncResult, sync, unwritable } from './sync.ts';
import { performTyped } from './typed.ts';

/** The engine's one entry: a table with a row for each verb. It prints nothing and never exits. */

const hookWait = 600;
const typedWait = 24 * 3600;

type Changing = SyncRequest | DkmsRequest;

const isHook = (request: Changing): boolean => request.verb === 'sync' && request.origin === 'hook';

/** A lock of our own, or none where the run that started us holds it. */
const lockFor = async (run: Run, request: Changing): Promise<Lock | undefined> => {
  const { settings } = run;
  if (isNested(settings.stateDir, settings.environment)) return undefined;
  return takeLock(
    {
      path: runLockFile(settings.stateDir),
      owner: isHook(request) ? 'kmodsort in a package hook' : `kmodsort ${request.verb} typed by hand`,
      wait: isHook(request) ? hookWait : typedWait,
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

/** A failure that stops the whole request is the summary's own. */
const orFailure = async (work: () => Promise<SyncResult>): Promise<SyncResult> => {
  try {
    return await work();
  } catch (error) {
    if (error instanceof FailureError) return { rows: [], failures: [error.failure] };
    throw error;
  }
};

const underLock = (run: Run, request: Changing): Promise<SyncResult> =>
  orFailure(async () => {
    const lock = await lockFor(run, request);
    try {
      // Under another run's lock its open journals are its own.
      if (lock) recover(run, lock.afterDeath);
      return request.verb === 'sync' ? await sync(run, request) : await performTyped(run, request);
    } finally {
      await lock?.release();
    }
  });

const change = async (run: Run, notes: readonly Note[], request: Changing): Promise<Summary> => {
  const start = performance.now();
  const { rows, failures } = await underLock(run, request);
  const late = await afterRun(run, rows);
  return {
    kind: 'summary',
    rows,
    failures: [...failures, ...late],
    notes,
    ...signalOf(run.abort),
    seconds: (performance.now() - start) / 1000,
  };
};

const refuseUnwritable = (failure: Failure | undefined): void => {
  if (failure) throw new FailureError(failure);
};

const performChange = async (
  request: Changing,
  switches: Switches,
  settings: Settings,
  emit: Emit,
  abort: AbortSignal,
): Promise<Answer> => {
  const dryRun = request.verb === 'sync' && request.dryRun;
  if (!dryRun) refuseUnwritable(unwritable(settings));
  return withRun<Answer>(settings, switches, emit, abort, (run, notes) =>
    request.verb === 'sync' && dryRun ? planAnswer(run, request, notes) : change(run, notes, request),
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
      return performChange(request, noSwitches, settings, emit, abort);
    case 'status':
      return statusOf(settings, request);
    case 'log':
      return lastLog(settings, request);
    default:
      return performChange(request, request.switches, settings, emit, abort);
  }
};
