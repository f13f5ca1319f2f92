import { basename, dirname, join } from 'node:path';
import type { ModuleConf } from '../conf/conf.ts';
import { installLocation } from '../conf/objects.ts';
import { FailureError } from '../errors.ts';
import { objectNameOf } from '../kernel/compression.ts';
import { isBootable } from '../kernel/kernel.ts';
import type { Kernel, Module } from '../request.ts';
import type { Run } from '../run/run.ts';
import { closeJournal, openJournal, readJournal } from '../state/journal.ts';
import { readRecord, writeRecord } from '../state/record.ts';
import { exists, hashFile, isDirectory } from '../system/files.ts';
import { copyAtomic, makeDirectory, remove, removeEmpty, symlinkAtomic } from '../system/publish.ts';
import { filesOnKernel, installedFact } from '../tree/installed-files.ts';
import {
  chooseOriginal,
  knownHashes,
  type ModuleFiles,
  moduleFiles,
  ownership,
  restoreOriginal,
  sweepOrigins,
  usualPlace,
} from '../tree/originals.ts';
import { forgetOriginal, savedOriginals, saveOriginal } from '../tree/saved-originals.ts';
import { forgetWithOthers } from '../tree/shared-files.ts';
import { builtDirectory, builtFiles, installedLink, installedVersion } from '../tree/tree.ts';

/** One file to put in place. */
export interface FileTarget {
  /** In the dkms tree's module/. */
  readonly from: string;
  /** In the install tree. */
  readonly to: string;
  readonly hash: string;
}

/** Where each built file of a Module goes on a kernel. */
export const targetsOf = (run: Run, conf: ModuleConf, module: Module, kernel: Kernel): FileTarget[] => {
  const { dkmsTree, installTree, distribution, addonModulesDir } = run.settings;
  const directory = builtDirectory(dkmsTree, module, kernel);
  return builtFiles(directory).flatMap((file) => {
    const object = conf.objects.find((one) => one.dest === objectNameOf(file));
    if (!object) return [];
    const from = join(directory, 'module', file);
    const location = installLocation(distribution, addonModulesDir, object);
    return [{ from, to: join(installTree, kernel.release, location, file), hash: hashFile(from) }];
  });
};

/** Save in-tree modules of the same object name; those that had stood elsewhere are to be removed afterwards. */
const saveOriginals = (
  run: Run,
  name: string,
  kernel: Kernel,
  targets: readonly FileTarget[],
  isOurs: (path: string) => boolean,
): string[] => {
  const directory = join(run.settings.installTree, kernel.release);
  const files: ModuleFiles = moduleFiles(directory);
  const replaced: string[] = [];
  for (const { to } of targets) {
    const same = (files.get(objectNameOf(basename(to)) ?? '') ?? []).filter((path) => !isOurs(path));
    const { saved, left } = chooseOriginal(directory, dirname(to), same);
    for (const path of left) run.note({ note: 'originals-left', path });
    if (saved === undefined) continue;
    saveOriginal(run.settings.dkmsTree, name, kernel, saved);
    if (saved !== to) replaced.push(saved);
  }
  return replaced;
};

const put = (run: Run, { from, to, hash }: FileTarget): void =>
  run.settings.symlinkModules ? symlinkAtomic(from, to) : copyAtomic(from, to, hash);

/** Files of ours on this kernel that the new version does not have, or has elsewhere. */
const removeOutdated = (
  run: Run,
  name: string,
  kernel: Kernel,
  targets: readonly FileTarget[],
  isOurs: (path: string) => boolean,
): void => {
  const wanted = new Set(targets.map((target) => target.to));
  const previous = installedVersion(run.settings.dkmsTree, name, kernel);
  if (previous === undefined) return;
  for (const { path } of filesOnKernel(run, { name, version: previous }, kernel)) {
    if (!wanted.has(path) && exists(path) && isOurs(path)) remove(path);
  }
};

const kernelDirectory = (run: Run, kernel: Kernel): string => {
  const directory = join(run.settings.installTree, kernel.release);
  if (!isDirectory(directory)) throw new FailureError({ kind: 'kernel-missing', at: directory });
  return directory;
};

/**
 * Put what is built into the kernel: journal, originals aside, publish each file, remove what is outdated,
 * then the link that makes it the installed version. Killed anywhere, the same call completes it.
 *
 * @param leftToKernel object names of which the kernel's own file stays in use
 * Throws kernel-missing or not-built (FailureError).
 */
export const installModule = (
  run: Run,
  module: Module,
  kernel: Kernel,
  conf: ModuleConf,
  leftToKernel: ReadonlyMap<string, string>,
): void => {
  const { dkmsTree, stateDir } = run.settings;
  kernelDirectory(run, kernel);
  const all = targetsOf(run, conf, module, kernel);
  const targets = all.filter((target) => !leftToKernel.has(objectNameOf(basename(target.to)) ?? ''));
  if (all.length < conf.objects.length) {
    const there = new Set(all.map((target) => objectNameOf(basename(target.to))));
    const lost = conf.objects.find((object) => !there.has(object.dest));
    throw new FailureError({ kind: 'not-built', at: `${lost?.dest ?? ''}.ko` });
  }
  const known = [...knownHashes(run, module.name, kernel), ...targets.map((target) => target.hash)];
  run.beforeChange(kernel.release);
  const { ours } = openJournal(stateDir, { version: 1, module, kernel, action: 'install', ours: known });
  const isOurs = ownership(run, module.name, kernel, ours);
  const replaced = saveOriginals(run, module.name, kernel, targets, isOurs);
  for (const target of targets) {
    makeDirectory(dirname(target.to));
    put(run, target);
  }
  for (const path of replaced) remove(path);
  removeOutdated(run, module.name, kernel, targets, isOurs);
  symlinkAtomic(join(module.version, kernel.release, kernel.arch), installedLink(dkmsTree, module.name, kernel));
  const installed = targets.map((target) => installedFact(target.to, target.hash));
  writeRecord(stateDir, module, kernel, { ...readRecord(stateDir, module, kernel), installed });
  closeJournal(stateDir, module.name, kernel);
};

/** Put back what a name had replaced on a Kernel; of a kernel that is gone it is forgotten. */
export const restoreOriginals = (run: Run, name: string, kernel: Kernel): void => {
  const { dkmsTree, installTree } = run.settings;
  // A module put into a kernel that is gone would make it look like one that can be booted.
  const isGone = !isBootable(installTree, kernel.release);
  for (const original of savedOriginals(dkmsTree, name, kernel)) {
    if (isGone) {
      forgetOriginal(dkmsTree, name, original);
      continue;
    }
    const fallback = usualPlace(join(installTree, kernel.release), original.saved);
    const origin = original.origin ?? fallback;
    // A written origin may not lead out of the kernel's own directory.
    const inside = join(origin).startsWith(`${join(installTree, kernel.release)}/`);
    restoreOriginal(dkmsTree, name, original, inside ? origin : fallback);
    run.note({ note: 'original-restored', path: inside ? origin : fallback });
  }
  sweepOrigins(dkmsTree, name, kernel);
};

/** Take a Module's files off a kernel and put the originals back. The built ones stay in the dkms tree. */
export const uninstallModule = (run: Run, module: Module, kernel: Kernel): void => {
  const { dkmsTree, stateDir, installTree } = run.settings;
  const files = filesOnKernel(run, module, kernel);
  const known = [...knownHashes(run, module.name, kernel), ...files.map((file) => file.hash)];
  const isBegun = readJournal(stateDir, module.name, kernel)?.action === 'uninstall';
  run.beforeChange(kernel.release);
  const { ours } = openJournal(stateDir, { version: 1, module, kernel, action: 'uninstall', ours: known });
  const isOurs = ownership(run, module.name, kernel, ours);
  const standing = files.filter(({ path }) => exists(path) && isOurs(path));
  try {
    for (const { path } of standing.slice(0, 1)) remove(path);
  } catch (error) {
    // Nothing was changed: it stays installed, unless an earlier run has begun to take it away.
    if (!isBegun) closeJournal(stateDir, module.name, kernel);
    throw error;
  }
  for (const { path } of standing) {
    remove(path);
    removeEmpty(dirname(path), join(installTree, kernel.release));
  }
  restoreOriginals(run, module.name, kernel);
  forgetWithOthers(run, module.name, kernel, new Set(ours));
  remove(installedLink(dkmsTree, module.name, kernel));
  const { installed: _gone, ...rest } = readRecord(stateDir, module, kernel);
  writeRecord(stateDir, module, kernel, rest);
  closeJournal(stateDir, module.name, kernel);
};
