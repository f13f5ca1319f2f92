import { dirname, join } from 'node:path';
import type { Failure } from '../errors.ts';
import type { PassedOver } from '../outcome.ts';
import type { Given, Kernel, Module } from '../request.ts';
import { hashFile, isDirectory, readDirectory, readText, stat } from '../system/files.ts';
import { remove, removeEmpty, writeAtomic } from '../system/publish.ts';
import { failureLogFile, kernelOfRecord, recordFile, recordsDirectory } from './paths.ts';

/**
 * What we remember besides the dkms tree: what went into what was built, which files were installed,
 * and failures. One JSON file for a Module on a Kernel; a file that cannot be read counts as none.
 */

/**
 * Everything that goes into a build, by what it is, so that a change can be named. Hashes are over contents; what is
 * not there is empty.
 */
export interface KeyParts {
  readonly format: 1;
  /** `name/version`. */
  readonly module: string;
  /** `release/arch`. */
  readonly kernel: string;
  /** Where it is built: compilers write it into objects. */
  readonly directory: string;
  /** Of the source, less what a build itself wrote there. */
  readonly sources: string;
  /** Of the overrides of dkms.conf, the local patches and scripts. */
  readonly conf: string;
  /** Of what the compiler reads of the headers. */
  readonly headers: string;
  /** Of what kbuild runs there. */
  readonly kbuild: string;
  /** Of the file that `build_environment` names. */
  readonly environment: string;
  /** What the compiler says of itself: its version, and a hash of all of it. */
  readonly compiler: string;
  readonly linker: string;
  /** Where the kernel has BTF for modules. */
  readonly pahole: string;
  /** Directives of the command, and variables of the caller that kbuild reads. */
  readonly given: readonly string[];
  /** Name of each dependency, direct or not, to what it exports. */
  readonly dependencies: Readonly<Record<string, string>>;
}

/** What versions of ours before 0.2 remembered in place of KeyParts. */
export type EarlierParts = Readonly<Record<'sources' | 'conf' | 'headers' | 'compiler', string>> & {
  /** Of headers without CRCs: what the build of the kernel generated. */
  readonly generated?: string;
};

/** Symbols of one dependency that the built objects use. */
export interface UsedSymbols {
  readonly version: string;
  /** Name of a symbol to its CRC; without MODVERSIONS empty. */
  readonly crcs: Readonly<Record<string, string>>;
  /** Hash of the dependency's whole Module.symvers; counts where there are no CRCs. */
  readonly identity: string;
  /** The dependency's `result`, as far as it was known. */
  readonly result?: string;
}

export interface InstalledFile {
  /** Absolute path. */
  readonly path: string;
  readonly hash: string;
  readonly size: number;
  readonly mtimeMs: number;
  /** Not what was built, when we saw it first: somebody has changed what dkms installed. */
  readonly differs?: true;
}

/** Whether an installed file is still what was installed: size and time first, its bytes where they differ. */
export const isAsInstalled = ({ path, hash, size, mtimeMs }: InstalledFile): boolean => {
  const facts = stat(path);
  if (!facts) return false;
  return (facts.size === size && facts.mtimeMs === mtimeMs) || hashFile(path) === hash;
};

export interface BuildRecord {
  /** Built by dkms: what it was built from is what was there when we saw it first. */
  readonly adopted?: true;
  readonly parts?: KeyParts;
  /** In records of earlier versions, in place of `parts`. */
  readonly earlier?: EarlierParts;
  readonly dependencies: Readonly<Record<string, UsedSymbols>>;
  /** Hash of the objects before they were signed: the same build again has the same. Unknown of what dkms built. */
  readonly result?: string;
  /** What signed the objects, or tried to. Unknown of what dkms and earlier versions of ours built. */
  readonly signer?: string;
  /** Switches of the command that built it, as far as they say what is built. */
  readonly given?: Given;
  /** How long it took. */
  readonly seconds?: number;
  /** Fingerprint of the key that a Builder has signed it with, where it was prebuilt. */
  readonly builderKey?: string;
  /** Version of the kernel's package, where the build came by its kernel tag. */
  readonly kernelPackage?: string;
  /** Paths in the source that the build itself wrote, changed or removed: they are no change of it. */
  readonly writes?: readonly string[];
  /** File names that belong in the tree's module/ directory. */
  readonly objects: readonly string[];
}

interface FailureRecord {
  /** What was tried (inputsOf); the same inputs are not tried again by a hook. */
  readonly inputs: string;
  /** The same in parts, where it was a build. */
  readonly parts?: KeyParts;
  readonly failure: Failure;
  /** ISO 8601. */
  readonly at: string;
  /** Shown again but tried again too: disk full, no memory, no compiler. */
  readonly transient: boolean;
  /** The version that was installed before and will load. */
  readonly stays?: string;
}

export interface EntryRecord {
  readonly version: 2;
  readonly build?: BuildRecord;
  readonly installed?: readonly InstalledFile[];
  readonly failure?: FailureRecord;
  /** Why the last run did nothing for it. */
  readonly passedOver?: PassedOver;
  /** Since when for that reason, ISO 8601; unknown in records of earlier versions. */
  readonly passedOverAt?: string;
}

/** Records of versions before 0.2, which know no Key, and do not know this one's: they would take it for dkms's. */
interface EarlierRecord {
  readonly version: 1;
  readonly build?: Omit<BuildRecord, 'parts' | 'earlier'> & { readonly fingerprint: EarlierParts };
}

const hasVersion = <V extends number>(value: unknown, version: V): value is { readonly version: V } =>
  value instanceof Object && 'version' in value && value.version === version;

const isRecord = (value: unknown): value is EntryRecord => hasVersion(value, 2);
const isEarlier = (value: unknown): value is EarlierRecord => hasVersion(value, 1);

const fromEarlier = ({ build, ...rest }: EarlierRecord): EntryRecord => {
  if (!build) return { ...rest, version: 2 };
  const { fingerprint, ...same } = build;
  return { ...rest, version: 2, build: { ...same, earlier: fingerprint } };
};

const nothingKnown: EntryRecord = { version: 2 };

/** What is remembered of a Module on a Kernel; an empty record if nothing is. */
export const readRecord = (stateDir: string, module: Module, kernel: Kernel): EntryRecord => {
  try {
    const value: unknown = JSON.parse(readText(recordFile(stateDir, module, kernel)) ?? 'null');
    if (isRecord(value)) return value;
    return isEarlier(value) ? fromEarlier(value) : nothingKnown;
  } catch {
    return nothingKnown;
  }
};

/** Write down what is known; what says the same already is left as it is. */
export const writeRecord = (stateDir: string, module: Module, kernel: Kernel, record: EntryRecord): void => {
  const path = recordFile(stateDir, module, kernel);
  const text = `${JSON.stringify(record, undefined, 1)}\n`;
  if (readText(path) !== text) writeAtomic(path, text);
};

const removeWithDirectories = (path: string, stateDir: string): void => {
  remove(path);
  removeEmpty(dirname(path), stateDir);
};

/** Remove the log that was kept of a failure. */
export const removeLog = (stateDir: string, module: Module, kernel: Kernel): void =>
  removeWithDirectories(failureLogFile(stateDir, module, kernel), stateDir);

/** Forget a Module on a Kernel, with its kept log. */
export const forgetRecord = (stateDir: string, module: Module, kernel: Kernel): void => {
  removeWithDirectories(recordFile(stateDir, module, kernel), stateDir);
  removeLog(stateDir, module, kernel);
};

/** Seconds that a build of a Module took on whatever Kernel, of this version or else of another; the last that is known. */
export const secondsElsewhere = (stateDir: string, { name, version }: Module): number | undefined => {
  const top = join(recordsDirectory(stateDir), name);
  const secondsOf = (of: string): number | undefined =>
    readDirectory(join(top, of))
      .flatMap((file) => kernelOfRecord(file) ?? [])
      .map((kernel) => readRecord(stateDir, { name, version: of }, kernel).build?.seconds)
      .findLast((seconds) => seconds !== undefined);
  if (!isDirectory(top)) return undefined;
  const others = readDirectory(top).filter((of) => of !== version);
  return [...others, version].map(secondsOf).findLast((seconds) => seconds !== undefined);
};

/** Every Module and Kernel that something is remembered of. */
export const recordedEntries = (stateDir: string): { readonly module: Module; readonly kernel: Kernel }[] => {
  const top = recordsDirectory(stateDir);
  const below = (...path: string[]): string[] =>
    isDirectory(join(top, ...path)) ? readDirectory(join(top, ...path)) : [];
  return below().flatMap((name) =>
    below(name).flatMap((version) =>
      below(name, version).flatMap((file) => {
        const kernel = kernelOfRecord(file);
        return kernel ? [{ module: { name, version }, kernel }] : [];
      }),
    ),
  );
};
