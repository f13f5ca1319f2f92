import type { Failure, FailureKind } from '../engine/errors.ts';
import { oneLine } from './one-line.ts';

const on = (failure: Failure, said: string): string => (failure.at ? `${said}: ${failure.at}` : said);
const at = (failure: Failure): string => failure.at ?? '';

/** What failed, for every kind. */
const sentences: Readonly<Record<FailureKind, (failure: Failure) => string>> = {
  'bad-usage': (f) => on(f, 'wrong usage'),
  'not-root': () => 'this needs root',
  'tree-unwritable': (f) => on(f, 'no permission to write'),
  'no-permission': (f) => on(f, 'no permission'),
  'lock-busy': () => 'another run did not end in time',
  interrupted: () => 'ended by a signal',
  'conf-missing': (f) => on(f, 'there is no dkms.conf'),
  'conf-unsafe': (f) => on(f, 'refused, because everybody may write it'),
  'conf-broken': (f) => on(f, 'bash cannot read the file'),
  'conf-stalled': (f) => on(f, 'the file did not come to an end in time'),
  'conf-invalid': (f) => on(f, 'the settings are not valid'),
  'name-mismatch': (f) => on(f, 'dkms.conf names another module or version than its directory'),
  'source-missing': (f) => on(f, 'the source directory is missing'),
  'source-unsafe': (f) => on(f, 'refused, because everybody may write the source directory'),
  'source-empty': (f) => on(f, 'the source directory is empty'),
  'source-broken': (f) => on(f, 'the source is registered but not there'),
  'headers-missing': (f) => on(f, `no headers${f.detail ? ` of ${f.detail}` : ''}`),
  'patch-missing': (f) => on(f, 'a patch is missing'),
  'patch-unsafe': (f) => on(f, 'a patch is not inside its directory'),
  'patch-failed': (f) => on(f, 'a patch does not apply'),
  'script-failed': (f) => on(f, `a script of the module failed${f.code ? ` with exit code ${f.code}` : ''}`),
  'compiler-failed': () => 'the compiler found an error',
  'modpost-failed': () => 'modpost found an error in the symbols',
  'make-failed': () => 'make failed',
  'tool-missing': (f) => on(f, 'a program that is needed is missing'),
  'disk-full': (f) => on(f, 'no space is left'),
  'read-only': (f) => on(f, 'the file system is read-only'),
  'memory-short': () => 'memory ran out',
  'object-missing': (f) => on(f, 'the build did not make an object that dkms.conf names'),
  'object-conflict': (f) => on(f, 'two modules would install the same object'),
  'wrong-kernel': (f) => on(f, 'the object was built for another kernel'),
  'strip-failed': (f) => on(f, 'strip failed'),
  'compress-failed': (f) => on(f, 'compressing failed'),
  'kernel-missing': (f) => on(f, 'the kernel has no directory of modules'),
  'pre-install-failed': (f) => on(f, 'PRE_INSTALL refused the installation'),
  'newer-in-tree': (f) => on(f, 'the kernel has this version or a newer one itself'),
  'depmod-failed': (f) => on(f, 'depmod failed'),
  nested: (f) => on(f, 'refused inside a build of the same module'),
  'dependency-unknown': (f) => `it needs ${at(f)}, which is not registered`,
  'dependency-circular': (f) => on(f, 'its dependencies go round in a circle'),
  'no-version': (f) => on(f, 'the module and its version are needed, as NAME/VERSION'),
  'already-added': (f) => on(f, 'it is registered already'),
  'not-added': (f) => on(f, 'it is not registered'),
  'same-kernel': (f) => on(f, 'the template kernel and the kernel are the same'),
  'no-template': () => 'match needs --templatekernel',
  'not-built': (f) => on(f, 'it is not built'),
  'archive-missing': (f) => on(f, 'there is no such archive'),
  'archive-without-conf': (f) => on(f, 'the archive has no dkms.conf in it'),
  'archive-malformed': (f) => on(f, 'the archive is refused'),
  'archive-known': (f) => on(f, 'the module in the archive is registered already'),
  'archive-unwritable': (f) => on(f, 'the archive cannot be written'),
  'rpm-refused': (f) => on(f, 'rpm did not install the package'),
  'source-not-here': (f) => on(f, 'loaded, but the source that belongs to it is not on this machine'),
  'no-key': (f) => on(f, 'there is no key to sign modules with'),
  'post-transaction-failed': (f) => on(f, `post_transaction ended with ${f.code ?? 'an error'}`),
  'will-not-load': (f) => on(f, 'installed, but it will not load'),
  'load-failed': (f) => on(f, 'modprobe could not load the module'),
  unexpected: (f) => on(f, 'an error that was not foreseen'),
};

/** Commands that help, for the kinds for which there is one. */
const helps: Partial<Readonly<Record<FailureKind, (failure: Failure) => string | undefined>>> = {
  'bad-usage': () => 'kmodsort --help',
  'not-root': () => 'run it again with sudo',
  'tree-unwritable': () => 'run it again with sudo, or name another tree',
  'no-permission': () => 'run it again with sudo',
  'lock-busy': () => 'run it again when the other run has ended',
  'conf-unsafe': (f) => `chmod o-w ${at(f)}`,
  'source-unsafe': (f) => `chmod o-w ${at(f)}`,
  'conf-broken': (f) => (f.at ? `bash -n ${f.at}` : undefined),
  'headers-missing': (f) => `install the package with the headers of ${f.detail ?? 'this kernel'}`,
  'conf-missing': () => 'install the package of the module again',
  'conf-invalid': (f) => `correct ${at(f)}, then: kmodsort plan`,
  'conf-stalled': (f) => `correct ${at(f)}, then: kmodsort plan`,
  'name-mismatch': (f) => `correct PACKAGE_NAME and PACKAGE_VERSION in ${at(f)}, or rename its directory`,
  'source-broken': (f) => `mount or install the source again${f.detail ? ` at ${f.detail}` : ''}`,
  'source-empty': () => 'install the package of the module again',
  'patch-missing': () => 'install the package of the module again',
  'tool-missing': (f) => (f.at ? `install the package that brings ${f.at}` : undefined),
  'disk-full': () => 'df -h',
  'depmod-failed': (f) => (f.at && !f.at.startsWith('/') ? `depmod ${f.at}` : undefined),
  'kernel-missing': () => 'install the kernel package again',
  'dependency-unknown': (f) => `install the package of ${at(f)}, or say --force`,
  'dependency-circular': () => 'say --force, or mend BUILD_DEPENDS in the dkms.conf files',
  'archive-known': () => 'say --force to replace it',
  'not-added': (f) => `dkms add ${at(f)}`,
  'already-added': (f) => (f.at?.startsWith('/') ? 'say --force to replace it' : `dkms remove ${at(f)} --all`),
  'will-not-load': () => 'kmodsort sync',
  'no-template': () => 'dkms match --templatekernel KERNEL -k KERNEL',
};

/** Kinds whose sentence has said the detail already. */
const saysDetail: ReadonlySet<FailureKind> = new Set(['headers-missing']);

/** What failed, without the reason. */
export const failureSentence = (failure: Failure): string => sentences[failure.kind](failure);

/** Why, in the first line of whoever knows; undefined where the sentence says all. */
export const failureDetail = (failure: Failure): string | undefined =>
  failure.detail && !saysDetail.has(failure.kind) ? failure.detail.trim() : undefined;

/** What failed and why, in one line. */
export const failureInOneLine = (failure: Failure): string => {
  const detail = failureDetail(failure);
  return detail === undefined ? failureSentence(failure) : `${failureSentence(failure)}: ${detail}`;
};

/** The command, or the deed, that helps. */
export const failureHelp = (failure: Failure): string | undefined => helps[failure.kind]?.(failure);

/** A failure of the whole run as people read it: what failed, where, why, and what helps. */
export const failureText = (failure: Failure): string => {
  const lines = [oneLine(`kmodsort: ${failureInOneLine(failure)}`)];
  if (failure.log) lines.push(`  log   ${failure.log}`);
  const help = failureHelp(failure);
  if (help) lines.push(`  help  ${help}`);
  return `${lines.join('\n')}\n`;
};

/** An option that is taken for the sake of old scripts. */
export const ignoredText = (option: string): string => `kmodsort: ${option} has no effect any more\n`;

/** An error that nobody foresaw, with all that is known about it. */
export const unexpectedText = (error: unknown): string =>
  `kmodsort: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`;
