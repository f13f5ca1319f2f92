import { join } from 'node:path';
import type { Kernel, Module } from '../request.ts';
import { readDirectory, readText } from '../system/files.ts';
import { remove, writeAtomic } from '../system/publish.ts';
import { journalFile, journalsDirectory } from './paths.ts';

/** The journal of an install that may not have come to its end. */
export interface Journal {
  readonly version: 1;
  readonly module: Module;
  readonly kernel: Kernel;
  readonly action: 'install' | 'uninstall';
  /** SHA-256 of every file of ours that may stand in the install tree now. */
  readonly ours: readonly string[];
}

const isJournal = (value: unknown): value is Journal =>
  value instanceof Object && 'version' in value && value.version === 1 && 'ours' in value && Array.isArray(value.ours);

const readJournalFile = (path: string): Journal | undefined => {
  try {
    const value: unknown = JSON.parse(readText(path) ?? 'null');
    return isJournal(value) ? value : undefined;
  } catch {
    return undefined;
  }
};

/** The open journal of a Module's name on a Kernel. */
export const readJournal = (stateDir: string, name: string, kernel: Kernel): Journal | undefined =>
  readJournalFile(journalFile(stateDir, name, kernel));

export const openJournals = (stateDir: string): Journal[] =>
  readDirectory(journalsDirectory(stateDir))
    .filter((name) => !name.startsWith('.'))
    .map((name) => readJournalFile(join(journalsDirectory(stateDir), name)))
    .filter((journal) => journal !== undefined);

/** Written before the first file is touched; hashes of an earlier unfinished journal are kept in it. */
export const openJournal = (stateDir: string, journal: Journal): Journal => {
  const earlier = readJournal(stateDir, journal.module.name, journal.kernel)?.ours ?? [];
  const whole = { ...journal, ours: [...new Set([...journal.ours, ...earlier])] };
  writeAtomic(journalFile(stateDir, journal.module.name, journal.kernel), `${JSON.stringify(whole)}\n`);
  return whole;
};

export const closeJournal = (stateDir: string, name: string, kernel: Kernel): void =>
  remove(journalFile(stateDir, name, kernel));
