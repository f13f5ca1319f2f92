import { join } from 'node:path';
import type { Failure } from '../errors.ts';
import { objectNameOf } from '../kernel/compression.ts';
import { exportedCrcs, fieldOf, importedCrcs, undefinedIn, withPlainObject } from '../kernel/modinfo.ts';
import { type KernelSymbol, parseKernelSymbols } from '../kernel/symvers.ts';
import type { Problem } from '../problems.ts';
import { type Kernel, type Module, moduleLabel } from '../request.ts';
import type { Run } from '../run/run.ts';
import { exists, readText } from '../system/files.ts';
import { filesOnKernel } from '../tree/installed-files.ts';
import { installedVersion, readTree } from '../tree/tree.ts';
import { type InstalledObject, loadProblems, type ObjectFacts } from './load-rules.ts';

/** Looks at what is installed on a Kernel, for the rules of what will load. */

/** Why one installed object will not load. */
interface LoadFailure {
  readonly module: Module;
  /** kind is will-not-load. */
  readonly failure: Failure;
}

/** What was looked at on a Kernel. */
export interface LoadCheck {
  readonly objects: number;
  /** How many of them are a Module's, by moduleLabel. */
  readonly objectsOf: ReadonlyMap<string, number>;
  /** False where the headers are missing: nothing but the release could be compared. */
  readonly certain: boolean;
  readonly failures: readonly LoadFailure[];
}

const factsOf = (run: Run, path: string): Promise<ObjectFacts> =>
  withPlainObject(run, path, async (plain) => {
    const info = await run.processes.ask(['modinfo', plain], { limit: 30 });
    const names = await run.processes.ask(['nm', '--undefined-only', '--no-sort', plain], { limit: 30 });
    return {
      vermagic: fieldOf(info.output, 'vermagic'),
      undefined: undefinedIn(names.output),
      imports: await importedCrcs(run.processes, plain),
      exports: await exportedCrcs(run.processes, plain),
    };
  });

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

/** Look at every installed object of every Module on a Kernel; nothing is loaded. */
export const checkLoading = async (run: Run, kernel: Kernel): Promise<LoadCheck> => {
  const failures: LoadFailure[] = [];
  const objectsOf = new Map<string, number>();
  const found: { module: Module; path: string; object: InstalledObject }[] = [];
  for (const module of installedModules(run, kernel)) {
    const files = filesOnKernel(run, module, kernel);
    objectsOf.set(moduleLabel(module), files.length);
    for (const { path } of files) {
      const name = objectNameOf(path) ?? path;
      if (exists(path))
        found.push({ module, path, object: { name, module: module.name, facts: await factsOf(run, path) } });
      else failures.push({ module, failure: failureOf(path, { problem: 'file-gone' }) });
    }
  }
  const objects = found.length + failures.length;
  if (found.length === 0) return { objects, objectsOf, certain: true, failures };
  const vermagic = await run.vermagicOf(kernel);
  const kernelSymbols = kernelSymbolsOf(run.factsOf(kernel).headers);
  const ours = found.map((one) => one.object);
  const problems = loadProblems({ release: kernel.release, vermagic, kernelSymbols, ours });
  for (const { module, path, object } of found) {
    const problem = problems.get(object);
    if (problem) failures.push({ module, failure: failureOf(path, problem) });
  }
  return { objects, objectsOf, certain: vermagic !== undefined && kernelSymbols !== undefined, failures };
};
