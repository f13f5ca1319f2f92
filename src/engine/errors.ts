/**
 * Why something failed, as data: sentences are made from it in report/messages.ts, exit codes here.
 */

/** What failed. The numbers of exitCodes are the ones that scripts written for dkms test for. */
export type FailureKind =
  | 'bad-usage'
  | 'not-root'
  | 'tree-unwritable'
  | 'no-permission'
  | 'lock-busy'
  | 'interrupted'
  | 'conf-missing'
  | 'conf-unsafe'
  | 'conf-broken'
  | 'conf-stalled'
  | 'conf-invalid'
  | 'name-mismatch'
  | 'source-missing'
  | 'source-unsafe'
  | 'source-empty'
  | 'source-broken'
  | 'headers-missing'
  | 'patch-missing'
  | 'patch-unsafe'
  | 'patch-failed'
  | 'script-failed'
  | 'compiler-failed'
  | 'modpost-failed'
  | 'make-failed'
  | 'tool-missing'
  | 'disk-full'
  | 'read-only'
  | 'memory-short'
  | 'object-missing'
  | 'object-conflict'
  | 'wrong-kernel'
  | 'strip-failed'
  | 'compress-failed'
  | 'kernel-missing'
  | 'pre-install-failed'
  | 'newer-in-tree'
  | 'depmod-failed'
  | 'nested'
  /** A BUILD_DEPENDS that nobody registered. */
  | 'dependency-unknown'
  | 'dependency-circular'
  | 'no-version'
  | 'already-added'
  | 'not-added'
  | 'same-kernel'
  | 'no-template'
  | 'not-built'
  | 'post-transaction-failed'
  | 'archive-missing'
  | 'archive-without-conf'
  | 'archive-malformed'
  | 'archive-known'
  | 'archive-unwritable'
  /** rpm did not install an .rpm. */
  | 'rpm-refused'
  /** Binaries were loaded, but the source that belongs to them is not on the machine. */
  | 'source-not-here'
  | 'no-key'
  | 'load-failed'
  /** Installed, and modprobe will refuse it. */
  | 'will-not-load'
  | 'unexpected';

/** One failure. */
export interface Failure {
  readonly kind: FailureKind;
  /** The file, directory, command or name that it is about. */
  readonly at?: string;
  /** The first line that says why: a compiler's, modpost's, bash's, the system's. */
  readonly detail?: string;
  /** The exit code of a script whose own code counts. */
  readonly code?: number;
  /** Absolute path of the log that was kept. */
  readonly log?: string;
}

/** A Failure on its way up; only what is expected is thrown as one. */
export class FailureError extends Error {
  constructor(readonly failure: Failure) {
    super(`${failure.kind}${failure.at ? ` ${failure.at}` : ''}${failure.detail ? `: ${failure.detail}` : ''}`);
    this.name = 'FailureError';
  }
}

const systemFailures: Readonly<Record<string, FailureKind>> = {
  ENOSPC: 'disk-full',
  EDQUOT: 'disk-full',
  EROFS: 'read-only',
  ENOMEM: 'memory-short',
  EACCES: 'no-permission',
  EPERM: 'no-permission',
};

/** An error of the system (a full disk, a tree that must not be read) as a Failure; undefined for any other. */
export const systemFailure = (error: unknown): Failure | undefined => {
  if (!(error instanceof Error) || !('syscall' in error) || !('code' in error)) return undefined;
  const kind = systemFailures[String(error.code)] ?? 'unexpected';
  const path = 'path' in error && typeof error.path === 'string' ? error.path : undefined;
  return { kind, detail: error.message, ...(path ? { at: path } : {}) };
};

/** Exit codes of dkms 3.4, by kind of failure. */
const exitCodes: Readonly<Record<FailureKind, number>> = {
  'bad-usage': 2,
  'not-root': 1,
  'tree-unwritable': 1,
  'no-permission': 1,
  'lock-busy': 75,
  interrupted: 130,
  'conf-missing': 9,
  'conf-unsafe': 8,
  'conf-broken': 8,
  'conf-stalled': 8,
  'conf-invalid': 8,
  'name-mismatch': 8,
  'source-missing': 2,
  'source-unsafe': 8,
  'source-empty': 8,
  'source-broken': 4,
  'headers-missing': 21,
  'patch-missing': 5,
  'patch-unsafe': 5,
  'patch-failed': 6,
  'script-failed': 1,
  'compiler-failed': 10,
  'modpost-failed': 10,
  'make-failed': 10,
  'tool-missing': 10,
  'disk-full': 10,
  'read-only': 1,
  'memory-short': 10,
  'object-missing': 7,
  'object-conflict': 6,
  'wrong-kernel': 7,
  'strip-failed': 7,
  'compress-failed': 7,
  'kernel-missing': 6,
  'pre-install-failed': 101,
  'newer-in-tree': 6,
  'depmod-failed': 6,
  nested: 1,
  'dependency-unknown': 13,
  'dependency-circular': 13,
  'no-version': 1,
  'already-added': 3,
  'not-added': 3,
  'same-kernel': 2,
  'no-template': 1,
  'not-built': 6,
  'post-transaction-failed': 1,
  'archive-missing': 2,
  'archive-without-conf': 3,
  'archive-malformed': 7,
  'archive-known': 8,
  'archive-unwritable': 9,
  'rpm-refused': 9,
  'source-not-here': 1,
  'no-key': 1,
  'load-failed': 1,
  'will-not-load': 1,
  unexpected: 1,
};

/** The exit code of one failure. */
export const exitCodeOf = (failure: Failure): number =>
  failure.kind === 'script-failed' && failure.code ? failure.code : exitCodes[failure.kind];
