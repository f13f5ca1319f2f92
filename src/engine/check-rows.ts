import type { Failure } from './errors.ts';
import { inputsKey } from './fingerprint.ts';
import { checkLoading } from './load-check.ts';
import type { Row } from './progress.ts';
import { readRecord, writeRecord } from './record.ts';
import type { Kernel } from './request.ts';
import type { Run } from './run.ts';
import { sameKernel } from './scope.ts';
import { dependenciesNow, needsOn, type Survey } from './survey.ts';

/** The last look of a sync: will all that stands on the changed Kernels load? What will not has failed. */

const isInPlace = (row: Row): boolean => row.outcome.kind === 'installed' || row.outcome.kind === 'unchanged';

/** Remembered under its inputs, as a failed build is: the next hook says it again and does not try in vain. */
const keep = (run: Run, survey: Survey, row: Row, failure: Failure | undefined): void => {
  const { stateDir } = run.settings;
  const { failure: known, ...record } = readRecord(stateDir, row.module, row.kernel);
  if (!failure) {
    if (known?.failure.kind === 'will-not-load') writeRecord(stateDir, row.module, row.kernel, record);
    return;
  }
  const finding = survey.findings.get(row.kernel)?.get(row.module.name);
  const now = dependenciesNow(run, row.kernel, needsOn(survey, row.kernel, row.module));
  const inputs = finding ? inputsKey(row.module, finding.fingerprint, now) : '';
  const at = new Date().toISOString();
  writeRecord(stateDir, row.module, row.kernel, { ...record, failure: { inputs, failure, at, transient: false } });
};

const checkKernel = async (run: Run, survey: Survey, kernel: Kernel, rows: readonly Row[]): Promise<Row[]> => {
  const { failures } = await checkLoading(run, kernel);
  return rows.map((row): Row => {
    if (!sameKernel(row.kernel, kernel) || !isInPlace(row)) return row;
    const { name, version } = row.module;
    const found = failures.find(({ module }) => module.name === name && module.version === version);
    keep(run, survey, row, found?.failure);
    return found ? { ...row, outcome: { kind: 'failed', failure: found.failure, remembered: false } } : row;
  });
};

/** The rows of a sync, those that are in place and will not load turned into failures. */
export const checkRows = async (run: Run, survey: Survey, rows: readonly Row[]): Promise<Row[]> => {
  let checked = [...rows];
  for (const kernel of survey.findings.keys()) {
    if (run.touched.has(kernel.release) && !run.abort.aborted)
      checked = await checkKernel(run, survey, kernel, checked);
  }
  return checked;
};
