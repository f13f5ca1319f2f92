import type { PackageFormat } from '../request.ts';
import { packageName, symbolsName } from './names.ts';

/** What packages of built modules need, offer and cannot stand beside. Pure. */

/** A package by name, and which versions of it. */
export interface Relation {
  readonly name: string;
  readonly version?: { readonly is: '=' | '>='; readonly of: string };
}

/** A relation in a package manager's own words. */
export const relationText = (format: PackageFormat, { name, version }: Relation): string => {
  if (version === undefined) return name;
  if (format === 'deb') return `${name} (${version.is} ${version.of})`;
  return format === 'rpm' ? `${name} ${version.is} ${version.of}` : `${name}${version.is}${version.of}`;
};

/** A module that this one was built on. */
export interface Dependency {
  readonly name: string;
  /** What it exports, as the Key of the dependent has it. */
  readonly identity: string;
}

export interface Relations {
  readonly depends: readonly Relation[];
  readonly provides: readonly string[];
  readonly conflicts: readonly string[];
}

/** Packages that build the same module: `NAME-dkms` of Debian and Arch, `dkms-NAME` of Fedora. */
const builtElsewhere = (format: PackageFormat, name: string): string[] => {
  const plain = packageName(format, name, '').slice('kmod-'.length, -1);
  return format === 'rpm' ? [`dkms-${plain}`, `${plain}-dkms`] : [`${plain}-dkms`];
};

/**
 * The relations of a package.
 *
 * @param kernel the kernel's own package
 * @param dependencies modules that it was built on: of their builds only one with the same exports will do
 * @param identities what the module itself exports, in each form that a Key of a dependent can have it
 */
export const relationsOf = (
  format: PackageFormat,
  module: string,
  release: string,
  kernel: Relation,
  dependencies: readonly Dependency[],
  identities: readonly string[],
): Relations => {
  const nameOf = (name: string): string => packageName(format, name, release);
  const needed = dependencies.flatMap(({ name, identity }): Relation[] => [
    { name: nameOf(name) },
    { name: symbolsName(nameOf(name), identity) },
  ]);
  return {
    depends: [kernel, { name: 'kmod' }, ...needed],
    provides: identities.map((identity) => symbolsName(nameOf(module), identity)),
    conflicts: builtElsewhere(format, module),
  };
};
