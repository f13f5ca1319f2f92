import type { Severity } from './findings.ts';
import type { Kernel, Module } from './request.ts';

/** What `doctor` finds wrong on a machine, as data: report/doctor.ts makes sentences of it. */

/**
 * The code of each diagnosis and how bad it is. A new one is a row here, one in report/doctor.ts and a section in
 * docs/doctor.md. A warning is something to know: it does not count for the exit status.
 */
export const diagnosisSeverities = {
  'source-missing': 'error',
  'entry-unregistered': 'error',
  'entry-empty': 'error',
  'installed-link-broken': 'error',
  'kernel-gone': 'error',
  'kernel-absent': 'warning',
  'files-left': 'error',
  'installed-missing': 'error',
  'installed-differs': 'error',
  'object-missing': 'error',
  'original-left': 'error',
  'weak-link-broken': 'error',
  'record-left': 'error',
  'record-unreadable': 'error',
  'log-left': 'error',
  'mark-left': 'error',
  'trial-outdated': 'warning',
  'memory-left': 'warning',
  'rpm-mark-left': 'warning',
  'journal-open': 'error',
  'journal-unreadable': 'error',
  'temporary-left': 'error',
  'lock-stale': 'error',
  'due-left': 'error',
  'due-open': 'error',
  'notice-outdated': 'error',
  'queue-old': 'error',
  'artifact-unreadable': 'error',
  'world-writable': 'error',
  'foreign-owner': 'error',
  'disk-full': 'error',
  'read-only': 'error',
  'key-mismatch': 'error',
  'key-missing': 'error',
  'key-readable': 'error',
  'certificate-expired': 'error',
  'certificate-not-enrolled': 'error',
  'enrolment-pending': 'warning',
  'foreign-hook': 'error',
  'hook-missing': 'error',
  'hook-not-executable': 'error',
  'package-changed': 'error',
  'conffile-changed': 'warning',
  'boot-guard-idle': 'error',
  'boot-loader-missing': 'error',
  'boot-hold-outdated': 'error',
  'boot-hold-unreadable': 'error',
  'setting-misspelt': 'error',
  'setting-unknown': 'warning',
  'setting-invalid': 'error',
  'required-unknown': 'error',
  'unconfined-unknown': 'warning',
  stale: 'warning',
  'failure-remembered': 'warning',
} as const satisfies Readonly<Record<string, Severity>>;

export type DiagnosisCode = keyof typeof diagnosisSeverities;

interface OfModule {
  readonly module: Module;
}

interface OnKernel extends OfModule {
  readonly kernel: Kernel;
}

interface OfRelease {
  readonly release: string;
}

/** Nothing to say but the path. */
type PathOnly = object;

interface OfSetting {
  /** From 1; missing where the file does not say it in one line. */
  readonly line?: number;
  readonly name: string;
}

/** What each has to say besides the path. */
interface DiagnosisFacts {
  /** Where its source should be. */
  'source-missing': OfModule & { readonly source: string };
  /** `isUsable`: its source directory is there, and may be used. */
  'entry-unregistered': OfModule & { readonly source: string; readonly isUsable: boolean };
  'entry-empty': OfModule;
  'installed-link-broken': OnKernel;
  'kernel-gone': OnKernel;
  'kernel-absent': OnKernel;
  /** `isKnown`: the module has an entry. */
  'files-left': OnKernel & { readonly isKnown: boolean };
  'installed-missing': OnKernel;
  'installed-differs': OnKernel;
  'object-missing': OnKernel;
  'original-left': { readonly name: string; readonly kernel: Kernel };
  'weak-link-broken': PathOnly;
  'record-left': OnKernel & { readonly gone: 'module' | 'kernel' };
  'record-unreadable': PathOnly;
  'log-left': PathOnly;
  'mark-left': PathOnly;
  'trial-outdated': OfRelease;
  /** `gone`: a kernel's release, or a directory. */
  'memory-left': { readonly gone: string };
  'rpm-mark-left': PathOnly;
  'journal-open': OnKernel & { readonly action: 'install' | 'uninstall' };
  'journal-unreadable': PathOnly;
  'temporary-left': PathOnly;
  'lock-stale': { readonly holder: string };
  'due-left': OfRelease;
  'due-open': OfRelease & { readonly steps: readonly string[] };
  /** `release`: of the kernel that is gone; none of the login's. */
  'notice-outdated': { readonly release?: string };
  'queue-old': PathOnly;
  'artifact-unreadable': PathOnly;
  'world-writable': PathOnly;
  'foreign-owner': { readonly uid: number };
  'disk-full': { readonly bytes: number };
  'read-only': PathOnly;
  'key-mismatch': { readonly certificate: string };
  'key-missing': { readonly certificate: string };
  'key-readable': { readonly mode: number };
  'certificate-expired': PathOnly;
  'certificate-not-enrolled': PathOnly;
  'enrolment-pending': PathOnly;
  'foreign-hook': PathOnly;
  'hook-missing': PathOnly;
  'hook-not-executable': PathOnly;
  /** `check`: the command that said so. */
  'package-changed': { readonly check: string };
  'conffile-changed': { readonly check: string };
  'boot-guard-idle': OfSetting;
  'boot-loader-missing': OfSetting;
  /** `held`: releases; `why` it is out of date. */
  'boot-hold-outdated': { readonly held: readonly string[]; readonly why: 'off' | 'gone' };
  'boot-hold-unreadable': PathOnly;
  'setting-misspelt': OfSetting & { readonly meant: string };
  'setting-unknown': OfSetting;
  'setting-invalid': OfSetting & { readonly value: string; readonly wants: string };
  'required-unknown': OfSetting & { readonly word: string };
  'unconfined-unknown': OfSetting & { readonly word: string };
  stale: OnKernel & { readonly changed: readonly string[] };
  'failure-remembered': OnKernel;
}

/** One thing that is wrong; `path` is what it is about, absolute. */
export type Diagnosis<C extends DiagnosisCode = DiagnosisCode> = {
  [K in C]: { readonly code: K; readonly path: string } & DiagnosisFacts[K];
}[C];

/** The facts of one code, for the tables of sentences. */
export type FactsOf<C extends DiagnosisCode> = { readonly path: string } & DiagnosisFacts[C];

export const diagnosisSeverity = ({ code }: Pick<Diagnosis, 'code'>): Severity => diagnosisSeverities[code];
