import type {
  Answer,
  DoctorAnswer,
  GuardAnswer,
  LintAnswer,
  MatrixAnswer,
  Summary,
  TrialAnswer,
  VerifyAnswer,
} from '../engine/answers.ts';
import type { ProducedAnswer, PushAnswer } from '../engine/delivered.ts';
import { diagnosisSeverity } from '../engine/diagnoses.ts';
import { exitCodeOf, type Failure } from '../engine/errors.ts';
import { severityOf } from '../engine/findings.ts';
import { isFailure, isNotTried, isSatisfied } from '../engine/outcome.ts';

/** Whose rules about exit statuses hold: a package manager's, those of a command typed by hand, or dkms's. */
export type ExitPolicy =
  | 'pacman'
  | 'apt'
  | 'rpm'
  | 'boot'
  | 'guard'
  | 'typed'
  | 'dkms'
  | 'dkms-autoinstall'
  | 'dkms-kernel';

/** EX_SOFTWARE of sysexits.h: the program is broken, and has not done what it was asked for. */
export const brokenStatus = 70;

/** EX_TEMPFAIL of sysexits.h: another run holds the lock, or a registry does not answer, and it may be tried again. */
const busyStatus = 75;

const signalNumbers = { SIGINT: 2, SIGTERM: 15 } as const;

const hasFailed = (summary: Pick<Summary, 'rows' | 'failures'>): boolean =>
  summary.failures.length > 0 || summary.rows.some((row) => isFailure(row.outcome) && !isNotTried(row.outcome));

/** A hook of these that ends badly leaves packages half-configured or refuses a removal: never ours to decide. */
const neverFails = (exitPolicy: ExitPolicy): boolean =>
  exitPolicy === 'apt' || exitPolicy === 'rpm' || exitPolicy === 'guard';

/** Their words must not be lost: the shell that started us puts them into the queue, and ends as it has to. */
const isQueued = (exitPolicy: ExitPolicy): boolean =>
  exitPolicy === 'pacman' || exitPolicy === 'apt' || exitPolicy === 'rpm';

const failuresIn = (summary: Summary): Failure[] => [
  ...summary.failures,
  ...summary.rows.flatMap((row) => (row.outcome.kind === 'failed' ? [row.outcome.failure] : [])),
];

/** dkms's own numbers: the first failure's, 77 where the kernel is ruled out. */
const dkmsStatus = (summary: Summary): number => {
  const [first] = failuresIn(summary);
  if (first) return exitCodeOf(first);
  if (hasFailed(summary)) return 1;
  const went = summary.rows.filter((row) => row.outcome.kind !== 'skipped').map((row) => row.kernel.release);
  // What a module needed may have been passed over; only a kernel that got nothing counts.
  const gotNothing = (reason: string): boolean =>
    summary.rows.some(
      ({ outcome, kernel }) =>
        outcome.kind === 'skipped' && outcome.why.reason === reason && !went.includes(kernel.release),
    );
  if (gotNothing('newer-in-tree') || gotNothing('newer-installed')) return 6;
  return gotNothing('excluded') ? 77 : 0;
};

/** A kernel that is not there has no headers either. */
const isWithoutHeaders = ({ kind }: Failure): boolean => kind === 'headers-missing' || kind === 'kernel-missing';

const autoinstallStatus = (summary: Summary): number => {
  if (failuresIn(summary).some(isWithoutHeaders)) return 21;
  return hasFailed(summary) ? 11 : 0;
};

const hadNoLock = (summary: Summary): boolean => summary.failures.some((failure) => failure.kind === 'lock-busy');

/** dkms knows nothing of boot loaders: a package's script must not fail for one. */
const asDkms = (summary: Summary): Summary => ({
  ...summary,
  failures: summary.failures.filter(({ kind }) => kind !== 'boot-guard-failed'),
});

const summaryStatus = (summary: Summary, exitPolicy: ExitPolicy, requiredFailed: boolean): number => {
  if (isQueued(exitPolicy) && hadNoLock(summary)) return busyStatus;
  if (neverFails(exitPolicy)) return 0;
  if (summary.signal) return 128 + signalNumbers[summary.signal];
  if (hadNoLock(summary)) return busyStatus;
  // The journal and the login tell of other failures; the unit itself fails only for what must not be missing.
  if (exitPolicy === 'boot') return requiredFailed ? 1 : 0;
  if (exitPolicy === 'dkms') return dkmsStatus(asDkms(summary));
  if (exitPolicy === 'dkms-autoinstall') return autoinstallStatus(asDkms(summary));
  if (exitPolicy === 'dkms-kernel') return hasFailed(asDkms(summary)) ? 14 : 0;
  return hasFailed(summary) || requiredFailed ? 1 : 0;
};

const isSound = ({ kernels, failures }: VerifyAnswer): boolean =>
  failures.length === 0 &&
  kernels.every((kernel) => kernel.failures.length + kernel.missing.length === 0 && kernel.certain);

/** 0: all that was tried will load. */
const trialStatus = (answer: TrialAnswer | MatrixAnswer, requiredFailed: boolean): number => {
  if (answer.signal) return 128 + signalNumbers[answer.signal];
  return hasFailed(answer) || requiredFailed ? 1 : 0;
};

const isStopped = ({ findings, builds }: GuardAnswer): boolean =>
  findings.some(({ required }) => required) || builds.some(({ verdict }) => verdict === 'stop');

/** Warnings are for people to weigh; what could not be read was not found sound. */
const hasErrors = ({ findings, failures }: LintAnswer): boolean =>
  failures.length > 0 || findings.some((finding) => severityOf(finding) === 'error');

/** What is repaired is right again. */
const isIll = ({ entries, failures }: DoctorAnswer): boolean =>
  failures.length > 0 ||
  entries.some(({ diagnosis, isRepaired }) => !isRepaired && diagnosisSeverity(diagnosis) === 'error');

const isPushed = ({ entries, failures }: PushAnswer): boolean =>
  failures.length === 0 && entries.every(({ state }) => state !== 'damaged');

/** 0: what needs it may be built. EX_TEMPFAIL: nobody knows yet, for the registry was of no use. */
const producedStatus = ({ outcome, failures, signal }: ProducedAnswer): number => {
  if (signal) return 128 + signalNumbers[signal];
  const all = outcome.kind === 'failed' ? [...failures, outcome.failure] : failures;
  if (all.some(({ kind }) => kind === 'registry-failed')) return busyStatus;
  return failures.length === 0 && isSatisfied(outcome) ? 0 : 1;
};

/** The exit status of a run that ended with an Answer. */
export const exitStatus = (
  answer: Answer,
  exitPolicy: ExitPolicy,
  { requiredFailed }: { readonly requiredFailed: boolean },
): number => {
  if (answer.kind === 'summary') return summaryStatus(answer, exitPolicy, requiredFailed);
  if (answer.kind === 'trial' || answer.kind === 'matrix') return trialStatus(answer, requiredFailed);
  if (answer.kind === 'guarded') return isStopped(answer) ? 1 : 0;
  if (answer.kind === 'boot-guarded') return answer.failures.length > 0 || answer.boot?.state === 'nowhere' ? 1 : 0;
  if (answer.kind === 'verified') return isSound(answer) ? 0 : 1;
  if (answer.kind === 'linted') return hasErrors(answer) ? 1 : 0;
  if (answer.kind === 'examined') return isIll(answer) ? 1 : 0;
  if (answer.kind === 'pushed') return isPushed(answer) ? 0 : 1;
  if (answer.kind === 'produced') return producedStatus(answer);
  if (answer.kind === 'packed') return answer.failures.length === 0 ? 0 : 1;
  if (answer.kind === 'store') return answer.action === 'verify' && answer.entries.length > 0 ? 1 : 0;
  return answer.kind === 'nothing' ? 1 : 0;
};

/** The exit status of a run that could not even begin. Wrong words in a hook are a mistake of whoever wrote it. */
export const failureStatus = (failure: Failure, exitPolicy: ExitPolicy): number => {
  if (failure.kind === 'bad-usage') return exitCodeOf(failure);
  if (neverFails(exitPolicy)) return 0;
  return exitPolicy === 'pacman' ? 1 : exitCodeOf(failure);
};

/** The exit status after an error that nobody foresaw. */
export const unexpectedStatus = (exitPolicy: ExitPolicy): number => {
  if (isQueued(exitPolicy)) return brokenStatus;
  return exitPolicy === 'guard' ? 0 : 1;
};
