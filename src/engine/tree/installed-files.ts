import { join } from 'node:path';
import { objectNameOf } from '../kernel/compression.ts';
import type { Kernel, Module } from '../request.ts';
import type { Run } from '../run/run.ts';
import { type InstalledFile, readRecord } from '../state/record.ts';
import { hashFile, stat } from '../system/files.ts';
import { moduleFiles } from './originals.ts';
import { builtDirectory, builtFiles } from './tree.ts';

/** What is to be remembered of a file that was installed. */
export const installedFact = (path: string, hash: string): InstalledFile => {
  const facts = stat(path);
  return { path, hash, size: facts?.size ?? 0, mtimeMs: facts?.mtimeMs ?? 0 };
};

/** Where a version's files stand in the install tree: as recorded, else every file there that equals a built one. */
export const filesOnKernel = (run: Run, module: Module, kernel: Kernel): InstalledFile[] => {
  const recorded = readRecord(run.settings.stateDir, module, kernel).installed;
  if (recorded) return [...recorded];
  const directory = builtDirectory(run.settings.dkmsTree, module, kernel);
  const onKernel = moduleFiles(join(run.settings.installTree, kernel.release));
  return builtFiles(directory).flatMap((file) => {
    const hash = hashFile(join(directory, 'module', file));
    const same = onKernel.get(objectNameOf(file) ?? '') ?? [];
    return same.filter((path) => hashFile(path) === hash).map((path) => installedFact(path, hash));
  });
};
