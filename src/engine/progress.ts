import type { Failure } from './errors.ts';
import type { Outcome } from './outcome.ts';
import type { Job, Plan } from './plan.ts';
import type { Problem } from './problems.ts';
import type { Kernel, Module } from './request.ts';

/** What the engine says while it works. Data only: every sentence is made in report/. */

/** The steps of a Job in the order in which they run. */
export type Step =
  /** Out of the Store, in place of all up to `check`. */
  | 'take'
  /** From a registry; then out of the Store. */
  | 'fetch'
  | 'copy'
  | 'patch'
  | 'pre-build'
  | 'make'
  | 'check'
  | 'strip'
  | 'sign'
  | 'compress'
  | 'post-build'
  | 'install'
  | 'uninstall';

/** What each kind of remark is about; none changes an outcome. A new one is a row here and one in report/notes.ts. */
export interface Notes {
  'broken-module': { readonly module: Module; readonly source: string };
  'group-writable': { readonly path: string };
  'script-not-executable': { readonly path: string };
  'script-unsafe': { readonly path: string };
  'source-foreign': { readonly path: string; readonly source: string };
  'script-missing': { readonly path: string };
  'script-failed': { readonly path: string; readonly code: number };
  'conf-said': { readonly path: string; readonly text: string };
  'directive-ignored': { readonly path: string; readonly directive: string };
  'no-objects': { readonly module: Module };
  'object-shared': { readonly module: Module; readonly kernel: Kernel; readonly object: string; readonly of: Module };
  recovered: { readonly module: Module; readonly kernel: Kernel };
  /** What a killed run began could not be brought to its end. */
  'not-recovered': { readonly failure: Failure };
  'ended-survivor': { readonly pid: number; readonly module: Module };
  /** A new version could not be made usable: this one stands there again. */
  'put-back': { readonly module: Module; readonly kernel: Kernel };
  'original-restored': { readonly path: string };
  'originals-left': { readonly path: string };
  registered: { readonly module: Module };
  'archive-written': { readonly path: string };
  'removal-cancelled': { readonly module: Module };
  forgotten: { readonly module: Module };
  superseded: { readonly module: Module };
  /** framework.conf has it passed over; `isNew` where it has just come. */
  'kernel-skipped': { readonly release: string; readonly setting: 'kernels' | 'skip_kernels'; readonly isNew: boolean };
  /** No kernel was named, and the one that runs is not this system's. */
  'kernel-chosen': { readonly release: string; readonly running: string };
  'kernel-cleaned': { readonly release: string };
  'record-unwritable': { readonly path: string; readonly detail: string };
  'store-unwritable': { readonly path: string; readonly detail: string };
  /** The store had it, and has it no more: `by` a Builder whose key is revoked by now. */
  'builder-revoked': { readonly module: Module; readonly kernel: Kernel; readonly by: string; readonly key: string };
  /** Why something is built here, although there is a registry. */
  'prebuilt-missing': { readonly module: Module; readonly kernel: Kernel; readonly artifact: string };
  'prebuilt-refused': {
    readonly module: Module;
    readonly kernel: Kernel;
    readonly artifact: string;
    readonly why: Problem;
  };
  /** Without headers, of a prebuilt build: how many of its symbols could not be compared. */
  'symbols-unchecked': {
    readonly module: Module;
    readonly kernel: Kernel;
    readonly symbols: number;
    readonly of: number;
  };
  'registry-failed': { readonly registry: string; readonly why: Problem };
  'not-confined': { readonly why: string };
  'built-unconfined': { readonly module: Module; readonly why: string };
  'not-signed': { readonly module: Module; readonly kernel: Kernel; readonly why: Problem };
  'not-stripped': { readonly module: Module; readonly kernel: Kernel; readonly detail: string };
  'not-compressed': { readonly module: Module; readonly kernel: Kernel; readonly detail: string };
  'key-made': { readonly certificate: string };
  'key-there': { readonly certificate: string };
  /** Secure Boot is on, and the firmware does not know the certificate. */
  'not-enrolled': { readonly certificate: string };
  'enrolment-pending': { readonly certificate: string };
  'symbols-retried': { readonly module: Module };
  /** Words of a hook that came while the program could not start. */
  'queue-taken': { readonly words: string };
  /** Slurm's controller is away, say: it is asked again. */
  'slurm-silent': Record<never, never>;
  /** The run was ended, and its jobs were taken out of the queue. */
  'jobs-cancelled': { readonly count: number; readonly ids: string };
  'stdin-stalled': { readonly seconds: number };
}

/** A remark of a kind. */
export type Note<K extends keyof Notes = keyof Notes> = { [P in K]: { readonly note: P } & Notes[P] }[K];

export type Progress =
  | { readonly kind: 'waiting'; readonly holder: string }
  /** Packages are taken apart for a trial. */
  | { readonly kind: 'unpacking'; readonly packages: readonly string[] }
  /** `atOnce`: how many Jobs may run side by side; 0: all. */
  | { readonly kind: 'planned'; readonly plan: Plan; readonly atOnce: number }
  | { readonly kind: 'started'; readonly job: Job }
  | { readonly kind: 'step'; readonly job: Job; readonly step: Step }
  | {
      readonly kind: 'ended';
      readonly job: Job;
      readonly outcome: Outcome;
      readonly seconds: number;
      /** The machine, where it was another one. */
      readonly on?: string;
    }
  /** What other machines need is where they take it from. */
  | {
      readonly kind: 'sent';
      readonly to: string;
      readonly headers: number;
      readonly sources: number;
      /** Fingerprint of the key that signed. */
      readonly key: string;
    }
  /** Jobs are in the queue of a cluster, by their numbers there. */
  | { readonly kind: 'submitted'; readonly count: number; readonly ids: string }
  | { readonly kind: 'depmod'; readonly release: string }
  | { readonly kind: 'initramfs'; readonly release: string }
  | { readonly kind: 'noted'; readonly note: Note };

export type Emit = (progress: Progress) => void;
