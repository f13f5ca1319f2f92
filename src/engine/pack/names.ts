import type { PackageFormat } from '../request.ts';

/**
 * What a package of built modules is called, and its version, as each package manager allows. Pure. Sources: Debian
 * Policy 5.6.1 and 5.6.12; rpm-spec(5) and rpm-version(7); PKGBUILD(5).
 */

const legalName: Readonly<Record<PackageFormat, (text: string) => string>> = {
  deb: (text) => text.toLowerCase().replaceAll(/[^a-z0-9+.-]/g, '-'),
  rpm: (text) => text.replaceAll(/[^A-Za-z0-9._+-]/g, '-'),
  pacman: (text) => text.toLowerCase().replaceAll(/[^a-z0-9@._+-]/g, '-'),
};

/** `kmod-NAME-RELEASE`, of the characters that are allowed. */
export const packageName = (format: PackageFormat, name: string, release: string): string =>
  `kmod-${legalName[format](name)}-${legalName[format](release)}`;

/** What a package provides whose modules export just these symbols. */
export const symbolsName = (name: string, identity: string): string => `${name}-abi-${identity.slice(0, 12)}`;

/** `v1.0` is 1.0; what has no number in front is older than all that has. */
const fromDigit = (version: string): string => {
  const number = version.replace(/^[vV](?=\d)/, '');
  return /^\d/.test(number) ? number : `0.${number}`;
};

/** A colon would begin an epoch, a hyphen the revision; what else is not allowed becomes a dot, which parts numbers, too. */
const legalVersion: Readonly<Record<PackageFormat, (text: string) => string>> = {
  deb: (text) => text.replaceAll(/[^A-Za-z0-9.+~-]/g, '.'),
  rpm: (text) => text.replaceAll(/[^A-Za-z0-9._+~^]/g, '.'),
  pacman: (text) => text.replaceAll(/[^A-Za-z0-9._+~]/g, '.'),
};

/** A module's version without a revision. */
export const packageVersion = (format: PackageFormat, version: string): string =>
  legalVersion[format](fromDigit(version));

/**
 * The time of the build in UTC, `20261128075212`: each later build of one version is an upgrade, the same build is the
 * same package.
 *
 * @param built ISO 8601
 */
export const revisionOf = (built: string): string => built.replaceAll(/\D/g, '').slice(0, 14);

/** The time of the build in seconds since 1970, as SOURCE_DATE_EPOCH has it. */
export const secondsOf = (built: string): number => Math.floor(Date.parse(built) / 1000);

const architectures: Readonly<Record<PackageFormat, Readonly<Record<string, string>>>> = {
  deb: {
    x86_64: 'amd64',
    aarch64: 'arm64',
    i686: 'i386',
    armv7l: 'armhf',
    ppc64le: 'ppc64el',
    loongarch64: 'loong64',
  },
  rpm: { armv7l: 'armv7hl' },
  pacman: { armv7l: 'armv7h' },
};

/** The name of an architecture, which the kernel calls as uname -m does. */
export const packageArch = (format: PackageFormat, arch: string): string => architectures[format][arch] ?? arch;

/** What tells the file of a package. */
export interface FileFacts {
  readonly name: string;
  readonly version: string;
  readonly revision: string;
  readonly arch: string;
}

/** The name of a package's file. */
export const packageFile = (format: PackageFormat, { name, version, revision, arch }: FileFacts): string => {
  if (format === 'deb') return `${name}_${version}-${revision}_${arch}.deb`;
  if (format === 'rpm') return `${name}-${version}-${revision}.${arch}.rpm`;
  return `${name}-${version}-${revision}-${arch}.pkg.tar.zst`;
};
