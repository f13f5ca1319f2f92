import { basename, dirname } from 'node:path';
import type { Processes } from './exec.ts';
import { makeDirectory, makeTemporary, remove, rename } from './publish.ts';

/**
 * Copy what is in a directory into another one, with modes, owners and times: cp(1).
 *
 * @returns why it failed, undefined if it did not
 */
export const copyDirectory = async (processes: Processes, from: string, to: string): Promise<string | undefined> => {
  makeDirectory(to);
  const ended = await processes.ask(['cp', '-a', '--reflink=auto', `${from}/.`, `${to}/`]);
  return ended.code === 0 ? undefined : ended.problem;
};

/**
 * Put a copy of a directory in its place: beside it first, then by a rename. What stood there goes.
 *
 * @returns why it failed, undefined if it did not
 */
export const placeCopy = async (processes: Processes, from: string, to: string): Promise<string | undefined> => {
  const beside = makeTemporary(dirname(to), `.tmp_${basename(to)}_`, 0o755);
  const problem = await copyDirectory(processes, from, beside);
  if (problem !== undefined) {
    remove(beside);
    return problem;
  }
  remove(to);
  rename(beside, to);
  return undefined;
};
