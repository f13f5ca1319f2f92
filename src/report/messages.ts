import type { BlockReason, DeferReason, Outcome, SkipReason } from '../engine/outcome.ts';
import type { JobReason } from '../engine/plan.ts';
import type { Note, Step } from '../engine/progress.ts';
import { moduleLabel } from '../engine/request.ts';
import { failureSentence } from './failures.ts';

/** `1 module`, `6 modules`. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** `3.2 s`, `2 min 5 s`. */
export const duration = (seconds: number): string => {
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
};

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
      return `missing or altered: ${why.path}`;
    case 'dependency-rebuilt':
      return `${why.dependency} is rebuilt`;
    case 'failed-before':
      return 'failed before';
    case 'asked':
      return 'asked for';
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
      return 'its dkms.conf says AUTOINSTALL=no';
    case 'no-autoinstall-file':
      return `switched off by ${why.path}`;
    case 'excluded':
      return `not for this kernel: ${why.rule}=${why.value}`;
    case 'newer-in-tree':
      return `the kernel has this version or a newer one itself: ${why.path}`;
    case 'interrupted':
      return 'not tried: the run was ended';
  }
};

/** Why a module has to wait for a later run. */
const deferReason = (why: DeferReason): string => {
  switch (why.reason) {
    case 'dependency-unknown':
      return `needs ${why.dependency}, which is not registered`;
    case 'dependency-deferred':
      return `needs ${why.dependency}, which is deferred`;
    case 'headers-may-follow':
      return 'no headers yet; they may still come in this transaction';
    case 'lock-busy':
      return `another run did not end in time${why.holder ? `: ${why.holder}` : ''}`;
  }
};

/** Why a module was not tried. */
const blockReason = (why: BlockReason): string => {
  switch (why.reason) {
    case 'dependency-failed':
      return why.root === why.dependency
        ? `not tried: ${why.dependency} failed`
        : `not tried: ${why.dependency} is blocked, because ${why.root} failed`;
    case 'dependency-autoinstall-no':
      return `not tried: needs ${why.dependency}, whose dkms.conf says AUTOINSTALL=no`;
    case 'cycle':
      return `not tried: the modules need each other: ${why.path.join(' -> ')}`;
  }
};

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
      return `${failureSentence(outcome.failure)}${outcome.remembered ? ' (in an earlier run; nothing has changed since)' : ''}`;
    default:
      return undefined;
  }
};

/** What is being done in a step. */
export const stepSentence: Readonly<Record<Step, string>> = {
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

/** A remark. */
export const noteSentence = (note: Note): string => {
  switch (note.note) {
    case 'broken-module':
      return `${moduleLabel(note.module)} is broken and left alone: its source is not there: ${note.source}`;
    case 'group-writable':
      return `warning: a group may write ${note.path}`;
    case 'script-not-executable':
      return `warning: not run, because it is not executable: ${note.path}`;
    case 'script-unsafe':
      return `warning: everybody may write ${note.path}`;
    case 'script-missing':
      return `warning: dkms.conf names a script that is not there: ${note.path}`;
    case 'script-failed':
      return `warning: ${note.path} failed with exit code ${note.code}`;
    case 'conf-said':
      return `${note.path} said: ${note.text.trimEnd()}`;
    case 'directive-ignored':
      return `${note.path}: ${note.directive} has no effect any more`;
    case 'no-objects':
      return `warning: the dkms.conf of ${moduleLabel(note.module)} names no objects`;
    case 'recovered':
      return `put in order what a killed run had left of ${moduleLabel(note.module)}, ${note.kernel.release}`;
    case 'ended-survivor':
      return `ended a build of ${moduleLabel(note.module)} that a killed run had left (process ${note.pid})`;
    case 'original-restored':
      return `the kernel's own module is back: ${note.path}`;
    case 'originals-left':
      return `warning: the kernel's own modules were left in place: ${note.path}`;
    case 'registered':
      return `${moduleLabel(note.module)} registered`;
    case 'archive-written':
      return `wrote ${note.path}`;
    case 'removal-cancelled':
      return `${moduleLabel(note.module)} stays: it was added in this same rpm transaction`;
    case 'successor-awaited':
      return `${moduleLabel(note.module)} stays until the version that follows it is installed`;
    case 'forgotten':
      return `${moduleLabel(note.module)} forgotten`;
    case 'kernel-cleaned':
      return `cleaned up after the removed kernel ${note.release}`;
    case 'record-unwritable':
      return `warning: cannot remember this run in ${note.path}: ${note.detail}`;
    case 'not-signed':
      return `warning: ${moduleLabel(note.module)}, ${note.kernel.release} is not signed: ${note.detail}`;
    case 'key-made':
      return `made a new key to sign modules with, certificate ${note.certificate}`;
    case 'key-there':
      return `the key is there already, certificate ${note.certificate}`;
    case 'not-enrolled':
      return `warning: Secure Boot is on and will refuse the modules: enrol the certificate with: mokutil --import ${note.certificate}`;
    case 'symbols-retried':
      return `${moduleLabel(note.module)}: tried once more with the symbols on the make command line`;
    case 'queue-taken':
      return `taking up what had to wait: ${note.words}`;
    case 'initramfs-failed':
      return `warning: the initramfs of ${note.release} may lack the new modules: '${note.command}' failed, see ${note.log}`;
    case 'stdin-stalled':
      return `warning: stdin neither ended nor brought anything for ${note.seconds} s; going on without the rest`;
  }
};

/** Somebody else is at work. */
export const waitingSentence = (holder: string): string =>
  `waiting for another run to end${holder ? `: ${holder}` : ''}`;
