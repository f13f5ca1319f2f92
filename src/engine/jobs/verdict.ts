import type { Row } from '../answers.ts';
import type { Failure } from '../errors.ts';
import { checkLoading, type LoadCheck } from '../install/load-check.ts';
import { isFailedOrBlocked } from '../outcome.ts';
import { findingsOn, needsOn, type Survey } from '../plan/survey.ts';
import { type Kernel, moduleLabel, sameKernel, sameModule } from '../request.ts';
import type { Run } from '../run/run.ts';
import { readRecord, writeRecord } from '../state/record.ts';
import { installedVersion } from '../tree/tree.ts';
import { inputsNow } from './remember.ts';

/**
 * The last look of a sync: will all that stands on the changed Kernels load? What will not has failed; and where a Job
 * has failed, an earlier build may stand there still.
 */

/** One that would not load in an earlier run stands there too, and what it loads with may have come since. */
const isInPlace = ({ outcome }: Row): boolean =>
  outcome.kind === 'installed' ||
  outcome.kind === 'unchanged' ||
  (outcome.kind === 'failed' && outcome.failure.kind === 'will-not-load');

const earlierVersion = (run: Run, { module, kernel }: Row): string | undefined =>
  installedVersion(run.settings.dkmsTree, module.name, kernel);

/**
 * Remembered under its inputs, as a failed build is: the next run says it again and does not build in vain. Only what
 * dkms built, maybe without the symbols of what it needs, is built once by us.
 */
const keep = (run: Run, survey: Survey, row: Row, failure: Failure | undefined): void => {
  const { stateDir } = run.settings;
  const { failure: known, ...record } = readRecord(stateDir, row.module, row.kernel);
  if (!failure) {
    if (known?.failure.kind === 'will-not-load') writeRecord(stateDir, row.module, row.kernel, record);
    return;
  }
  const finding = findingsOn(survey, row.kernel).get(row.module.name);
  const inputs = finding ? inputsNow(run, finding, needsOn(survey, row.kernel, row.module)) : { inputs: '' };
  const isKnown = JSON.stringify(known?.failure) === JSON.stringify(failure);
  const at = known && isKnown ? known.at : new Date().toISOString();
  const transient = record.build?.adopted === true;
  writeRecord(stateDir, row.module, row.kernel, { ...record, failure: { ...inputs, failure, at, transient } });
};

/** Kept with the failure, for those who are told of it later. */
const noteStaying = (run: Run, { module, kernel }: Row, stays: string | undefined): void => {
  const { stateDir } = run.settings;
  const record = readRecord(stateDir, module, kernel);
  if (!record.failure || record.failure.stays === stays) return;
  const { stays: _before, ...failure } = record.failure;
  writeRecord(stateDir, module, kernel, { ...record, failure: { ...failure, ...(stays ? { stays } : {}) } });
};

const withStaying = (run: Run, row: Row, { certain, failures }: LoadCheck): Row => {
  const loads = certain && !failures.some(({ module }) => module.name === row.module.name);
  const stays = loads ? earlierVersion(run, row) : undefined;
  noteStaying(run, row, stays);
  return stays === undefined ? row : { ...row, stays };
};

/** A module of which some objects load works, but for what these do; of one that is required nothing may be missing. */
const inPlaceChecked = (run: Run, survey: Survey, row: Row, check: LoadCheck): Row => {
  const found = check.failures.filter(({ module }) => sameModule(module, row.module));
  const objects = check.objectsOf.get(moduleLabel(row.module)) ?? 0;
  const isPartial = found.length < objects && !run.settings.requiredModules.includes(row.module.name);
  const [first] = found;
  const { outcome } = row;
  if (outcome.kind === 'failed' && !first && !check.certain) return row;
  keep(run, survey, row, isPartial ? undefined : first?.failure);
  const here: Row = outcome.kind === 'failed' ? { ...row, outcome: { kind: 'unchanged' } } : row;
  if (!first) return here;
  if (isPartial) return { ...here, unloadable: { count: found.length, objects, failure: first.failure } };
  const remembered = outcome.kind === 'failed' && outcome.remembered;
  return { ...row, outcome: { kind: 'failed', failure: first.failure, remembered } };
};

const checkKernel = async (run: Run, survey: Survey, kernel: Kernel, rows: readonly Row[]): Promise<Row[]> => {
  const check = await checkLoading(run, kernel);
  return rows.map((row): Row => {
    if (!sameKernel(row.kernel, kernel)) return row;
    if (isInPlace(row)) return inPlaceChecked(run, survey, row, check);
    return isFailedOrBlocked(row.outcome) ? withStaying(run, row, check) : row;
  });
};

const hasChanged = ({ outcome }: Row): boolean => outcome.kind === 'installed' || outcome.kind === 'removed';

/** Has anything changed there, or did something fail that was there before? */
const isWorthALook = (run: Run, kernel: Kernel, rows: readonly Row[]): boolean =>
  rows.some(
    (row) =>
      (row.kernel.release === kernel.release && hasChanged(row)) ||
      (sameKernel(row.kernel, kernel) && isFailedOrBlocked(row.outcome) && earlierVersion(run, row) !== undefined),
  );

/** The rows of a sync, those that are in place and will not load turned into failures. */
export const checkRows = async (run: Run, survey: Survey, rows: readonly Row[]): Promise<Row[]> => {
  let checked = [...rows];
  for (const { kernel } of survey.kernels) {
    if (!run.abort.aborted && isWorthALook(run, kernel, checked)) {
      checked = await checkKernel(run, survey, kernel, checked);
    }
  }
  return checked;
};
