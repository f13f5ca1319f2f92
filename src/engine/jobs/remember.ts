import { join } from 'node:path';
import type { Row } from '../answers.ts';
import { type Failure, failureOf, isTransient } from '../errors.ts';
import { dependenciesNow } from '../key/dependencies.ts';
import { inputsOf } from '../key/key.ts';
import { withDependencies } from '../key/parts.ts';
import type { Outcome, PassedOver } from '../outcome.ts';
import type { Finding } from '../plan/survey.ts';
import type { Job, Settled } from '../plan.ts';
import type { Kernel } from '../request.ts';
import type { Run } from '../run/run.ts';
import { failureLogFile } from '../state/paths.ts';
import { type KeyParts, readRecord, removeLog, writeRecord } from '../state/record.ts';
import { exists, readDirectory } from '../system/files.ts';
import { copyFile, remove } from '../system/publish.ts';

/** What went wrong in a Job, as a Failure that is kept with its log until the module is repaired. */

/** What a build leaves is only in the way of the next one when the disk is full. */
const freeSpace = (run: Run, job: Job): void => {
  const build = join(run.settings.dkmsTree, job.module.name, job.module.version, 'build');
  for (const name of readDirectory(build).filter((one) => one !== 'make.log')) remove(join(build, name));
};

/** Keep the log where the next build does not delete it. */
const keepLog = (run: Run, job: Job, failure: Failure): Failure => {
  const from = failure.log ?? join(run.settings.dkmsTree, job.module.name, job.module.version, 'build', 'make.log');
  if (!exists(from)) return failure;
  const log = failureLogFile(run.settings.stateDir, job.module, job.kernel);
  copyFile(from, log);
  return { ...failure, log };
};

/** What is still to be done. Headers that may follow are missing until they come: nobody may look at that kernel again. */
const openIn = (outcome: Outcome, kernel: Kernel): Failure | undefined => {
  if (outcome.kind === 'failed') return outcome.remembered ? undefined : outcome.failure;
  const isWaiting = outcome.kind === 'deferred' && outcome.why.reason === 'headers-may-follow';
  return isWaiting ? { kind: 'headers-missing', detail: kernel.release } : undefined;
};

/**
 * What the Plan settled without a Job: a failure is known to `status` and at the login until it is gone, and one that
 * is gone is forgotten. The next transaction looks again by itself.
 */
export const rememberSettled = (run: Run, settled: readonly Settled[]): void => {
  const { stateDir } = run.settings;
  for (const { module, kernel, outcome } of settled) {
    const { failure: known, ...record } = readRecord(stateDir, module, kernel);
    const open = openIn(outcome, kernel);
    if (open) {
      const at = known?.failure.kind === open.kind ? known.at : new Date().toISOString();
      writeRecord(stateDir, module, kernel, { ...record, failure: { inputs: '', failure: open, at, transient: true } });
    }
    if (known && (outcome.kind === 'unchanged' || outcome.kind === 'skipped')) {
      writeRecord(stateDir, module, kernel, record);
    }
  }
};

/** What was passed over; headers that may follow count as missing, and an interrupted run looks again. */
const passedOverIn = (outcome: Outcome): PassedOver | undefined => {
  if (outcome.kind !== 'skipped' && outcome.kind !== 'deferred' && outcome.kind !== 'blocked') return undefined;
  return outcome.why.reason === 'interrupted' || outcome.why.reason === 'headers-may-follow' ? undefined : outcome;
};

/** Why nothing was done for a module is known to `status` until something is. */
export const rememberPassedOver = (run: Run, rows: readonly Row[]): void => {
  const { stateDir } = run.settings;
  for (const { module, kernel, outcome } of rows.filter((row) => row.outcome.kind !== 'removed')) {
    const { passedOver: known, passedOverAt: _, ...record } = readRecord(stateDir, module, kernel);
    const passedOver = passedOverIn(outcome);
    if (JSON.stringify(known) === JSON.stringify(passedOver)) continue;
    const since = passedOver ? { passedOver, passedOverAt: new Date().toISOString() } : {};
    writeRecord(stateDir, module, kernel, { ...record, ...since });
  }
};

/** All that goes into a build, with its dependencies as they are by now. */
export const partsNow = (run: Run, { parts, kernel, hasModversions }: Finding, needs: readonly string[]): KeyParts =>
  withDependencies(parts, dependenciesNow(run, kernel, needs), hasModversions);

/** The same, as a failure is remembered with it. */
export const inputsNow = (
  run: Run,
  finding: Finding,
  needs: readonly string[],
): { readonly inputs: string; readonly parts: KeyParts } => {
  const parts = partsNow(run, finding, needs);
  return { inputs: inputsOf(parts), parts };
};

/**
 * Remember a failure under its inputs, with a copy of its log that the next build does not delete.
 *
 * @param needs names of all that the Module needs
 * @returns the failure with the path of that copy
 */
export const remember = (run: Run, job: Job, finding: Finding, needs: readonly string[], raw: Failure): Failure => {
  try {
    if (raw.kind === 'disk-full') freeSpace(run, job);
    const failure = keepLog(run, job, raw);
    const record = readRecord(run.settings.stateDir, job.module, job.kernel);
    const at = new Date().toISOString();
    writeRecord(run.settings.stateDir, job.module, job.kernel, {
      ...record,
      failure: { ...inputsNow(run, finding, needs), failure, at, transient: isTransient(failure.kind) },
    });
    return failure;
  } catch (error) {
    // A full disk must not hide the failure itself.
    run.note({ note: 'record-unwritable', path: run.settings.stateDir, detail: failureOf(error).detail ?? '' });
    return raw;
  }
};

/** Repaired: nothing is remembered of the failure, nor is its log kept. */
export const forgetFailure = (run: Run, { module, kernel }: Job): void => {
  const { stateDir } = run.settings;
  const { failure, ...record } = readRecord(stateDir, module, kernel);
  if (failure) writeRecord(stateDir, module, kernel, record);
  // On a full disk there may have been room for the log alone.
  removeLog(stateDir, module, kernel);
};
