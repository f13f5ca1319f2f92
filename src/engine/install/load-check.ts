import { basename, join } from 'node:path';
import type { Failure } from '../errors.ts';
import { type Compression, compressionOf, objectNameOf } from '../kernel/compression.ts';
import type { Kernel, Module } from '../request.ts';
import type { Run } from '../run/run.ts';
import type { Argv } from '../system/exec.ts';
import { exists, readText } from '../system/files.ts';
import { makeDirectory, remove } from '../system/publish.ts';
import { filesOnKernel } from '../tree/installed-files.ts';
import { installedVersion, readTree } from '../tree/tree.ts';

/**
 * Will modprobe load what is installed? A module's version string must be the headers' own, and each symbol
 * that it wants must be exported with the same CRC by the kernel or by a module that it names as a dependency.
 * Source: kernel/module/main.c (simplify_symbols, resolve_symbol) and kernel/module/version.c.
 */

/** Why one installed object will not load. */
interface LoadFailure {
  readonly module: Module;
  /** kind is will-not-load. */
  readonly failure: Failure;
}

/** What was looked at on a Kernel. */
export interface LoadCheck {
  readonly objects: number;
  /** False where the headers are missing: nothing but the release could be compared. */
  readonly certain: boolean;
  readonly failures: readonly LoadFailure[];
}

/** What one object file says of itself. */
export interface ObjectFacts {
  readonly vermagic: string;
  /** Names of the objects that modprobe loads before it. */
  readonly depends: readonly string[];
  /** Symbols that somebody else must have. */
  readonly undefined: readonly string[];
  /** CRCs that it was built against; empty on kernels without MODVERSIONS. */
  readonly imports: ReadonlyMap<string, string>;
  readonly exports: ReadonlyMap<string, string>;
}

/** A symbol of the kernel itself or of one of its own modules. */
export interface KernelSymbol {
  readonly crc: string;
  /** `vmlinux`, or an object name. */
  readonly object: string;
}

export interface InstalledObject {
  readonly name: string;
  readonly facts: ObjectFacts;
}

const nameInKernel = (name: string): string => name.replaceAll('-', '_');

/** Symbols that the loader makes itself. Source: arch/x86 and arch/powerpc of the kernel's module loader. */
const loaderSymbols = new Set(['_GLOBAL_OFFSET_TABLE_', '.TOC.', '__this_module']);

const symbolProblem = (
  object: InstalledObject,
  symbol: string,
  kernelSymbols: ReadonlyMap<string, KernelSymbol>,
  ours: readonly InstalledObject[],
): string | undefined => {
  const providers = ours.filter((other) => other.name !== object.name && other.facts.exports.has(symbol));
  const names = new Set(ours.map((other) => nameInKernel(other.name)));
  const own = kernelSymbols.get(symbol);
  // An object of ours stands in the place of the kernel's own one of that name.
  const fromKernel = own && !names.has(nameInKernel(own.object)) ? own : undefined;
  const wanted = object.facts.imports.get(symbol);
  const crcs = [...providers.map((one) => one.facts.exports.get(symbol)), ...(fromKernel ? [fromKernel.crc] : [])];
  if (crcs.length === 0) return `nobody exports ${symbol}`;
  if (wanted !== undefined && !crcs.includes(wanted)) {
    const from = providers[0] ? `${providers[0].name} exports` : 'the kernel exports';
    return `it was built for another ${symbol} (CRC ${wanted}) than ${from} (CRC ${crcs[0]})`;
  }
  const isNamed = providers.some((one) => object.facts.depends.map(nameInKernel).includes(nameInKernel(one.name)));
  if (fromKernel || isNamed) return undefined;
  return `it uses ${symbol} of ${providers[0]?.name} and does not name it as a dependency: it was built without its symbols`;
};

/**
 * Why an object will not load among the others of a Kernel; undefined if it will.
 *
 * @param vermagic the headers' own version string, undefined if there are no headers
 * @param ours every out-of-tree object of the Kernel, this one included
 */
export const loadProblem = (
  object: InstalledObject,
  release: string,
  vermagic: string | undefined,
  kernelSymbols: ReadonlyMap<string, KernelSymbol> | undefined,
  ours: readonly InstalledObject[],
): string | undefined => {
  const { facts } = object;
  // Headers may be of another release themselves; then theirs is not what the kernel wants.
  const wanted = vermagic?.split(' ')[0] === release ? vermagic : undefined;
  const isRight = wanted === undefined ? facts.vermagic.split(' ')[0] === release : facts.vermagic === wanted;
  if (!isRight) return `it is for "${facts.vermagic}", the kernel wants "${wanted ?? release}"`;
  if (!kernelSymbols) return undefined;
  for (const symbol of facts.undefined.filter((name) => !loaderSymbols.has(name))) {
    const problem = symbolProblem(object, symbol, kernelSymbols, ours);
    if (problem) return problem;
  }
  return undefined;
};

/**
 * The objects of a Kernel that will not load, each with the reason. What needs one of them will not load either.
 * Parameters as those of loadProblem.
 */
export const loadProblems = (
  ours: readonly InstalledObject[],
  release: string,
  vermagic: string | undefined,
  kernelSymbols: ReadonlyMap<string, KernelSymbol> | undefined,
): Map<InstalledObject, string> => {
  const found = new Map<InstalledObject, string>();
  for (const object of ours) {
    const problem = loadProblem(object, release, vermagic, kernelSymbols, ours);
    if (problem) found.set(object, problem);
  }
  // A Map goes on to what is added to it on the way.
  for (const bad of found.keys()) {
    const needsIt = ours.filter(({ facts }) => facts.depends.map(nameInKernel).includes(nameInKernel(bad.name)));
    for (const object of needsIt.filter((one) => !found.has(one))) {
      found.set(object, `it needs ${bad.name}, which will not load`);
    }
  }
  return found;
};

const unpackers: Readonly<Record<Exclude<Compression, 'none'>, string>> = { gz: 'gzip', xz: 'xz', zst: 'zstd' };

/** binutils read no compressed objects, nor does every kmod. */
const plainFile = async (run: Run, path: string): Promise<string> => {
  const compression = compressionOf(path) ?? 'none';
  if (compression === 'none') return path;
  const plain = join(run.scratch, 'load-check', `${objectNameOf(basename(path))}.ko`);
  makeDirectory(join(run.scratch, 'load-check'));
  await run.processes.ask(['sh', '-c', 'exec "$1" -dc -- "$2" >"$3"', 'sh', unpackers[compression], path, plain], {
    limit: 30,
  });
  return plain;
};

const outputOf = async (run: Run, argv: Argv): Promise<string> => {
  const ended = await run.processes.ask(argv, { limit: 30 });
  return ended.code === 0 ? ended.output : '';
};

const crcLines = (text: string): Map<string, string> =>
  new Map([...text.matchAll(/^(0x[0-9a-f]+)\s+(\S+)$/gm)].map(([, crc, symbol]) => [symbol ?? '', crc ?? '']));

const fieldOf = (text: string, name: string): string =>
  new RegExp(`^${name}:[ \\t]*(.*)$`, 'm').exec(text)?.[1]?.trim() ?? '';

const factsOf = async (run: Run, path: string): Promise<ObjectFacts> => {
  const plain = await plainFile(run, path);
  try {
    const info = await outputOf(run, ['modinfo', plain]);
    const undefinedOnes = await outputOf(run, ['nm', '--undefined-only', '--no-sort', plain]);
    return {
      vermagic: fieldOf(info, 'vermagic'),
      depends: fieldOf(info, 'depends').split(',').filter(Boolean),
      undefined: [...undefinedOnes.matchAll(/^\s+U (\S+)$/gm)].map((match) => match[1] ?? ''),
      imports: crcLines(await outputOf(run, ['modprobe', '--dump-modversions', plain])),
      exports: crcLines(await outputOf(run, ['modprobe', '--show-exports', plain])),
    };
  } finally {
    if (plain !== path) remove(plain);
  }
};

/** What the headers' Module.symvers says the kernel exports; undefined if there is none. */
const kernelSymbolsOf = (headers: string | undefined): Map<string, KernelSymbol> | undefined => {
  const text = headers && readText(join(headers, 'Module.symvers'));
  if (!text) return undefined;
  const lines = text.split('\n').map((line) => line.split('\t'));
  return new Map(
    lines.flatMap(([crc, symbol, object]) =>
      crc && symbol && object ? [[symbol, { crc: crc.toLowerCase(), object: basename(object) }] as const] : [],
    ),
  );
};

/** Modules that the dkms tree calls installed on a Kernel. */
const installedModules = (run: Run, kernel: Kernel): Module[] => {
  const { dkmsTree, sourceTree } = run.settings;
  return readTree(dkmsTree, sourceTree)
    .map((entry) => entry.module)
    .filter((module) => installedVersion(dkmsTree, module.name, kernel) === module.version);
};

const failureOf = (at: string, detail: string): Failure => ({ kind: 'will-not-load', at, detail });

/** Look at every installed object of every Module on a Kernel; nothing is loaded. */
export const checkLoading = async (run: Run, kernel: Kernel): Promise<LoadCheck> => {
  const failures: LoadFailure[] = [];
  const found: { module: Module; path: string; object: InstalledObject }[] = [];
  for (const module of installedModules(run, kernel)) {
    for (const { path } of filesOnKernel(run, module, kernel)) {
      const name = objectNameOf(basename(path)) ?? basename(path);
      if (exists(path)) found.push({ module, path, object: { name, facts: await factsOf(run, path) } });
      else failures.push({ module, failure: failureOf(path, 'it is gone') });
    }
  }
  const objects = found.length + failures.length;
  if (found.length === 0) return { objects, certain: true, failures };
  const vermagic = await run.vermagicOf(kernel);
  const kernelSymbols = kernelSymbolsOf(run.factsOf(kernel).headers);
  const ours = found.map((one) => one.object);
  const problems = loadProblems(ours, kernel.release, vermagic, kernelSymbols);
  for (const { module, path, object } of found) {
    const problem = problems.get(object);
    if (problem) failures.push({ module, failure: failureOf(path, problem) });
  }
  return { objects, certain: vermagic !== undefined && kernelSymbols !== undefined, failures };
};
