import { basename, join } from 'node:path';
import { probeEnvironment } from './environment.ts';
import type { Failure } from './errors.ts';
import { exists, makeDirectory, readText, remove } from './files.ts';
import { filesOnKernel } from './install.ts';
import { type Compression, compressionOf, objectNameOf } from './kernel.ts';
import { type InstalledObject, type KernelSymbol, loadProblems, type ObjectFacts } from './load-rules.ts';
import { parseCrcs, parseKernelSymbols, parseUndefined } from './object-facts.ts';
import type { Kernel, Module } from './request.ts';
import type { Run } from './run.ts';
import { installedVersion, readTree } from './tree.ts';

/** Looks at what is installed on a Kernel, for the rules of what will load. */

/** Why one installed object will not load. */
export interface LoadFailure {
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

const unpackers: Readonly<Record<Exclude<Compression, 'none'>, string>> = { gz: 'gzip', xz: 'xz', zst: 'zstd' };

/** binutils read no compressed objects, nor does every kmod. */
const plainFile = async (run: Run, path: string): Promise<string> => {
  const compression = compressionOf(path) ?? 'none';
  if (compression === 'none') return path;
  const plain = join(run.scratch, 'load-check', `${objectNameOf(basename(path))}.ko`);
  makeDirectory(join(run.scratch, 'load-check'));
  await run.processes.run({
    argv: ['sh', '-c', 'exec "$1" -dc -- "$2" >"$3"', 'sh', unpackers[compression], path, plain],
    environment: probeEnvironment(run.settings.environment),
    limit: 30,
  });
  return plain;
};

const outputOf = async (run: Run, argv: readonly [string, ...string[]]): Promise<string> => {
  const ended = await run.processes.run({ argv, environment: probeEnvironment(run.settings.environment), limit: 30 });
  return ended.code === 0 ? ended.output : '';
};

const factsOf = async (run: Run, path: string): Promise<ObjectFacts> => {
  const plain = await plainFile(run, path);
  try {
    return {
      vermagic: (await outputOf(run, ['modinfo', '-F', 'vermagic', plain])).trim(),
      undefined: parseUndefined(await outputOf(run, ['nm', '--undefined-only', '--no-sort', plain])),
      imports: parseCrcs(await outputOf(run, ['modprobe', '--dump-modversions', plain])),
      exports: parseCrcs(await outputOf(run, ['modprobe', '--show-exports', plain])),
    };
  } finally {
    if (plain !== path) remove(plain);
  }
};

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

const failureOf = (at: string, detail: string): Failure => ({ kind: 'will-not-load', at, detail });

/** Look at every installed object of every Module on a Kernel; nothing is loaded. */
export const checkLoading = async (run: Run, kernel: Kernel): Promise<LoadCheck> => {
  const failures: LoadFailure[] = [];
  const found: { module: Module; path: string; object: InstalledObject }[] = [];
  for (const module of installedModules(run, kernel)) {
    for (const { path } of filesOnKernel(run, module, kernel)) {
      const name = objectNameOf(basename(path)) ?? basename(path);
      if (exists(path))
        found.push({ module, path, object: { name, module: module.name, facts: await factsOf(run, path) } });
      else failures.push({ module, failure: failureOf(path, 'it is gone') });
    }
  }
  const objects = found.length + failures.length;
  if (found.length === 0) return { objects, certain: true, failures };
  const vermagic = await run.vermagicOf(kernel);
  const kernelSymbols = kernelSymbolsOf(run.factsOf(kernel).headers);
  const ours = found.map((one) => one.object);
  const problems = loadProblems({ release: kernel.release, vermagic, kernelSymbols, ours });
  for (const { module, path, object } of found) {
    const problem = problems.get(object);
    if (problem) failures.push({ module, failure: failureOf(path, problem) });
  }
  return { objects, certain: vermagic !== undefined && kernelSymbols !== undefined, failures };
};
