import { join } from 'node:path';
import type { Failure } from '../errors.ts';
import { objectNameOf } from '../kernel/compression.ts';
import { runningKernel } from '../kernel/kernel.ts';
import { exportedCrcs, withPlainObject } from '../kernel/modinfo.ts';
import { type KernelSymbol, parseKernelSymbols } from '../kernel/symvers.ts';
import type { Problem } from '../problems.ts';
import { type Kernel, type Module, moduleLabel, sameModule } from '../request.ts';
import type { Run } from '../run/run.ts';
import { exists, readText } from '../system/files.ts';
import { filesOnKernel } from '../tree/installed-files.ts';
import { moduleFiles } from '../tree/originals.ts';
import { installedVersion, readTree } from '../tree/tree.ts';
import { type InstalledObject, loadProblems, type Surroundings, symbolsOf, uncheckedSymbols } from './load-rules.ts';
import { readModulesDep } from './modules-dep.ts';
import { knownObjects } from './object-facts.ts';
import { ownSymbols } from './own-symbols.ts';

/** Looks at what is installed on a Kernel, for the rules of what will load. */

/** Why one installed object will not load. */
export interface LoadFailure {
  readonly module: Module;
  /** kind is will-not-load. */
  readonly failure: Failure;
}

/** Symbols of a Module's objects that could not be compared, of all that these want. */
interface Unchecked {
  readonly module: Module;
  readonly symbols: number;
  readonly of: number;
}

/** What was looked at on a Kernel. */
export interface LoadCheck {
  readonly objects: number;
  /** How many of them are a Module's, by moduleLabel. */
  readonly objectsOf: ReadonlyMap<string, number>;
  /** False where the headers are missing: nothing but the release could be compared. */
  readonly certain: boolean;
  readonly failures: readonly LoadFailure[];
  /** Without headers: of each Module that it is true of, how many symbols could not be compared. */
  readonly unchecked: readonly Unchecked[];
}

/** What the headers' Module.symvers says the kernel exports; undefined if there is none. */
const kernelSymbolsOf = (headers: string | undefined): Map<string, KernelSymbol> | undefined => {
  const text = headers && readText(join(headers, 'Module.symvers'));
  return text ? parseKernelSymbols(text) : undefined;
};

/** Modules that the dkms tree calls installed on a Kernel. */
const installedModules = (run: Run, kernel: Kernel): Module[] => {
  const { dkmsTree, sourceTree } = run.settings;
  return readTree(dkmsTree, sourceTree)
    .map((entry) => entry.module)
    .filter((module) => installedVersion(dkmsTree, module.name, kernel) === module.version);
};

const failureOf = (at: string, problem: Problem): Failure => ({ kind: 'will-not-load', at, problem });

interface Found {
  readonly module: Module;
  readonly path: string;
  readonly object: InstalledObject;
}

/** What somebody else has installed (kmod packages in extra/, weak-updates/, a vendor's installer): symbol to CRCs. */
const foreignSymbols = async (run: Run, kernel: Kernel, ours: readonly Found[]): Promise<Map<string, string[]>> => {
  const directory = join(run.settings.installTree, kernel.release);
  const known = new Set(ours.map(({ path }) => path));
  const paths = [...moduleFiles(directory).values()]
    .flat()
    .filter((path) => !path.startsWith(`${directory}/kernel/`) && !known.has(path));
  const symbols = new Map<string, string[]>();
  for (const path of paths) {
    const exported = await withPlainObject(run, path, (plain) => exportedCrcs(run.processes, plain));
    for (const [symbol, crc] of exported) symbols.set(symbol, [...(symbols.get(symbol) ?? []), crc]);
  }
  return symbols;
};

/** Of the running kernel its own word counts, of any other its configuration. */
const loadsOnlySigned = (run: Run, kernel: Kernel): boolean => {
  // A trial signs nothing: that is the machine's own part.
  if (run.settings.isTrial) return false;
  if (run.factsOf(kernel).config.get('CONFIG_MODULE_SIG_FORCE') === 'y') return true;
  if (kernel.release !== runningKernel() || run.settings.privateInstallTree) return false;
  return (
    readText('/sys/module/module/parameters/sig_enforce')?.startsWith('Y') === true ||
    /\[(integrity|confidentiality)\]/.test(readText('/sys/kernel/security/lockdown') ?? '')
  );
};

/** Where nothing of the kernel's own is installed (headers alone, an image being made) nobody knows what will be there. */
const ownModules = (run: Run, kernel: Kernel): Pick<Surroundings, 'hasModule'> => {
  const listed = readModulesDep(join(run.settings.installTree, kernel.release));
  const isKnown = listed !== undefined && [...listed.paths].some((path) => path.startsWith('kernel/'));
  return isKnown ? { hasModule: (name) => listed.names.has(name) } : {};
};

/** The kernel's symbols by its headers, or as far as its own modules know them where builds come from elsewhere. */
const symbolsOfKernel = async (
  run: Run,
  kernel: Kernel,
  ours: readonly Found[],
): Promise<Pick<Surroundings, 'kernelSymbols' | 'isPartial'>> => {
  const { headers } = run.factsOf(kernel);
  // A trial has the names of the kernel's own modules alone.
  if (headers !== undefined || run.settings.prebuilt.from === undefined || run.settings.isTrial)
    return { kernelSymbols: kernelSymbolsOf(headers) };
  const wanted = new Set(ours.flatMap(({ object }) => symbolsOf(object.facts, true)));
  const kernelSymbols = await ownSymbols(run, kernel, wanted, new Set(ours.map(({ path }) => path)));
  return { kernelSymbols, isPartial: true };
};

const surroundingsOf = async (run: Run, kernel: Kernel, ours: readonly Found[]): Promise<Surroundings> => ({
  release: kernel.release,
  vermagic: await run.vermagicOf(kernel),
  ...(await symbolsOfKernel(run, kernel, ours)),
  ours: ours.map((one) => one.object),
  onlySigned: loadsOnlySigned(run, kernel),
  ...ownModules(run, kernel),
});

/** What others have installed is looked at only where something is missing: it takes a process for each object. */
const withForeign = async (
  run: Run,
  kernel: Kernel,
  found: readonly Found[],
  among: Surroundings,
): Promise<Surroundings> => {
  const isMissing = ({ problem }: Problem): boolean => problem === 'unknown-symbol' || problem === 'module-not-there';
  const isWanted =
    among.ours.some((object) => uncheckedSymbols(object, among).length > 0) ||
    [...loadProblems(among).values()].some(isMissing);
  return isWanted ? { ...among, foreign: await foreignSymbols(run, kernel, found) } : among;
};

/** A symbol that two objects of a Module want counts once. */
const uncheckedOf = (module: Module, objects: readonly InstalledObject[], among: Surroundings): Unchecked[] => {
  const symbols = new Set(objects.flatMap((object) => uncheckedSymbols(object, among))).size;
  const of = new Set(objects.flatMap(({ facts }) => symbolsOf(facts, true))).size;
  return symbols > 0 ? [{ module, symbols, of }] : [];
};

/** Look at every installed object of every Module on a Kernel; nothing is loaded. */
export const checkLoading = async (run: Run, kernel: Kernel): Promise<LoadCheck> => {
  const failures: LoadFailure[] = [];
  const objectsOf = new Map<string, number>();
  const found: Found[] = [];
  const known = knownObjects(run, kernel.release);
  for (const module of installedModules(run, kernel)) {
    const files = filesOnKernel(run, module, kernel);
    objectsOf.set(moduleLabel(module), files.length);
    for (const { path } of files) {
      const name = objectNameOf(path) ?? path;
      if (exists(path))
        found.push({ module, path, object: { name, module: module.name, facts: await known.factsOf(path) } });
      else failures.push({ module, failure: failureOf(path, { problem: 'file-gone' }) });
    }
  }
  known.keep();
  const objects = found.length + failures.length;
  if (found.length === 0) return { objects, objectsOf, certain: true, failures, unchecked: [] };
  const among = await withForeign(run, kernel, found, await surroundingsOf(run, kernel, found));
  const problems = loadProblems(among);
  for (const { module, path, object } of found) {
    const problem = problems.get(object);
    if (problem) failures.push({ module, failure: failureOf(path, problem) });
  }
  const certain = among.vermagic !== undefined && among.kernelSymbols !== undefined;
  const unchecked = installedModules(run, kernel).flatMap((module) => {
    const own = found.filter((one) => sameModule(one.module, module)).map(({ object }) => object);
    return uncheckedOf(module, own, among);
  });
  return { objects, objectsOf, certain, failures, unchecked };
};

/** Objects of a Module that are not installed yet. */
export interface Incoming {
  readonly module: Module;
  readonly kernel: Kernel;
  /** Absolute paths of uncompressed objects. */
  readonly paths: readonly string[];
}

/** Why some of the objects will not load, and how much of them could not be looked at. */
export interface IncomingCheck {
  readonly problems: readonly Problem[];
  readonly unchecked: readonly Unchecked[];
}

/**
 * Whether a Module's objects will load on a Kernel among what is installed there, once they are signed.
 *
 * @returns for each that will not the reason, and what could not be compared
 */
export const checkIncoming = async (run: Run, { module, kernel, paths }: Incoming): Promise<IncomingCheck> => {
  const known = knownObjects(run, kernel.release);
  const look = async (of: Module, path: string): Promise<Found> => {
    const name = objectNameOf(path.split('/').at(-1) ?? '') ?? path;
    return { module: of, path, object: { name, module: of.name, facts: await known.factsOf(path) } };
  };
  const incoming: Found[] = [];
  for (const path of paths) incoming.push(await look(module, path));
  const others: Found[] = [];
  for (const other of installedModules(run, kernel).filter(({ name }) => name !== module.name)) {
    for (const { path } of filesOnKernel(run, other, kernel).filter((file) => exists(file.path)))
      others.push(await look(other, path));
  }
  const all = [...others, ...incoming];
  const surroundings: Surroundings = { ...(await surroundingsOf(run, kernel, all)), onlySigned: false };
  const among = await withForeign(run, kernel, all, surroundings);
  const problems = loadProblems(among);
  const objects = incoming.map(({ object }) => object);
  return {
    problems: objects.flatMap((object) => problems.get(object) ?? []),
    unchecked: uncheckedOf(module, objects, among),
  };
};

/** Installed objects that depmod has not seen. Where it was never run (an image being made) it is still to come. */
export const unlistedOn = (run: Run, kernel: Kernel): LoadFailure[] => {
  const directory = join(run.settings.installTree, kernel.release);
  const listed = readModulesDep(directory)?.paths;
  if (!listed) return [];
  const problem = { problem: 'not-listed', release: kernel.release } as const;
  return installedModules(run, kernel).flatMap((module) =>
    filesOnKernel(run, module, kernel)
      .filter(({ path }) => exists(path) && !listed.has(path.slice(directory.length + 1)))
      .map(({ path }) => ({ module, failure: failureOf(path, problem) })),
  );
};
