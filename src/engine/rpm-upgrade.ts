import { join } from 'node:path';
import { publishText, readText, remove } from './files.ts';
import type { Module } from './request.ts';

/**
 * An rpm upgrade to the same name and version runs the new package's `add` before the old one's `remove`:
 * the removal would take away what was just added. `--rpm_safe_upgrade` on both marks it by the rpm process.
 */

const statField = (pid: string, index: number): string | undefined =>
  readText(`/proc/${pid}/stat`)
    ?.replace(/^.*\) /s, '')
    .split(' ')[index];

/** The process that runs the scriptlet's shell, with its start time: rpm or dnf. */
const transaction = (): string | undefined => {
  const shell = String(process.ppid);
  const rpm = statField(shell, 1);
  if (!rpm || rpm === '0') return undefined;
  return `${rpm}:${statField(rpm, 19) ?? ''}`;
};

const markFile = (stateDir: string, module: Module): string =>
  join(stateDir, 'rpm-upgrade', `${module.name}-${module.version}`);

/** Remember that this transaction added the module. */
export const markAdded = (stateDir: string, module: Module): void => {
  const mark = transaction();
  if (mark) publishText(markFile(stateDir, module), `${mark}\n`);
};

/** Whether the removal comes from the transaction that added the module; asked once. */
export const wasAddedHere = (stateDir: string, module: Module): boolean => {
  const file = markFile(stateDir, module);
  const mark = readText(file)?.trim();
  remove(file);
  return mark !== undefined && mark === transaction();
};
