import { basename, dirname, join } from 'node:path';
import type { ModuleConf } from '../conf/conf.ts';
import { objectNameOf } from '../kernel/compression.ts';
import { fieldOf, modinfoOf } from '../kernel/modinfo.ts';
import type { Kernel, Module } from '../request.ts';
import type { Run } from '../run/run.ts';
import { exists, hashFile, readDirectory, readText } from '../system/files.ts';
import { compareVersions } from '../system/version.ts';
import { knownHashes, moduleFiles } from '../tree/originals.ts';
import { installedVersion } from '../tree/tree.ts';
import { type FileTarget, targetsOf } from './install.ts';

/** Which of a Module's objects the kernel has in the same or a newer version itself. */

export interface ObjectVersion {
  /** MODULE_VERSION, empty if the module has none. */
  readonly version: string;
  /** The hash that modpost makes of the sources, empty if there is none. */
  readonly srcversion: string;
}

const versionOf = async (run: Run, path: string): Promise<ObjectVersion> => {
  const info = await modinfoOf(run, path);
  return { version: fieldOf(info, 'version'), srcversion: fieldOf(info, 'srcversion') };
};

/**
 * Whether the kernel's own object makes ours unnecessary: its version is newer, or both its version and its
 * srcversion are the same. Where one has no version at all, only the same srcversion counts.
 */
export const keepsInTree = (inTree: ObjectVersion, ours: ObjectVersion): boolean => {
  const isSameSource = inTree.srcversion !== '' && inTree.srcversion === ours.srcversion;
  if (!inTree.version || !ours.version) return isSameSource;
  const order = compareVersions(inTree.version, ours.version);
  return order > 0 || (order === 0 && (isSameSource || !inTree.srcversion || !ours.srcversion));
};

/** Modules whose in-tree version never counts: files of words, `<name>` or `<name>_version-override`. */
const isForcedByList = (name: string): boolean => {
  const directory = '/usr/share/dkms/modules_to_force_install';
  const words = readDirectory(directory).flatMap((file) => (readText(join(directory, file)) ?? '').split(/\s+/));
  return words.includes(name) || words.includes(`${name}_version-override`);
};

/**
 * Object names that are left to the kernel, with the kernel's file.
 *
 * @returns empty where a command or a list says that ours is wanted whatever the kernel has
 */
export const leftToKernel = async (
  run: Run,
  module: Module,
  kernel: Kernel,
  conf: ModuleConf,
): Promise<Map<string, string>> => {
  const left = new Map<string, string>();
  const { force, forceVersionOverride } = run.switches;
  if (force || forceVersionOverride || isForcedByList(module.name)) return left;
  const files = moduleFiles(join(run.settings.installTree, kernel.release));
  const ours = knownHashes(run, module.name, kernel);
  for (const target of targetsOf(run, conf, module, kernel)) {
    const inTree = inTreeFile(files.get(objectNameOf(basename(target.to)) ?? '') ?? [], target, ours);
    if (!inTree) continue;
    if (keepsInTree(await versionOf(run, inTree), await versionOf(run, target.from))) {
      left.set(objectNameOf(basename(target.to)) ?? '', inTree);
    }
  }
  return left;
};

/**
 * The installed file of another version of a module that a command is about, if all that would be replaced is newer by
 * MODULE_VERSION; undefined also where the command forces it.
 */
export const newerInstalled = async (
  run: Run,
  module: Module,
  kernel: Kernel,
  conf: ModuleConf,
): Promise<{ readonly version: string; readonly path: string } | undefined> => {
  const { force, forceVersionOverride } = run.switches;
  const version = installedVersion(run.settings.dkmsTree, module.name, kernel);
  if (version === undefined || version === module.version) return undefined;
  if (!run.named.has(module.name) || force || forceVersionOverride) return undefined;
  const targets = targetsOf(run, conf, module, kernel).filter(({ to }) => exists(to));
  for (const { from, to } of targets) {
    const [theirs, ours] = [await versionOf(run, to), await versionOf(run, from)];
    if (!theirs.version || !ours.version || compareVersions(theirs.version, ours.version) <= 0) return undefined;
  }
  const [first] = targets;
  return first && { version, path: first.to };
};

/** Not what stands in our own place: a leftover there is no module of the kernel's. */
const inTreeFile = (paths: readonly string[], target: FileTarget, ours: ReadonlySet<string>): string | undefined =>
  paths.find((path) => dirname(path) !== dirname(target.to) && !ours.has(hashFile(path)));
