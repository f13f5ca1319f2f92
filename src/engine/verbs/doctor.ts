import type { DoctorAnswer } from '../answers.ts';
import { asFound, cure, examine } from '../doctor/doctor.ts';
import { type View, viewOf } from '../doctor/view.ts';
import { FailureError } from '../errors.ts';
import { hasWeakModules } from '../install/weak-modules.ts';
import type { Emit } from '../progress.ts';
import type { DoctorRequest } from '../request.ts';
import { noSwitches, type Run } from '../run/run.ts';
import type { Settings } from '../settings.ts';
import { isNested } from '../state/nested.ts';
import { runLockFile } from '../state/paths.ts';
import { lockWaits, takeLock } from '../system/lock.ts';
import { openDueOf, openFailuresOf } from './notices.ts';
import { withRun } from './with-run.ts';

/** Finds what is wrong with all that belongs to us, and repairs what can be repaired safely. */

const look = (run: Run): View =>
  viewOf(run, { openFailures: openFailuresOf(run.settings), openDue: openDueOf(run.settings) });

const answerFrom = (view: View, fix: boolean, found: Pick<DoctorAnswer, 'entries' | 'failures'>): DoctorAnswer => ({
  kind: 'examined',
  fix,
  ...found,
  modules: new Set(view.entries.map(({ module }) => module.name)).size,
  kernels: view.releases.length,
  isBusy: view.isBusy,
});

const examineOnly = async (run: Run): Promise<DoctorAnswer> => {
  const view = look(run);
  const { found, failures } = await examine(view);
  return answerFrom(view, false, { entries: asFound(found), failures });
};

/** What is under a lock that somebody left is seen before it is taken. What a run has under way is none of it. */
const repair = async (run: Run): Promise<DoctorAnswer> => {
  const { settings } = run;
  if (isNested(settings.stateDir, settings.environment)) {
    throw new FailureError({ kind: 'nested', at: 'kmodsort doctor --fix' });
  }
  const first = look(run);
  const before = first.isBusy ? [] : (await examine(first)).found;
  const lock = await takeLock(
    {
      path: runLockFile(settings.stateDir),
      owner: 'kmodsort doctor --fix',
      wait: lockWaits.typed,
      onBusy: (holder) => run.emit({ kind: 'waiting', holder }),
    },
    run.processes,
  );
  try {
    return answerFrom(look(run), true, await cure(before, () => look(run)));
  } finally {
    await lock.release();
  }
};

/**
 * Say what is wrong, or repair it under the lock of a run. Without `fix` nothing is changed.
 *
 * @param abort ends the processes that are asked
 */
export const doctor = (
  settings: Settings,
  { fix }: DoctorRequest,
  emit: Emit,
  abort: AbortSignal,
): Promise<DoctorAnswer> =>
  withRun<DoctorAnswer>(settings, noSwitches, emit, abort, (run) => (fix ? repair(run) : examineOnly(run)), {
    follows: () => ['depmod', ...(hasWeakModules(settings) ? (['weak-modules'] as const) : [])],
    writes: fix,
  });
