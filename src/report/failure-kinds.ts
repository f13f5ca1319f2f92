import type { Failure, FailureKind, Hint } from '../engine/errors.ts';
import { moduleLabel } from '../engine/request.ts';

/** What is said of each kind of failure. */

const on = (failure: Failure, said: string): string => (failure.at ? `${said}: ${failure.at}` : said);
const at = (failure: Failure): string => failure.at ?? '';

const compilerOrLinker = (failure: Failure): string => (at(failure).startsWith('ld') ? 'linker' : 'compiler');

const loginAt = (registry: string): string =>
  `skopeo login --authfile /etc/kmodsort/auth.json ${registry.split('/')[0] ?? ''}`;

/** What makes and pushes what is not there. */
const builderCommand = ({ wanted }: Failure): string =>
  wanted === undefined
    ? 'kmodsort push on a machine that builds it'
    : `on a builder: kmodsort sync -k ${wanted.release} && kmodsort push -k ${wanted.release} ${moduleLabel(wanted.module)}`;

interface Row {
  /** What failed. */
  readonly says: (failure: Failure) => string;
  /** The command, or the deed, that helps. */
  readonly help?: (failure: Failure) => string | undefined;
  /** The sentence has said the detail already. */
  readonly saysDetail?: true;
}

/** Every kind of failure as people read it: the words of the kernel, of POSIX and of dkms, which they search for. */
export const rows: Readonly<Record<FailureKind, Row>> = {
  'bad-usage': { says: (f) => on(f, 'invalid usage'), help: () => 'kmodsort --help' },
  'tree-unwritable': {
    says: (f) => on(f, 'permission denied, cannot write'),
    help: () => 'run it again with sudo, or name another tree',
  },
  'no-permission': { says: (f) => on(f, 'permission denied'), help: () => 'run it again with sudo' },
  'lock-busy': {
    says: (f) => `timed out waiting for the lock${f.detail ? ` held by ${f.detail}` : ''}`,
    help: () => 'run it again when the other run has ended',
    saysDetail: true,
  },
  interrupted: { says: () => 'interrupted by a signal' },
  'conf-missing': { says: (f) => on(f, 'dkms.conf not found'), help: () => 'install the package of the module again' },
  'no-conf-here': { says: (f) => on(f, 'dkms.conf not found') },
  'no-headers-here': {
    says: (f) => on(f, 'neither headers of a kernel nor packages with them are there'),
    help: () =>
      'name a package (.deb, .rpm, .pkg.tar.*), a directory with include/generated/utsrelease.h, or a release',
  },
  'conf-unsafe': { says: (f) => on(f, 'refused, world-writable file'), help: (f) => `chmod o-w ${at(f)}` },
  'conf-broken': {
    says: (f) => on(f, 'bash cannot read the file'),
    help: (f) => (f.at ? `bash -n ${f.at}` : undefined),
  },
  'conf-stalled': {
    says: (f) => on(f, 'timed out reading the file'),
    help: (f) => `correct ${at(f)}, then: kmodsort plan`,
  },
  'conf-invalid': { says: (f) => on(f, 'invalid settings'), help: (f) => `correct ${at(f)}, then: kmodsort plan` },
  'name-mismatch': {
    says: (f) => on(f, 'dkms.conf names another module or version than its directory'),
    help: (f) => `correct PACKAGE_NAME and PACKAGE_VERSION in ${at(f)}, or rename its directory`,
  },
  'source-missing': { says: (f) => on(f, 'source directory not found') },
  'source-unsafe': {
    says: (f) => on(f, 'refused, world-writable source directory'),
    help: (f) => `chmod o-w ${at(f)}`,
  },
  'source-foreign': {
    says: (f) => on(f, 'refused, not owned by root'),
    help: (f) => `chown -R root: ${f.detail ?? at(f)}`,
    saysDetail: true,
  },
  'source-empty': {
    says: (f) => on(f, 'the source directory is empty'),
    help: () => 'install the package of the module again',
  },
  'source-broken': {
    says: (f) => on(f, 'broken: the module is added, but its source is missing'),
    help: (f) => `mount or install the source again${f.detail ? ` at ${f.detail}` : ''}`,
  },
  'headers-missing': {
    says: (f) => on(f, `kernel headers${f.detail ? ` for ${f.detail}` : ''} not found`),
    help: (f) => `install the package with the headers of ${f.detail ?? 'this kernel'}`,
    saysDetail: true,
  },
  'patch-missing': { says: (f) => on(f, 'patch not found'), help: () => 'install the package of the module again' },
  'patch-unsafe': { says: (f) => on(f, 'a patch is outside its directory') },
  'patch-failed': { says: (f) => on(f, 'patch does not apply') },
  'script-failed': { says: (f) => on(f, `script failed${f.code ? ` with exit code ${f.code}` : ''}`) },
  'compiler-failed': { says: () => 'compiler error' },
  'compiler-missing': { says: (f) => `the kernel's ${compilerOrLinker(f)} is not installed` },
  'compiler-older': { says: (f) => `the ${compilerOrLinker(f)} is older than the kernel's` },
  'rust-mismatch': { says: () => 'the Rust sources do not build for this kernel' },
  'modpost-failed': { says: () => 'modpost error' },
  'build-stalled': {
    says: (f) => on(f, `timed out after ${f.detail} minutes without output`),
    help: () => 'if it needs longer, set build_limit in framework.conf',
    saysDetail: true,
  },
  'make-failed': { says: () => 'make failed' },
  'tool-missing': {
    says: (f) => on(f, 'command not found'),
    help: (f) => (f.at ? `install the package that brings ${f.at}` : undefined),
  },
  'disk-full': { says: (f) => on(f, 'no space left on device'), help: () => 'df -h' },
  'read-only': { says: (f) => on(f, 'read-only file system') },
  noexec: {
    says: (f) => on(f, 'no directory where programs may be run'),
    help: () => 'mount one of them without noexec, or set tmp_location in framework.conf',
  },
  'memory-short': { says: () => 'out of memory' },
  'object-missing': { says: (f) => on(f, 'the build did not produce an object that dkms.conf names') },
  'object-foreign': {
    says: (f) => on(f, `refused, not a regular file below the build directory${f.detail ? ` (${f.detail})` : ''}`),
    saysDetail: true,
  },
  'not-confined': {
    says: () => 'builds cannot be confined here',
    help: () => 'sandbox="auto" in framework.conf builds without it where it must',
  },
  'not-tried': {
    says: (f) => `not tried: it does not build confined${f.detail ? ` (${f.detail})` : ''}`,
    saysDetail: true,
  },
  'wrong-kernel': { says: (f) => on(f, 'built for another kernel') },
  'kernel-missing': {
    says: (f) => on(f, 'no modules directory of this kernel'),
    help: () => 'install the kernel package again',
  },
  'pre-install-failed': { says: (f) => on(f, 'PRE_INSTALL refused the installation') },
  'newer-in-tree': { says: (f) => on(f, 'the kernel itself has this version or a newer one') },
  'depmod-failed': {
    says: (f) => on(f, 'depmod failed'),
    help: (f) => (f.at && !f.at.startsWith('/') ? `depmod ${f.at}` : undefined),
  },
  nested: { says: (f) => on(f, 'refused inside a build of the same module') },
  'dependency-unknown': {
    says: (f) => `depends on ${at(f)}, which is not in the dkms tree`,
    help: (f) => `install the package of ${at(f)}, or use --force`,
  },
  'dependency-circular': {
    says: (f) => on(f, 'circular dependency'),
    help: () => 'use --force, or fix BUILD_DEPENDS in the dkms.conf files',
  },
  'no-version': { says: (f) => on(f, 'module and version are required, as NAME/VERSION') },
  'already-added': {
    says: (f) => on(f, 'already in the dkms tree'),
    help: (f) => (f.at?.startsWith('/') ? 'use --force to replace it' : `dkms remove ${at(f)} --all`),
  },
  'not-added': { says: (f) => on(f, 'not in the dkms tree'), help: (f) => `dkms add ${at(f)}` },
  'same-kernel': { says: (f) => on(f, 'the template kernel and the kernel are the same') },
  'no-template': {
    says: () => 'match requires --templatekernel',
    help: () => 'dkms match --templatekernel KERNEL -k KERNEL',
  },
  'not-built': { says: (f) => on(f, 'not built') },
  'initramfs-failed': {
    says: (f) => `the initramfs of ${at(f)} could not be made and may lack the new modules: ${f.detail ?? ''} failed`,
    help: (f) => f.detail,
    saysDetail: true,
  },
  'post-transaction-failed': {
    says: (f) => on(f, `post_transaction failed${f.code ? ` with exit code ${f.code}` : ''}`),
  },
  'boot-guard-failed': {
    says: (f) => `${at(f)} may boot a kernel on which required modules are missing (boot_guard)`,
    help: () => 'kmodsort boot-guard',
  },
  'archive-missing': { says: (f) => on(f, 'archive not found') },
  'archive-without-conf': { says: (f) => on(f, 'no dkms.conf in the archive') },
  'archive-malformed': { says: (f) => on(f, 'the archive is refused') },
  'archive-known': {
    says: (f) => on(f, 'the module in the archive is already in the dkms tree'),
    help: () => 'use --force to replace it',
  },
  'archive-unwritable': { says: (f) => on(f, 'cannot write the archive') },
  'rpm-refused': { says: (f) => on(f, 'rpm did not install the package') },
  'source-not-here': { says: (f) => on(f, 'loaded, but its source is not on this machine') },
  'guard-limit': {
    says: (f) => `it takes longer than ${f.detail} s`,
    help: () => 'set guard_limit in framework.conf',
    saysDetail: true,
  },
  'no-packages': {
    says: (f) => on(f, 'cannot get the packages'),
    help: () => 'kmodsort try --packages FILE…',
  },
  'no-key': { says: (f) => on(f, 'no key to sign modules with') },
  'prebuilt-missing': {
    says: (f) => on(f, 'no prebuilt build'),
    help: builderCommand,
  },
  'prebuilt-refused': { says: (f) => on(f, 'the prebuilt build is refused') },
  'registry-failed': {
    says: (f) => on(f, 'cannot use the registry'),
    help: (f) => (f.problem?.problem === 'credentials-refused' ? loginAt(at(f)) : undefined),
  },
  'no-registry': {
    says: () => 'no registry to push to',
    help: () => 'set prebuilt in framework.conf',
  },
  'input-missing': {
    says: (f) => on(f, 'the registry does not have it'),
    help: () => 'kmodsort matrix --on slurm puts sources and headers there',
  },
  'input-refused': { says: (f) => on(f, 'refused') },
  'input-unfit': { says: (f) => on(f, 'this cannot travel to other machines') },
  'slurm-failed': { says: (f) => on(f, 'Slurm'), help: ({ install }) => install ?? 'sinfo' },
  'job-lost': {
    says: (f) => on(f, 'it ended without a result'),
    help: (f) => `scontrol show job ${f.at?.replace(/\D+/g, '') ?? ''}`,
  },
  'no-push-key': {
    says: (f) => on(f, 'cannot sign what is pushed'),
    help: () => 'set push_key in framework.conf, or add the key to ssh-agent',
  },
  'nothing-to-push': { says: (f) => on(f, 'the store has no such build'), help: () => 'kmodsort sync' },
  'not-in-store': {
    says: (f) => on(f, 'the store has no such build'),
    help: (f) => `kmodsort sync -k ${f.detail}, or where that kernel is not installed: kmodsort try -k ${f.detail}`,
    saysDetail: true,
  },
  'dependency-not-in-store': {
    says: (f) => `${at(f)}: the store has no build of ${f.detail} with the symbols that it was built on`,
    help: (f) => `dkms install ${at(f).replace(', ', ' -k ')} --force`,
    saysDetail: true,
  },
  'packed-twice': {
    says: (f) => on(f, 'two builds of one module are wanted for one kernel'),
    help: () => 'name the version, or the modules one by one',
  },
  'kernel-owner-unknown': {
    says: (f) => on(f, 'cannot tell which package brings the kernel'),
    help: () => 'pack on a machine on which this kernel is installed',
  },
  'load-failed': { says: (f) => on(f, 'modprobe failed') },
  'will-not-load': {
    says: (f) => on(f, 'installed, but it will not load'),
    help: () => 'when what is missing is there: kmodsort sync',
  },
  unexpected: { says: (f) => on(f, 'unexpected error') },
};

/** What helps where more is known than the kind. */
export const hints: Readonly<Record<Hint, string>> = {
  'compiler-of-kernel': 'install the compiler that the kernel was built with',
  'headers-incomplete': "install the package of the kernel's headers again",
  'headers-foreign': 'install the kernel headers of this architecture',
  'newer-module': 'look for a version of the module that supports this kernel',
  'kernel-running': 'reboot into the kernel that it was built for',
};
