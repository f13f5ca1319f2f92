import { join } from 'node:path';
import type { Failure } from './errors.ts';
import { isDirectory, list, publishText, readText, remove, removeEmpty } from './files.ts';
import type { Kernel, Module } from './request.ts';

/**
 * What we remember besides the dkms tree: fingerprints of what was built, which files were installed,
 * and failures. One JSON file for a Module on a Kernel; a file that cannot be read counts as none.
 */

/** Hashes of everything that a build depends on, by what it is, so that a change can be named. */
export type Fingerprint = Readonly<Record<'sources' | 'conf' | 'headers' | 'compiler', string>>;

/** Symbols of one dependency that the built objects use. */
export interface UsedSymbols {
  readonly version: string;
  /** Name of a symbol to its CRC; without MODVERSIONS empty. */
  readonly crcs: Readonly<Record<string, string>>;
  /** Hash of the dependency's whole Module.symvers; counts where there are no CRCs. */
  readonly identity: string;
}

export interface InstalledFile {
  /** Absolute path. */
  readonly path: string;
  readonly hash: string;
  readonly size: number;
  readonly mtimeMs: number;
}

export interface BuildRecord {
  readonly fingerprint: Fingerprint;
  readonly dependencies: Readonly<Record<string, UsedSymbols>>;
  /** File names that belong in the tree's module/ directory. */
  readonly objects: readonly string[];
}

interface FailureRecord {
  /** What was tried; the same inputs are not tried again by a hook. */
  readonly inputs: string;
  readonly failure: Failure;
  /** ISO 8601. */
  readonly at: string;
  /** Shown again but tried again too: disk full, no memory, no compiler. */
  readonly transient: boolean;
  /** The version that was installed before and will load. */
  readonly stays?: string;
}

export interface EntryRecord {
  readonly version: 1;
  readonly build?: BuildRecord;
  readonly installed?: readonly InstalledFile[];
  readonly failure?: FailureRecord;
}

const keyOf = (kernel: Kernel): string => `${kernel.release}@${kernel.arch}`;

const recordFile = (stateDir: string, module: Module, kernel: Kernel): string =>
  join(stateDir, 'record', module.name, module.version, `${keyOf(kernel)}.json`);

/** Where the log of a failure is kept. */
export const logFile = (stateDir: string, module: Module, kernel: Kernel): string =>
  join(stateDir, 'log', module.name, module.version, `${keyOf(kernel)}.log`);

const isRecord = (value: unknown): value is EntryRecord =>
  typeof value === 'object' && value !== null && 'version' in value && value.version === 1;

/** What is remembered of a Module on a Kernel; an empty record if nothing is. */
export const readRecord = (stateDir: string, module: Module, kernel: Kernel): EntryRecord => {
  try {
    const value: unknown = JSON.parse(readText(recordFile(stateDir, module, kernel)) ?? 'null');
    return isRecord(value) ? value : { version: 1 };
  } catch {
    return { version: 1 };
  }
};

export const writeRecord = (stateDir: string, module: Module, kernel: Kernel, record: EntryRecord): void =>
  publishText(recordFile(stateDir, module, kernel), `${JSON.stringify(record, undefined, 1)}\n`);

/** Forget a Module on a Kernel, with its kept log. */
export const forgetRecord = (stateDir: string, module: Module, kernel: Kernel): void => {
  for (const path of [recordFile(stateDir, module, kernel), logFile(stateDir, module, kernel)]) {
    remove(path);
    removeEmpty(join(path, '..'), stateDir);
  }
};

/** Every Module and Kernel that something is remembered of. */
export const recordedEntries = (stateDir: string): { readonly module: Module; readonly kernel: Kernel }[] => {
  const top = join(stateDir, 'record');
  const below = (...path: string[]): string[] => (isDirectory(join(top, ...path)) ? list(join(top, ...path)) : []);
  return below().flatMap((name) =>
    below(name).flatMap((version) =>
      below(name, version).flatMap((file) => {
        const match = /^(.+)@([^@]+)\.json$/.exec(file);
        const [release, arch] = [match?.[1], match?.[2]];
        return release && arch ? [{ module: { name, version }, kernel: { release, arch } }] : [];
      }),
    ),
  );
};

/** The journal of an install that may not have come to its end. */
export interface Journal {
  readonly version: 1;
  readonly module: Module;
  readonly kernel: Kernel;
  readonly action: 'install' | 'uninstall';
  /** SHA-256 of every file of ours that may stand in the install tree now. */
  readonly ours: readonly string[];
}

const journalFile = (stateDir: string, name: string, kernel: Kernel): string =>
  join(stateDir, 'journal', `${name}@${keyOf(kernel)}.json`);

const isJournal = (value: unknown): value is Journal => isRecord(value) && 'ours' in value;

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
  list(join(stateDir, 'journal'))
    .filter((name) => !name.startsWith('.'))
    .map((name) => readJournalFile(join(stateDir, 'journal', name)))
    .filter((journal) => journal !== undefined);

/** Written before the first file is touched; hashes of an earlier unfinished journal are kept in it. */
export const openJournal = (stateDir: string, journal: Journal): Journal => {
  const earlier = readJournal(stateDir, journal.module.name, journal.kernel)?.ours ?? [];
  const whole = { ...journal, ours: [...new Set([...journal.ours, ...earlier])] };
  publishText(journalFile(stateDir, journal.module.name, journal.kernel), `${JSON.stringify(whole)}\n`);
  return whole;
};

export const closeJournal = (stateDir: string, name: string, kernel: Kernel): void =>
  remove(journalFile(stateDir, name, kernel));
