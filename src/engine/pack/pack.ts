import { basename, join } from 'node:path';
import type { PackedEntry } from '../delivered.ts';
import { FailureError } from '../errors.ts';
import type { PackageFormat } from '../request.ts';
import type { Run } from '../run/run.ts';
import { kernelOf, moduleOf } from '../store/builds.ts';
import { familyOf } from '../system/distribution.ts';
import { lstat } from '../system/files.ts';
import { installCommand } from '../system/install-command.ts';
import { makeTemporary } from '../system/publish.ts';
import { makeDeb } from './deb.ts';
import type { KernelOwner } from './kernel-owner.ts';
import {
  type FileFacts,
  packageArch,
  packageFile,
  packageName,
  packageVersion,
  revisionOf,
  secondsOf,
} from './names.ts';
import { finishObjects } from './objects.ts';
import type { ModulePackage } from './package.ts';
import { makePacman } from './pacman.ts';
import { relationsOf } from './relations.ts';
import { makeRpm } from './rpm.ts';
import type { Workshop } from './tree.ts';
import type { UnpackedBuild } from './unpacked.ts';

/** One build becomes one package. */

const makers: Readonly<
  Record<PackageFormat, (workshop: Workshop, made: ModulePackage, objects: readonly string[]) => Promise<string>>
> = { deb: makeDeb, rpm: makeRpm, pacman: makePacman };

/** Where dkms installs on distributions with that package manager. */
const locations: Readonly<Record<PackageFormat, string>> = {
  deb: '/updates/dkms',
  rpm: '/extra',
  pacman: '/updates/dkms',
};

/** A node is like this machine: where /lib is a directory of its own, kernels have their modules in it. */
const moduleTree = (format: PackageFormat): string =>
  format === 'pacman' || lstat('/lib')?.kind === 'link' ? '/usr/lib/modules' : '/lib/modules';

const locationOf = ({ settings }: Run, format: PackageFormat): string => {
  const { addonModulesDir, distribution } = settings;
  if (addonModulesDir) return `/${addonModulesDir.replace(/^\/+|\/+$/g, '')}`;
  return format === 'rpm' && familyOf(distribution) === 'suse' ? '/updates' : locations[format];
};

/** What the file of a build's package is called, and what it says. */
export const fileFacts = (format: PackageFormat, { statement }: Pick<UnpackedBuild, 'statement'>): FileFacts => {
  const [module, kernel] = [moduleOf(statement.parts), kernelOf(statement.parts)];
  return {
    name: packageName(format, module.name, kernel.release),
    version: packageVersion(format, module.version),
    revision: revisionOf(statement.built),
    arch: packageArch(format, kernel.arch),
  };
};

/** A build as the answer tells of it, before anything is made. */
export const entryOf = (
  format: PackageFormat,
  { statement, stored }: Pick<UnpackedBuild, 'statement' | 'stored'>,
): Omit<PackedEntry, 'state'> => ({
  module: statement.parts.module,
  kernel: statement.parts.kernel,
  key: stored.key,
  file: packageFile(format, fileFacts(format, { statement })),
});

/** A package that is made, and not yet in its place. */
export interface MadePackage {
  readonly path: string;
  readonly isSigned: boolean;
}

/** Make the package of a build in a directory of its own. Throws FailureError. */
export const makePackage = async (
  run: Run,
  format: PackageFormat,
  build: UnpackedBuild,
  owner: KernelOwner,
): Promise<MadePackage> => {
  const { statement } = build;
  const [module, kernel] = [moduleOf(statement.parts), kernelOf(statement.parts)];
  const seconds = secondsOf(statement.built);
  const { files, isSigned, license } = await finishObjects(run, build, seconds);
  if (files.length === 0) throw new FailureError({ kind: 'not-built', at: statement.parts.module });
  const dependencies = Object.entries(statement.parts.dependencies).map(([name, identity]) => ({ name, identity }));
  const { name } = module;
  const relations = relationsOf(format, name, kernel.release, owner.relation, dependencies, build.identities);
  const workshop: Workshop = {
    processes: run.processes,
    directory: makeTemporary(run.scratch, 'package-'),
    installs: (program) => installCommand(run.settings.distribution, program),
  };
  const made: ModulePackage = {
    ...fileFacts(format, build),
    ...relations,
    module,
    kernel,
    license,
    seconds,
    objects: files.map((file) => basename(file)),
    directory: join(moduleTree(format), kernel.release, locationOf(run, format)),
  };
  return { path: await makers[format](workshop, made, files), isSigned };
};
