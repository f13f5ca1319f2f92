import type { DoctorAnswer, DoctorEntry } from '../engine/answers.ts';
import { type Diagnosis, type DiagnosisCode, diagnosisSeverities, diagnosisSeverity } from '../engine/diagnoses.ts';
import { sentences } from './diagnoses.ts';
import { failureInOneLine } from './failures.ts';
import { counted } from './messages.ts';

/** What doctor finds: a line for each, what repairs it or has, and a summary. */

const reasonOf = <C extends DiagnosisCode>(diagnosis: Diagnosis<C>): string => {
  const { code }: { readonly code: C } = diagnosis;
  return sentences[code].reason(diagnosis);
};

const byHandOf = <C extends DiagnosisCode>(diagnosis: Diagnosis<C>): string => {
  const { code }: { readonly code: C } = diagnosis;
  return sentences[code].byHand?.(diagnosis) ?? 'kmodsort doctor --fix';
};

const repairOf = <C extends DiagnosisCode>({ code }: Pick<Diagnosis<C>, 'code'>): readonly [string, string] =>
  sentences[code].repair ?? ['repairs it', 'repaired it'];

const isCode = (value: unknown): value is DiagnosisCode =>
  typeof value === 'string' && Object.hasOwn(diagnosisSeverities, value);

/** Whether a part of a document is an entry of a doctor's answer. */
export const isDoctorEntry = (value: unknown): value is DoctorEntry =>
  value instanceof Object &&
  'canRepair' in value &&
  'diagnosis' in value &&
  value.diagnosis instanceof Object &&
  'code' in value.diagnosis &&
  isCode(value.diagnosis.code);

/** What repairs it, or did; why it is left. */
const remedyOf = ({ diagnosis, canRepair, isRepaired, failure }: DoctorEntry): string => {
  if (isRepaired === true) return `repaired  ${canRepair ? repairOf(diagnosis)[1] : 'went with another repair'}`;
  if (failure) return `left  ${failureInOneLine(failure)}`;
  if (isRepaired === false) return `left  ${byHandOf(diagnosis)}`;
  return canRepair ? `fix  kmodsort doctor --fix ${repairOf(diagnosis)[0]}` : `fix  ${byHandOf(diagnosis)}`;
};

/** An entry as programs get it: flat, with what people read. */
export const doctorEntry = (entry: DoctorEntry): object => {
  const { diagnosis, ...rest } = entry;
  return {
    ...diagnosis,
    severity: diagnosisSeverity(diagnosis),
    reason: reasonOf(diagnosis),
    remedy: remedyOf(entry).replace(/^\w+ {2}/, ''),
    ...rest,
  };
};

const entryLines = (entry: DoctorEntry): string[] => {
  const { diagnosis } = entry;
  const isWarning = diagnosisSeverity(diagnosis) === 'warning';
  return [`${diagnosis.code}: ${isWarning ? 'warning: ' : ''}${reasonOf(diagnosis)}`, `  ${remedyOf(entry)}`];
};

const total = ({ fix, entries, modules, kernels }: DoctorAnswer): string => {
  const looked = `${counted(modules, 'module')}, ${counted(kernels, 'kernel')}`;
  if (entries.length === 0) return `doctor: nothing wrong: ${looked}`;
  const found = counted(entries.length, 'finding');
  if (fix) {
    const repaired = entries.filter(({ isRepaired }) => isRepaired).length;
    const left = entries.length - repaired;
    return `doctor: ${found}: ${[...(repaired > 0 ? [`${repaired} repaired`] : []), ...(left > 0 ? [`${left} left`] : [])].join(', ')}`;
  }
  const repairable = entries.filter(({ canRepair }) => canRepair).length;
  return repairable > 0
    ? `doctor: ${found}, ${repairable} can be repaired: kmodsort doctor --fix`
    : `doctor: ${found}, none that --fix repairs`;
};

/** Findings, what could not be looked at, and a summary. */
export const doctorLines = (answer: DoctorAnswer): string[] => {
  const { entries, failures, isBusy } = answer;
  const [first] = entries.filter(({ isRepaired }) => !isRepaired);
  return [
    ...entries.flatMap(entryLines),
    ...failures.map((failure) => `doctor: FAILED: ${failureInOneLine(failure)}`),
    ...(isBusy ? ['doctor: another run is at work: what it may have half done was not looked at'] : []),
    failures.length > 0 && entries.length === 0 ? 'doctor: not all could be looked at' : total(answer),
    ...(first
      ? [`doctor: codes are explained in docs/doctor.md#${first.diagnosis.code} (/usr/share/doc/kmodsort/doctor.md)`]
      : []),
  ];
};
