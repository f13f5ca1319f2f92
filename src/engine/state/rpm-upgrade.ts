import { join } from 'node:path';
import type { Module } from '../request.ts';
import { readDirectory, readText } from '../system/files.ts';
import { processFacts } from '../system/proc.ts';
import { remove, writeAtomic } from '../system/publish.ts';
import { rpmUpgradeDirectory, rpmUpgradeMark } from './paths.ts';

/**
 * An rpm upgrade to the same name and version runs the new package's `add` before the old one's `remove`:
 * the removal would take away what was just added. `--rpm_safe_upgrade` on both marks it by the rpm process.
 */

/** The process that runs the scriptlet's shell, with its start time: rpm or dnf. */
const transaction = (): string | undefined => {
  const rpm = processFacts(process.ppid)?.parent;
  return rpm ? `${rpm}:${processFacts(rpm)?.start ?? ''}` : undefined;
};

/** Remember that this transaction added the module. */
export const markAdded = (stateDir: string, module: Module): void => {
  const mark = transaction();
  if (mark) writeAtomic(rpmUpgradeMark(stateDir, module), `${mark}\n`);
};

/** Whether the removal comes from the transaction that added the module; asked once. */
export const wasAddedHere = (stateDir: string, module: Module): boolean => {
  const file = rpmUpgradeMark(stateDir, module);
  const mark = readText(file)?.trim();
  remove(file);
  return mark !== undefined && mark === transaction();
};

/** Marks of transactions that have ended. Absolute paths. */
export const marksOfEnded = (stateDir: string): string[] =>
  readDirectory(rpmUpgradeDirectory(stateDir))
    .map((name) => join(rpmUpgradeDirectory(stateDir), name))
    .filter((path) => {
      const [id = '', start] = (readText(path) ?? '').trim().split(':');
      return processFacts(Number.parseInt(id, 10))?.start !== start;
    });
