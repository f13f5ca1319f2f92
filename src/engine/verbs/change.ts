import { join } from 'node:path';
import type { Answer, DueStep, Summary, SyncResult } from '../answers.ts';
import { type Failure, FailureError, isFailureError } from '../errors.ts';
import { hasInitramfs, refreshInitramfs } from '../install/initramfs.ts';
import { hasWeakModules, makeUpWeakModules } from '../install/weak-modules.ts';
import { afterRun } from '../jobs/after-run.ts';
import type { Emit, Note } from '../progress.ts';
import type { ComingPackages, DkmsRequest, SyncRequest } from '../request.ts';
import { noSwitches, type Run } from '../run/run.ts';
import type { Settings } from '../settings.ts';
import { isNested } from '../state/nested.ts';
import { runLockFile } from '../state/paths.ts';
import { type Lock, lockWaits, takeLock } from '../system/lock.ts';
import { guardBoot, type Occasion } from './boot-guard.ts';
import { performTyped } from './dkms.ts';
import { type Recovered, recover } from './recover.ts';
import { afterRpm } from './rpm-archive.ts';
import { planAnswer, sync, unwritable } from './sync.ts';
import { withRun } from './with-run.ts';

/** Every verb that changes something: the lock, the work under it, and what follows when it is free again. */

type Changing = SyncRequest | DkmsRequest;

const isHook = (request: Changing): boolean => request.verb === 'sync' && request.origin === 'hook';

const isInTransaction = (request: Changing): boolean =>
  isHook(request) || ('inTransaction' in request && request.inTransaction === true);

/** A lock of our own, or none where the run that started us holds it. */
const lockFor = async (run: Run, request: Changing): Promise<Lock | undefined> => {
  const { settings } = run;
  if (isNested(settings.stateDir, settings.environment)) return undefined;
  return takeLock(
    {
      path: runLockFile(settings.stateDir),
      owner: isHook(request) ? 'kmodsort hook run' : `kmodsort ${request.verb}`,
      wait: isInTransaction(request) ? lockWaits.hook : lockWaits.typed,
      onBusy: (holder) => run.emit({ kind: 'waiting', holder }),
    },
    run.processes,
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
    if (isFailureError(error)) return { rows: [], failures: [error.failure] };
    throw error;
  }
};

const underLock = (run: Run, request: Changing): Promise<SyncResult> =>
  orFailure(async () => {
    const lock = await lockFor(run, request);
    try {
      // Under another run's lock its open journals are its own.
      const recovered: Recovered = lock ? recover(run, lock.afterDeath) : { releases: [], failures: [] };
      if (lock) await makeUpWeakModules(run);
      return request.verb === 'sync'
        ? await sync(run, request, recovered)
        : await performTyped(run, request, recovered);
    } finally {
      await lock?.release();
    }
  });

const madeLater = (request: Changing): readonly string[] => (request.verb === 'sync' ? request.initramfsFollows : []);

/** While a kernel is being set up its modules may still come; its entry in the boot loader's menu always does. */
const occasionOf = (request: Changing): Occasion => ({
  goesOn: request.verb === 'sync' && request.transactionGoesOn,
  menuFollows: madeLater(request).length > 0,
  leaving: request.verb === 'sync' ? request.leaving.kernels : [],
});

const change = async (run: Run, notes: readonly Note[], asked: Changing): Promise<Summary> => {
  const start = performance.now();
  const request = await afterRpm(run, asked);
  if ('failure' in request) {
    return { kind: 'summary', rows: [], failures: [request.failure], notes, ...signalOf(run.abort), seconds: 0 };
  }
  const { rows, failures } = await underLock(run, request);
  const late = [...(await refreshInitramfs(run, madeLater(request))), ...(await afterRun(run, rows))];
  const guarded = await guardBoot(run, occasionOf(request));
  return {
    kind: 'summary',
    rows,
    failures: [...failures, ...late, ...guarded.failures],
    notes,
    ...(guarded.boot ? { boot: guarded.boot } : {}),
    ...signalOf(run.abort),
    seconds: (performance.now() - start) / 1000,
  };
};

/** What must follow when modules of a kernel change. dkms leaves the initramfs to hooks, and so do commands typed by hand. */
const followsOf =
  (request: Changing, settings: Settings) =>
  (release: string): DueStep[] => [
    ...(request.verb !== 'sync' && request.switches.noDepmod ? [] : (['depmod'] as const)),
    ...(hasWeakModules(settings) ? (['weak-modules'] as const) : []),
    ...(isHook(request) && hasInitramfs(settings) && !madeLater(request).includes(release)
      ? (['initramfs'] as const)
      : []),
    ...(settings.postTransaction ? (['post-transaction'] as const) : []),
  ];

const refuseUnwritable = (failure: Failure | undefined): void => {
  if (failure) throw new FailureError(failure);
};

/** In the view of a trial: kernels are built for, and nothing else of the machine is touched. */
const trialSettings = (settings: Settings, comingPackages: ComingPackages): Settings => {
  const { postTransaction: _line, ...rest } = settings;
  return {
    ...rest,
    isTrial: true,
    comingPackages,
    privateInstallTree: true,
    sandbox: 'strict',
    modprobeOnInstall: false,
    signing: { when: 'false' },
    temporary: join(settings.stateDir, 'tmp'),
  };
};

/** Carry out a request that changes something, or plan it in a dry run. */
export const performChange = async (
  request: Changing,
  given: Settings,
  emit: Emit,
  abort: AbortSignal,
): Promise<Answer> => {
  const settings = request.verb === 'sync' && request.trial ? trialSettings(given, request.trial.coming) : given;
  const dryRun = request.verb === 'sync' && request.dryRun;
  const switches = request.verb === 'sync' ? noSwitches : request.switches;
  if (!dryRun) refuseUnwritable(unwritable(settings));
  return withRun<Answer>(
    settings,
    switches,
    emit,
    abort,
    (run, notes) => (request.verb === 'sync' && dryRun ? planAnswer(run, request, notes) : change(run, notes, request)),
    { follows: followsOf(request, settings), writes: !dryRun },
  );
};
