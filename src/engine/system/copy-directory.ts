import { basename, dirname } from 'node:path';
import { type Failure, saidFailure } from '../errors.ts';
import type { Processes } from './exec.ts';
import { makeDirectory, makeTemporary, remove, replaceDirectory } from './publish.ts';

/**
 * Copy what is in a directory into another one, with its times, as ours: root's where we are root, and with the modes
 * that umask leaves. cp(1).
 *
 * @returns why it failed, undefined if it did not
 */
export const copyDirectory = async (processes: Processes, from: string, to: string): Promise<Failure | undefined> => {
  makeDirectory(to);
  const ended = await processes.ask(['cp', '-dR', '--preserve=timestamps', '--reflink=auto', `${from}/.`, `${to}/`]);
  if (ended.code === 0) return undefined;
  if (ended.unstartable) return { kind: 'tool-missing', at: 'cp', detail: ended.problem };
  return { detail: ended.problem, ...saidFailure(ended.errors), at: to };
};

/**
 * Put a copy of a directory in its place: beside it first, then by renames. What stood there goes.
 *
 * @returns why it failed, undefined if it did not
 */
export const placeCopy = async (processes: Processes, from: string, to: string): Promise<Failure | undefined> => {
  const beside = makeTemporary(dirname(to), `.tmp_${basename(to)}_`, 0o755);
  const failure = await copyDirectory(processes, from, beside);
  if (failure !== undefined) {
    remove(beside);
    return { ...failure, at: failure.at === beside ? to : (failure.at ?? to) };
  }
  replaceDirectory(beside, to);
  return undefined;
};
