import { join } from 'node:path';
import { packageOfFiles } from '../kernel/kernel-package.ts';
import type { PackageFormat } from '../request.ts';
import type { Run } from '../run/run.ts';
import { familyOf } from '../system/distribution.ts';
import type { Relation } from './relations.ts';

/** The package that brings a kernel, without which its modules are of no use. */

/** What a package of modules depends on. */
export interface KernelOwner {
  readonly relation: Relation;
  /** Nobody here knows the kernel's package: its name or version follows from the release alone. */
  readonly isGuessed?: true;
}

/** Arch's own kernels by what their release ends with. */
const archKernels = [
  [/-lts$/, 'linux-lts'],
  [/-zen$/, 'linux-zen'],
  [/-hardened$/, 'linux-hardened'],
  [/-arch\d+-\d+$/, 'linux'],
] as const;

/**
 * The package of one of Arch's own kernels, by its release: `6.12.3-arch1-1` is linux 6.12.3.arch1-1, `6.6.63-1-lts` is
 * linux-lts 6.6.63-1. Source: their PKGBUILDs, which make the release of pkgver, pkgrel and pkgbase.
 */
export const archKernelOf = (release: string): Relation | undefined => {
  const [pattern, name] = archKernels.find(([end]) => end.test(release)) ?? [];
  if (pattern === undefined || name === undefined) return undefined;
  const [, version = '', revision = ''] =
    /^(.+)-(\d+)$/.exec(name === 'linux' ? release : release.replace(pattern, '')) ?? [];
  if (version === '') return undefined;
  return { name, version: { is: '=', of: `${version.replaceAll('-', '.')}-${revision}` } };
};

const debOwner = async ({ processes }: Run, release: string): Promise<KernelOwner> => {
  const found = await packageOfFiles(processes, 'dpkg', [`/boot/vmlinuz-${release}`]);
  // Debian and Ubuntu change the release where the ABI changes: a later version of this package has the same.
  if (found) return { relation: { name: found.name.replace(/:\w+$/, ''), version: { is: '>=', of: found.version } } };
  return { relation: { name: `linux-image-${release}` }, isGuessed: true };
};

/**
 * What provides a kernel of Fedora and its kin; a release with several hyphens is no version for rpm, and the kernel
 * comes from `make rpm-pkg`. Sources: kernel.spec of Fedora, scripts/package/kernel.spec of Linux.
 */
export const rpmKernelOf = (release: string): KernelOwner =>
  /^[\w.+~^]+(-[\w.+~^]+)?$/.test(release)
    ? { relation: { name: 'kernel-uname-r', version: { is: '=', of: release } } }
    : { relation: { name: `kernel-${release}` }, isGuessed: true };

/** openSUSE's package is asked for its name. */
const rpmOwner = async (run: Run, release: string, isPrivate: boolean): Promise<KernelOwner | undefined> => {
  if (familyOf(run.settings.distribution) !== 'suse') return rpmKernelOf(release);
  const image = join(run.settings.installTree, release, 'vmlinuz');
  const found = isPrivate ? undefined : await packageOfFiles(run.processes, 'rpm', [image]);
  return found && { relation: { name: found.name, version: { is: '=', of: found.version } } };
};

const pacmanOwner = async (run: Run, release: string, isPrivate: boolean): Promise<KernelOwner | undefined> => {
  const files = ['vmlinuz', 'pkgbase'].map((name) => join(run.settings.installTree, release, name));
  const found = isPrivate ? undefined : await packageOfFiles(run.processes, 'pacman', files);
  if (found) return { relation: { name: found.name, version: { is: '=', of: found.version } } };
  const relation = archKernelOf(release);
  return relation && { relation, isGuessed: true };
};

/** The package of a kernel; undefined where only the machine that has it installed can tell. */
export const kernelOwner = async (
  run: Run,
  format: PackageFormat,
  release: string,
): Promise<KernelOwner | undefined> => {
  const isPrivate = run.settings.privateInstallTree;
  if (format === 'rpm') return rpmOwner(run, release, isPrivate);
  if (format === 'pacman') return pacmanOwner(run, release, isPrivate);
  return isPrivate ? { relation: { name: `linux-image-${release}` }, isGuessed: true } : debOwner(run, release);
};
