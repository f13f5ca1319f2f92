import { type Family, familyOf } from './distribution.ts';

/** By which command a program that a build lacks gets onto a machine. */

const installs: Readonly<Record<Family, string>> = {
  debian: 'apt install',
  ubuntu: 'apt install',
  arch: 'pacman -S',
  redhat: 'dnf install',
  suse: 'zypper install',
  gentoo: 'emerge',
};

/** Names of a package by family; `%` stands for the version in a program's name, and goes with what joins it where there is none. */
interface Names {
  readonly debian: string;
  readonly arch: string;
  readonly redhat: string;
  readonly suse: string;
  readonly gentoo: string;
}

const same = (name: string): Names => ({ debian: name, arch: name, redhat: name, suse: name, gentoo: name });

/** Without the version in their name. Sources: the package searches of the distributions. */
const packages: Readonly<Record<string, Names>> = {
  gcc: { debian: 'gcc-%', arch: 'gcc', redhat: 'gcc', suse: 'gcc%', gentoo: 'sys-devel/gcc:%' },
  clang: { debian: 'clang-%', arch: 'clang', redhat: 'clang', suse: 'clang%', gentoo: 'llvm-core/clang:%' },
  'ld.lld': { debian: 'lld-%', arch: 'lld', redhat: 'lld', suse: 'lld%', gentoo: 'llvm-core/lld:%' },
  'llvm-nm': { debian: 'llvm-%', arch: 'llvm', redhat: 'llvm', suse: 'llvm%', gentoo: 'llvm-core/llvm:%' },
  rustc: { debian: 'rustc', arch: 'rust', redhat: 'rust', suse: 'rust', gentoo: 'dev-lang/rust' },
  bindgen: { ...same('rust-bindgen'), debian: 'bindgen', redhat: 'bindgen-cli', gentoo: 'dev-util/bindgen' },
  make: { ...same('make'), gentoo: 'dev-build/make' },
  bc: { ...same('bc'), gentoo: 'app-alternatives/bc' },
  flex: { ...same('flex'), gentoo: 'sys-devel/flex' },
  bison: { ...same('bison'), gentoo: 'sys-devel/bison' },
  perl: { ...same('perl'), gentoo: 'dev-lang/perl' },
  python3: { ...same('python3'), arch: 'python', gentoo: 'dev-lang/python' },
  skopeo: { ...same('skopeo'), gentoo: 'app-containers/skopeo' },
  sbatch: {
    debian: 'slurm-client',
    arch: 'slurm-llnl',
    redhat: 'slurm',
    suse: 'slurm',
    gentoo: 'sys-cluster/slurm',
  },
  'dpkg-deb': { ...same('dpkg'), gentoo: 'app-arch/dpkg' },
  rpmbuild: { debian: 'rpm', arch: 'rpm-tools', redhat: 'rpm-build', suse: 'rpm-build', gentoo: 'app-arch/rpm' },
  bsdtar: {
    debian: 'libarchive-tools',
    arch: 'libarchive',
    redhat: 'bsdtar',
    suse: 'bsdtar',
    gentoo: 'app-arch/libarchive',
  },
  'ssh-keygen': {
    ...same('openssh'),
    debian: 'openssh-client',
    suse: 'openssh-common',
    gentoo: 'net-misc/openssh',
  },
  pahole: { ...same('dwarves'), debian: 'pahole', arch: 'pahole', gentoo: 'dev-util/pahole' },
  libelf: {
    debian: 'libelf-dev',
    arch: 'libelf',
    redhat: 'elfutils-libelf-devel',
    suse: 'libelf-devel',
    gentoo: 'virtual/libelf',
  },
  libssl: {
    debian: 'libssl-dev',
    arch: 'openssl',
    redhat: 'openssl-devel',
    suse: 'libopenssl-devel',
    gentoo: 'dev-libs/openssl',
  },
};

/** `x86_64-linux-gnu-gcc-12` is gcc, version 12. */
const parted = (program: string): { readonly name: string; readonly version: string } => {
  const [, name = program, version = ''] = /^(?:.*\/)?(?:\w+-linux-\w+-)?(.*?)(?:-(\d+))?$/.exec(program) ?? [];
  return { name, version };
};

const packageOf = (family: Family, program: string): string | undefined => {
  const { name, version } = parted(program);
  const wanted = packages[name]?.[family === 'ubuntu' ? 'debian' : family];
  return version === '' ? wanted?.replace(/[-:]?%/, '') : wanted?.replace('%', version);
};

/**
 * The command that installs programs, or `libelf` or `libssl` with their headers; undefined where the distribution or
 * one of the programs is not known.
 *
 * @param distribution as os-release says it
 * @param programs their names, each with its version if that counts: `gcc-14`
 */
export const installCommand = (distribution: string, ...programs: readonly string[]): string | undefined => {
  const family = familyOf(distribution);
  if (family === undefined) return undefined;
  const names = programs.map((program) => packageOf(family, program));
  return names.includes(undefined) ? undefined : [installs[family], ...new Set(names)].join(' ');
};
