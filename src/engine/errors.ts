/**
 * Why something failed, as data: sentences are made from it in report/, exit codes here.
 */

import type { Problem } from './problems.ts';
import type { Module } from './request.ts';

/** What belongs to a kind of failure, whatever it is about. */
interface KindOfFailure {
  /** The exit code that scripts written for dkms 3.4 test for. */
  readonly exit: number;
  /** Not for good: the next transaction tries again by itself. */
  readonly transient?: true;
  /** Follows from the inputs of the build alone: nobody tries again before they change, but with --force. */
  readonly determined?: true;
}

/** Every kind of failure. A new one is a row here and a row in report/failure-kinds.ts, which the compiler asks for. */
const kinds = {
  'bad-usage': { exit: 2 },
  'tree-unwritable': { exit: 1 },
  'no-permission': { exit: 1, transient: true },
  'lock-busy': { exit: 75, transient: true },
  interrupted: { exit: 130, transient: true },
  'conf-missing': { exit: 9 },
  /** A directory that a command names has no dkms.conf. */
  'no-conf-here': { exit: 1 },
  /** A directory that shall have headers of a kernel, or packages with them, has neither. */
  'no-headers-here': { exit: 1 },
  'conf-unsafe': { exit: 8, transient: true },
  'conf-broken': { exit: 8 },
  'conf-stalled': { exit: 8 },
  'conf-invalid': { exit: 8 },
  'name-mismatch': { exit: 8 },
  'source-missing': { exit: 2 },
  'source-unsafe': { exit: 8, transient: true },
  'source-foreign': { exit: 8, transient: true },
  'source-empty': { exit: 8 },
  'source-broken': { exit: 4 },
  'headers-missing': { exit: 21, transient: true },
  'patch-missing': { exit: 5, determined: true },
  'patch-unsafe': { exit: 5, determined: true },
  'patch-failed': { exit: 6, determined: true },
  'script-failed': { exit: 1, transient: true },
  'compiler-failed': { exit: 10 },
  /** A program that builds for this kernel is not installed. */
  'compiler-missing': { exit: 10, transient: true },
  /** make failed, and the compiler or linker is older than the kernel's. */
  'compiler-older': { exit: 10 },
  /** make failed, and rustc is not the kernel's. Nothing of rustc is part of a Key. */
  'rust-mismatch': { exit: 10, transient: true },
  'modpost-failed': { exit: 10, determined: true },
  /** A command of the conf said nothing for longer than build_limit. */
  'build-stalled': { exit: 10 },
  'make-failed': { exit: 10, transient: true },
  'tool-missing': { exit: 10, transient: true },
  'disk-full': { exit: 10, transient: true },
  'read-only': { exit: 1, transient: true },
  /** Nowhere may a program of ours be run: the file systems are mounted noexec. */
  noexec: { exit: 1, transient: true },
  'memory-short': { exit: 10, transient: true },
  'object-missing': { exit: 7 },
  /** What a confined build left in place of an object is somebody else's file, or none. */
  'object-foreign': { exit: 7 },
  /** sandbox="strict", and this machine refuses what it takes. */
  'not-confined': { exit: 1, transient: true },
  /** A trial builds confined, and this module does not build so. */
  'not-tried': { exit: 1, transient: true },
  'wrong-kernel': { exit: 7, determined: true },
  'kernel-missing': { exit: 6 },
  'pre-install-failed': { exit: 101, transient: true },
  'newer-in-tree': { exit: 6 },
  'depmod-failed': { exit: 6, transient: true },
  nested: { exit: 1, transient: true },
  /** A BUILD_DEPENDS that is not in the dkms tree. */
  'dependency-unknown': { exit: 13 },
  'dependency-circular': { exit: 13 },
  'no-version': { exit: 1 },
  'already-added': { exit: 3 },
  'not-added': { exit: 3 },
  'same-kernel': { exit: 2 },
  'no-template': { exit: 1 },
  'not-built': { exit: 6 },
  'initramfs-failed': { exit: 1, transient: true },
  'post-transaction-failed': { exit: 1, transient: true },
  /** A kernel that lacks required modules may still be booted by default. */
  'boot-guard-failed': { exit: 1, transient: true },
  'archive-missing': { exit: 2 },
  'archive-without-conf': { exit: 3 },
  'archive-malformed': { exit: 7 },
  'archive-known': { exit: 8 },
  'archive-unwritable': { exit: 9 },
  /** rpm did not install an .rpm. */
  'rpm-refused': { exit: 9 },
  /** Binaries were loaded, but the source that belongs to them is not on the machine. */
  'source-not-here': { exit: 1 },
  'no-key': { exit: 1 },
  /** guard_limit is over. */
  'guard-limit': { exit: 1, transient: true },
  /** Nobody knows which packages would come. */
  'no-packages': { exit: 1 },
  /** prebuilt_policy="only", and the registry has no such build. */
  'prebuilt-missing': { exit: 10, transient: true },
  'prebuilt-refused': { exit: 10, transient: true },
  /** The registry does not answer, or not to us. */
  'registry-failed': { exit: 10, transient: true },
  'no-registry': { exit: 2 },
  /** The registry does not have what a build is made from. */
  'input-missing': { exit: 2 },
  'input-refused': { exit: 2 },
  /** Too large, or with links that lead out of it. */
  'input-unfit': { exit: 2 },
  /** Slurm refuses a job, or does not answer. */
  'slurm-failed': { exit: 1, transient: true },
  /** A job of Slurm ended without a word of ours. */
  'job-lost': { exit: 1, transient: true },
  /** Nothing to sign Statements with. */
  'no-push-key': { exit: 1 },
  'nothing-to-push': { exit: 1 },
  /** Nothing that was built and kept is of that module and kernel. */
  'not-in-store': { exit: 1 },
  /** The Store has no build of a dependency with the exports that a dependent was built with. */
  'dependency-not-in-store': { exit: 1 },
  /** Two builds of one module were chosen for one kernel. */
  'packed-twice': { exit: 1 },
  /** Only a machine that has it installed knows the kernel's package. */
  'kernel-owner-unknown': { exit: 1 },
  'load-failed': { exit: 1 },
  /** Installed, and modprobe will refuse it. */
  'will-not-load': { exit: 1, determined: true },
  unexpected: { exit: 1, transient: true },
} as const satisfies Readonly<Record<string, KindOfFailure>>;

/** What failed. */
export type FailureKind = keyof typeof kinds;

/** Whether a word is one. */
export const isFailureKind = (word: string): word is FailureKind => Object.hasOwn(kinds, word);

const factsOf: Readonly<Record<FailureKind, KindOfFailure>> = kinds;

/** Whether the next transaction tries again by itself what failed so. */
export const isTransient = (kind: FailureKind): boolean => factsOf[kind].transient === true;

/** Whether the same inputs will fail so whenever they are built. */
export const isDetermined = ({ kind, determined }: Pick<Failure, 'kind' | 'determined'>): boolean =>
  factsOf[kind].determined === true || determined === true;

/** What helps, of an error that people meet with modules; report/failure-kinds.ts makes a sentence of it. */
export type Hint =
  /** Flags and plugins are of another compiler. */
  'compiler-of-kernel' | 'headers-incomplete' | 'headers-foreign' | 'newer-module' | 'kernel-running';

/** One failure. */
export interface Failure {
  readonly kind: FailureKind;
  /** The file, directory, command or name that it is about. */
  readonly at?: string;
  /** The first line that says why: a compiler's, modpost's, bash's, the system's. */
  readonly detail?: string;
  /** The same where we found it out ourselves. */
  readonly problem?: Problem;
  /** What else is wrong. */
  readonly more?: readonly Problem[];
  /** What helps against what the detail says, where the kind alone does not tell. */
  readonly hint?: Hint;
  /** Of a kind that may have other reasons, too: this one follows from the inputs of the build. */
  readonly determined?: true;
  /** What a Builder has to make. */
  readonly wanted?: { readonly module: Module; readonly release: string };
  /** The command that installs what is missing here. */
  readonly install?: string;
  /** The exit code of a script whose own code counts. */
  readonly code?: number;
  /** The Builder who has tried, where it was not this machine. */
  readonly by?: string;
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

/** Whether an error carries a Failure. By its name: each file of the built program may have this class once more. */
export const isFailureError = (error: unknown): error is FailureError =>
  error instanceof Error && error.name === 'FailureError' && 'failure' in error;

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

/** The same in the words of strerror(3), as the system's programs say them. */
export const saidBySystem = [
  { kind: 'disk-full', pattern: /No space left on device|Disk quota exceeded/ },
  { kind: 'read-only', pattern: /Read-only file system/ },
  { kind: 'memory-short', pattern: /Cannot allocate memory/ },
  { kind: 'no-permission', pattern: /Permission denied|Operation not permitted/ },
] as const satisfies readonly { readonly kind: FailureKind; readonly pattern: RegExp }[];

/** What a program of the system said, as a Failure with the line that says why. */
export const saidFailure = (text: string): Failure => {
  const lines = text.split('\n');
  for (const { kind, pattern } of saidBySystem) {
    const detail = lines.find((line) => pattern.test(line));
    if (detail !== undefined) return { kind, detail };
  }
  const [first] = lines;
  return { kind: 'unexpected', ...(first ? { detail: first } : {}) };
};

/** Any error as a Failure. */
export const failureOf = (error: unknown): Failure => {
  if (isFailureError(error)) return error.failure;
  const detail = error instanceof Error ? error.message : String(error);
  return systemFailure(error) ?? { kind: 'unexpected', detail };
};

/** The exit code of one failure. */
export const exitCodeOf = (failure: Failure): number =>
  failure.kind === 'script-failed' && failure.code ? failure.code : factsOf[failure.kind].exit;
