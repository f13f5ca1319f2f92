import type { BootGuard, BootGuardAnswer, BootHeld, HeldKernel } from '../answers.ts';
import { holdFor } from '../boot/choice.ts';
import { bootLoaders } from '../boot/loaders.ts';
import type { Place } from '../boot/place.ts';
import { type Failure, failureOf } from '../errors.ts';
import { checkLoading, unlistedOn } from '../install/load-check.ts';
import { requiredMissing } from '../jobs/required.ts';
import { bootableKernels, machineArch } from '../kernel/kernel.ts';
import { passedOverBy } from '../plan/kernel-choice.ts';
import { surveyModules } from '../plan/survey.ts';
import type { Emit } from '../progress.ts';
import type { BootGuardRequest } from '../request.ts';
import { noSwitches, type Run } from '../run/run.ts';
import type { Settings } from '../settings.ts';
import { type BootHold, forgetBootHold, readBootHold, writeBootHold } from '../state/boot-hold.ts';
import { dueFor } from '../state/due.ts';
import { bootLockFile } from '../state/paths.ts';
import { lockWaits, takeLock } from '../system/lock.ts';
import { isCleanName } from '../system/names.ts';
import { newestEntries } from '../tree/tree.ts';
import { entriesNow } from './done.ts';
import { withRun } from './with-run.ts';

/**
 * boot_guard: a kernel on which required modules will not load is not booted by default while an older one is there on
 * which they will. Every run that changes something looks again, so that the run that repairs a kernel takes it back.
 */

/** When the guard looks. */
export interface Occasion {
  /** More follows in this transaction: what is missing now may still come, and nobody is told. */
  readonly goesOn: boolean;
  /** Somebody makes the boot loader's menu after us. */
  readonly menuFollows: boolean;
  /** Releases that are about to be removed. */
  readonly leaving: readonly string[];
}

export interface Guarded {
  readonly boot?: BootGuard;
  readonly failures: readonly Failure[];
}

/** What a boot from the initramfs needs is there only when these have ended well. */
const isUnfinished = (run: Run, release: string): boolean =>
  dueFor(run.settings.stateDir, release).some((step) => step === 'depmod' || step === 'initramfs');

const missingOn = async (run: Run, release: string): Promise<readonly string[]> => {
  const { requiredModules } = run.settings;
  if (isUnfinished(run, release)) return requiredModules;
  const kernel = { release, arch: machineArch() };
  const entries = newestEntries(entriesNow(run)).filter(({ module }) => requiredModules.includes(module.name));
  const survey = await surveyModules(run, entries, [kernel]);
  const { failures } = await checkLoading(run, kernel);
  return requiredMissing(run, survey, kernel, [...failures, ...unlistedOn(run, kernel)]);
};

/** The kernels that can be booted and are looked after, the newest first, as far as the first that lacks nothing. */
const kernelsOf = async (run: Run, { leaving }: Occasion): Promise<HeldKernel[]> => {
  const found: HeldKernel[] = [];
  const releases = bootableKernels(run.settings.installTree)
    .filter((release) => isCleanName(release) && !leaving.includes(release))
    .filter((release) => passedOverBy(run.settings, release) === undefined)
    .reverse();
  for (const release of releases) {
    const missing = await missingOn(run, release);
    found.push({ release, missing });
    if (missing.length === 0) break;
  }
  return found;
};

const placeOf = ({ settings, finishing, environment }: Run, { menuFollows }: Occasion): Place => {
  const { LANG, LC_ALL, LANGUAGE } = settings.environment;
  return { settings, processes: finishing, environment: { ...environment, LANG, LC_ALL, LANGUAGE }, menuFollows };
};

/** One thing that fails is a failure of its own. */
const attempt = async (work: () => Promise<Failure | undefined>): Promise<Failure[]> => {
  try {
    const failure = await work();
    return failure ? [failure] : [];
  } catch (error) {
    return [failureOf(error)];
  }
};

const release = async (run: Run, occasion: Occasion, known: BootHold): Promise<Guarded> => {
  const failures: Failure[] = [];
  for (const loader of await bootLoaders(placeOf(run, occasion))) {
    failures.push(...(await attempt(() => loader.release(known))));
  }
  if (failures.length > 0) return { failures };
  forgetBootHold(run.settings.stateDir);
  const releases = known.held.map((kernel) => kernel.release);
  return { failures, ...(known.untold ? {} : { boot: { state: 'released', releases } }) };
};

const sameKernels = (a: readonly HeldKernel[], b: readonly HeldKernel[]): boolean =>
  JSON.stringify(a) === JSON.stringify(b);

const hold = async (run: Run, occasion: Occasion, known: BootHold | undefined, wanted: BootHeld): Promise<Guarded> => {
  const isSame = known !== undefined && known.prefer === wanted.prefer && sameKernels(known.held, wanted.held);
  const at = isSame ? known.at : new Date().toISOString();
  const untold = occasion.goesOn && (known === undefined || known.untold) ? { untold: true as const } : {};
  writeBootHold(run.settings.stateDir, {
    ...wanted,
    at,
    ...untold,
    renamed: known?.renamed ?? [],
    ...(known?.inMenu ? { inMenu: true } : {}),
  });
  const loaders = await bootLoaders(placeOf(run, occasion));
  const failures: Failure[] = [];
  for (const loader of loaders) failures.push(...(await attempt(() => loader.hold(wanted))));
  if (loaders.length === 0) failures.push({ kind: 'boot-guard-failed', problem: { problem: 'no-boot-loader' } });
  if (occasion.goesOn || failures.length > 0) return { failures: occasion.goesOn ? [] : failures };
  return { failures, boot: { state: 'held', ...wanted, loaders: loaders.map(({ name }) => name) } };
};

/** Hold back what has to be, or take back what was. */
const guard = async (run: Run, occasion: Occasion, isOff: boolean): Promise<Guarded> => {
  const known = readBootHold(run.settings.stateDir);
  const kernels = isOff ? [] : await kernelsOf(run, occasion);
  const wanted = holdFor(kernels);
  if (wanted) return hold(run, occasion, known, wanted);
  if (known) return release(run, occasion, known);
  const isNowhere = !occasion.goesOn && kernels.length > 0 && kernels.every(({ missing }) => missing.length > 0);
  return { failures: [], ...(isNowhere ? { boot: { state: 'nowhere', held: kernels } } : {}) };
};

/** Whether there is anything to look at: nothing is, and nothing was held back where the setting is off. */
const isIdle = ({ settings }: Run): boolean =>
  settings.isTrial ||
  settings.privateInstallTree ||
  ((!settings.bootGuard || settings.requiredModules.length === 0) && readBootHold(settings.stateDir) === undefined);

/**
 * Look which kernels lack required modules, and see to what the boot loader boots by default.
 *
 * @param isOff take back whatever is held back
 * @returns what was found; a failure where a kernel may be booted that should not
 */
export const guardBoot = async (run: Run, occasion: Occasion, isOff = false): Promise<Guarded> => {
  if (isIdle(run)) return { failures: [] };
  const { stateDir, bootGuard } = run.settings;
  const owner = { path: bootLockFile(stateDir), owner: 'kmodsort boot-guard', wait: lockWaits.hook };
  const onBusy = (holder: string): void => run.emit({ kind: 'waiting', holder });
  try {
    const lock = await takeLock({ ...owner, onBusy }, run.finishing);
    try {
      return await guard(run, occasion, isOff || !bootGuard);
    } finally {
      await lock.release();
    }
  } catch (error) {
    return { failures: [failureOf(error)] };
  }
};

/** Look now, and say what is held back. */
export const bootGuard = (
  settings: Settings,
  { undo }: BootGuardRequest,
  emit: Emit,
  abort: AbortSignal,
): Promise<BootGuardAnswer> =>
  withRun<BootGuardAnswer>(
    settings,
    noSwitches,
    emit,
    abort,
    async (run) => {
      const found = await guardBoot(run, { goesOn: false, menuFollows: false, leaving: [] }, undo);
      return { kind: 'boot-guarded', isOn: settings.bootGuard && !undo, required: settings.requiredModules, ...found };
    },
    { writes: true },
  );
