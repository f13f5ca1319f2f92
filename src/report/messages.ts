import type { BlockReason, DeferReason, Outcome, SkipReason, StoredBuild } from '../engine/outcome.ts';
import type { JobReason } from '../engine/plan.ts';
import type { Step } from '../engine/progress.ts';
import { failureSentence } from './failures.ts';

/** `1 module`, `6 modules`. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** `3.2 s`, `2 min 5 s`. */
export const duration = (seconds: number): string => {
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
};

const twoDigits = (number: number): string => String(number).padStart(2, '0');

/** A moment (ISO 8601) in the time of this place: `2026-11-26 01:38:24`. */
export const localTime = (moment: string): string => {
  const at = new Date(moment);
  if (Number.isNaN(at.getTime())) return moment;
  const day = [at.getFullYear(), at.getMonth() + 1, at.getDate()].map(twoDigits).join('-');
  return `${day} ${[at.getHours(), at.getMinutes(), at.getSeconds()].map(twoDigits).join(':')}`;
};

const day = (moment: string): string => localTime(moment).slice(0, 10);

/** Why a job is done. */
export const jobReason = (why: JobReason): string => {
  switch (why.reason) {
    case 'not-built':
      return 'not built yet';
    case 'not-installed':
      return 'built, but not installed';
    case 'new-version':
      return `${why.installed} is installed`;
    case 'stale':
      return `changed: ${why.changed.join(', ')}`;
    case 'damaged':
      return `missing or modified: ${why.path}`;
    case 'signer-changed':
      return 'changed: the key that signs modules';
    case 'dependency-rebuilt':
      return `${why.dependency} was rebuilt`;
    case 'failed-before':
      return 'failed before';
    case 'asked':
      return 'requested';
    case 'forced':
      return 'forced';
    case 'source-leaving':
      return 'its source is being removed';
    case 'kernel-leaving':
      return 'the kernel is being removed';
  }
};

/** Why a module was passed over. */
const skipReason = (why: SkipReason): string => {
  switch (why.reason) {
    case 'autoinstall-no':
      return 'AUTOINSTALL=no in its dkms.conf';
    case 'no-autoinstall-file':
      return `disabled by ${why.path}`;
    case 'excluded':
      return `excluded on this kernel: ${why.rule}=${why.value}`;
    case 'newer-in-tree':
      return `the kernel itself has this version or a newer one: ${why.path}`;
    case 'newer-installed':
      return `${why.version} is installed and newer: ${why.path}; --force replaces it`;
    case 'interrupted':
      return 'not tried: interrupted';
  }
};

/** Why a module has to wait for a later run. */
const deferReason = (why: DeferReason): string => {
  switch (why.reason) {
    case 'dependency-unknown':
      return `depends on ${why.dependency}, which is not in the dkms tree`;
    case 'dependency-deferred':
      return `depends on ${why.dependency}, which is deferred`;
    case 'headers-may-follow':
      return 'no kernel headers yet; they may still be installed in this transaction';
  }
};

/** Why a module was not tried. */
const blockReason = (why: BlockReason): string => {
  switch (why.reason) {
    case 'dependency-failed':
      return why.root === why.dependency
        ? `not tried: ${why.dependency} failed`
        : `not tried: ${why.dependency} is blocked because ${why.root} failed`;
    case 'dependency-autoinstall-no':
      return `not tried: depends on ${why.dependency}, which has AUTOINSTALL=no`;
    case 'cycle':
      return `not tried: circular dependency: ${why.path.join(' -> ')}`;
  }
};

const storedReason = ({ built, seconds, by }: StoredBuild): string =>
  `${by === undefined ? 'from the store' : `prebuilt by ${by}`} (built ${day(built)} in ${duration(seconds)})`;

/** The reason of an outcome in one line; undefined where the outcome says all. */
export const outcomeReason = (outcome: Outcome): string | undefined => {
  switch (outcome.kind) {
    case 'skipped':
      return skipReason(outcome.why);
    case 'deferred':
      return deferReason(outcome.why);
    case 'blocked':
      return blockReason(outcome.why);
    case 'failed':
      return `${failureSentence(outcome.failure)}${outcome.failure.by === undefined ? '' : `, as on the builder ${outcome.failure.by}`}${outcome.remembered ? ' (in an earlier run; nothing has changed since)' : ''}`;
    case 'installed':
    case 'built':
      return outcome.from && storedReason(outcome.from);
    default:
      return undefined;
  }
};

/** What is being done in a step. */
export const stepSentence: Readonly<Record<Step, string>> = {
  take: 'taking the build out of the store',
  fetch: 'fetching the prebuilt build',
  copy: 'copying the source',
  patch: 'applying patches',
  'pre-build': 'running PRE_BUILD',
  make: 'running make',
  check: 'checking what was built',
  strip: 'stripping',
  sign: 'signing',
  compress: 'compressing',
  'post-build': 'running POST_BUILD',
  install: 'installing',
  uninstall: 'uninstalling',
};

/** What a trial is about. */
export const unpackingSentence = (packages: readonly string[]): string | undefined =>
  packages.length > 0 ? `trying ${counted(packages.length, 'package')}: ${packages.join(', ')}` : undefined;

/** A kernel that is not looked after, by the setting that says so. */
export const kernelSkipped = (release: string, setting: 'kernels' | 'skip_kernels'): string =>
  setting === 'kernels'
    ? `${release}: skipped, it is not among kernels in framework.conf`
    : `${release}: skipped by skip_kernels in framework.conf`;

/** Another process holds a lock. */
export const waitingSentence = (holder: string): string => `waiting for the lock held by ${holder}`;

/** What nobody could compare. */
export const uncheckedSymbols = ({ symbols, of }: { readonly symbols: number; readonly of: number }): string =>
  `${symbols} of ${counted(of, 'symbol')} could not be checked without the kernel's headers`;
