import type { KernelSymbol } from '../kernel/symvers.ts';
import { vermagicProblem } from '../kernel/vermagic.ts';
import type { Problem } from '../problems.ts';

/**
 * Whether the kernel will load what is installed. A module's version string must be the kernel's, and
 * each symbol that it wants must be exported, with the CRC that it was built with where the kernel has MODVERSIONS.
 * Names do not count: `depends=` and `name=` in an object are those of before DEST_MODULE_NAME renamed it, and what
 * modprobe loads before it depmod finds by symbols.
 * Source: kernel/module/main.c (simplify_symbols, find_symbol) and kernel/module/version.c (check_version). Where the
 * CRC of a symbol is missing in the object, Debian's kernels refuse it; others may load it, with a warning.
 */

/** What one object file says of itself. */
export interface ObjectFacts {
  readonly vermagic: string;
  /** Symbols that somebody else must have. */
  readonly undefined: readonly string[];
  /** CRCs that it was built against; empty on kernels without MODVERSIONS. */
  readonly imports: ReadonlyMap<string, string>;
  readonly exports: ReadonlyMap<string, string>;
  /** A signature is appended to it, by whomever. */
  readonly signed: boolean;
}

/** An out-of-tree object on a Kernel. */
export interface InstalledObject {
  /** That of its file. */
  readonly name: string;
  /** The name of the Module that it belongs to. */
  readonly module: string;
  readonly facts: ObjectFacts;
}

/** What an object is to be loaded among. */
export interface Surroundings {
  readonly release: string;
  /** The headers' own version string; undefined if there are no headers. */
  readonly vermagic: string | undefined;
  /** What the kernel exports; undefined if nobody knows. */
  readonly kernelSymbols: ReadonlyMap<string, KernelSymbol> | undefined;
  /** Without headers: a symbol that is not among these may be the kernel's all the same. */
  readonly isPartial?: boolean;
  /** Every out-of-tree object of the Kernel. */
  readonly ours: readonly InstalledObject[];
  /** Whether modprobe finds a module of the kernel's own, by its name; undefined if nobody knows. */
  readonly hasModule?: (name: string) => boolean;
  /** Symbol to the CRCs of objects that somebody else has installed beside the kernel's own and ours. */
  readonly foreign?: ReadonlyMap<string, readonly string[]>;
  /** The kernel loads signed modules only: module.sig_enforce, CONFIG_MODULE_SIG_FORCE, lockdown (kernel_lockdown(7)). */
  readonly onlySigned?: boolean;
}

interface Provider {
  readonly crc: string;
  /** The kernel itself or a module of its own if undefined. */
  readonly object?: InstalledObject;
}

/** Symbols that the loader makes itself. Source: arch/x86 and arch/powerpc of the kernel's module loader. */
const loaderSymbols: ReadonlySet<string> = new Set(['_GLOBAL_OFFSET_TABLE_', '.TOC.', '__this_module']);

/** Its CRC stands for the layout of the loader's own data; no object refers to it by name. */
const layout = 'module_layout';

/**
 * The symbols that somebody else must have, with the layout of the loader's data where it has a CRC. What it was built
 * against names most of them, also where nm(1) of the binutils is missing; weak ones among these may be missing.
 *
 * @param isPartial without headers, where what may be missing is not refused
 */
export const symbolsOf = ({ undefined: wanted, imports }: ObjectFacts, isPartial = false): string[] => [
  ...new Set([
    ...(imports.has(layout) ? [layout] : []),
    ...(isPartial ? imports.keys() : []),
    ...wanted.filter((name) => !loaderSymbols.has(name)),
  ]),
];

const nameInKernel = (name: string): string => name.replaceAll('-', '_');

/** An object of ours stands in the place of the kernel's own one of that name. */
const isReplaced = ({ object }: KernelSymbol, ours: readonly InstalledObject[]): boolean =>
  ours.some(({ name }) => nameInKernel(name) === nameInKernel(object));

const isOnDisk = ({ object }: KernelSymbol, hasModule: Surroundings['hasModule']): boolean =>
  hasModule === undefined || hasModule(nameInKernel(object));

/** The kernel's image comes first: no module can take a symbol from it. */
const providersOf = (symbol: string, { kernelSymbols, ours, hasModule, foreign }: Surroundings): Provider[] => {
  const own = kernelSymbols?.get(symbol);
  if (own?.object === 'vmlinux') return [{ crc: own.crc }];
  const fromOurs = ours.flatMap((object): Provider[] => {
    const crc = object.facts.exports.get(symbol);
    return crc === undefined ? [] : [{ crc, object }];
  });
  const fromOthers = (foreign?.get(symbol) ?? []).map((crc): Provider => ({ crc }));
  const isThere = own !== undefined && !isReplaced(own, ours) && isOnDisk(own, hasModule);
  return [...fromOurs, ...(isThere ? [{ crc: own.crc }] : []), ...fromOthers];
};

const hasVersions = ({ vermagic }: ObjectFacts): boolean => vermagic.split(' ').includes('modversions');

const fits = (facts: ObjectFacts, symbol: string, { crc }: Provider): boolean =>
  !hasVersions(facts) || facts.imports.get(symbol) === crc;

/** What an object without a symbol's CRC was built without: the kernel's symbols, or those of another object. */
const builtWithout = ({ module }: InstalledObject, { object }: Provider): { object?: string; dependency?: string } => {
  if (!object) return {};
  return { object: object.name, ...(object.module === module ? {} : { dependency: object.module }) };
};

/** A module that belongs to this kernel may be in a package of its own: linux-modules-extra, kernel-modules-extra. */
const nobodyHas = (symbol: string, { kernelSymbols, ours }: Surroundings): Problem => {
  const own = kernelSymbols?.get(symbol);
  return own && !isReplaced(own, ours)
    ? { problem: 'module-not-there', symbol, module: own.object }
    : { problem: 'unknown-symbol', symbol };
};

const symbolProblem = (object: InstalledObject, symbol: string, among: Surroundings): Problem | undefined => {
  const providers = providersOf(symbol, among);
  const [first] = providers;
  if (!first) return among.isPartial ? undefined : nobodyHas(symbol, among);
  if (providers.some((provider) => fits(object.facts, symbol, provider))) return undefined;
  const wanted = object.facts.imports.get(symbol);
  if (wanted === undefined) return { problem: 'no-symbol-version', symbol, ...builtWithout(object, first) };
  const exporter = first.object?.name ?? 'the kernel';
  return { problem: 'symbol-version', symbol, wanted, exporter, crc: first.crc };
};

const signatureProblem = ({ signed }: ObjectFacts, { onlySigned }: Surroundings): Problem | undefined =>
  onlySigned && !signed ? { problem: 'unsigned' } : undefined;

/** Why an object will not load in its surroundings; undefined if it will. */
export const loadProblem = (object: InstalledObject, among: Surroundings): Problem | undefined => {
  const { facts } = object;
  const problem = vermagicProblem(facts.vermagic, among.release, among.vermagic) ?? signatureProblem(facts, among);
  if (problem || !among.kernelSymbols) return problem;
  for (const symbol of symbolsOf(facts, among.isPartial)) {
    const found = symbolProblem(object, symbol, among);
    if (found) return found;
  }
  return undefined;
};

/** For each symbol of an object those that have it as it wants it. */
const fittingOf = ({ facts }: InstalledObject, among: Surroundings): Provider[][] =>
  symbolsOf(facts, among.isPartial).map((symbol) =>
    providersOf(symbol, among).filter((provider) => fits(facts, symbol, provider)),
  );

/** Symbols of an object of which nobody here knows whether the kernel has them, and as it wants them. */
export const uncheckedSymbols = ({ facts }: InstalledObject, among: Surroundings): string[] =>
  among.isPartial ? symbolsOf(facts, true).filter((symbol) => providersOf(symbol, among).length === 0) : [];

/** The objects that will not load, each with the reason. What gets a symbol from one of them will not load either. */
export const loadProblems = (among: Surroundings): Map<InstalledObject, Problem> => {
  const found = new Map<InstalledObject, Problem>();
  for (const object of among.ours) {
    const problem = loadProblem(object, among);
    if (problem) found.set(object, problem);
  }
  const isBad = ({ object }: Provider): boolean => object !== undefined && found.has(object);
  const wants = among.ours.map((object) => ({ object, symbols: fittingOf(object, among) }));
  // A Map goes on to what is added to it on the way.
  for (const bad of found.keys()) {
    for (const { object, symbols } of wants.filter((one) => !found.has(one.object))) {
      const isStuck = symbols.some((from) => from.some((one) => one.object === bad) && from.every(isBad));
      if (isStuck) found.set(object, { problem: 'needs-unloadable', object: bad.name });
    }
  }
  return found;
};
