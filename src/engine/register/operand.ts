import { basename, dirname, join } from 'node:path';
import { type Identified, identify } from '../conf/identify.ts';
import { FailureError } from '../errors.ts';
import { machineArch, runningKernel } from '../kernel/kernel.ts';
import { type Module, moduleLabel, type Operand, sameModule } from '../request.ts';
import type { Run } from '../run/run.ts';
import { placeCopy } from '../system/copy-directory.ts';
import { exists, isDirectory, realPath } from '../system/files.ts';
import { distrustedSource } from '../system/trust.ts';
import { readTree, type TreeEntry } from '../tree/tree.ts';
import { registerSources } from './registration.ts';

/** From what a command names to an entry of the dkms tree. */

const knownEntry = (run: Run, module: Module): TreeEntry | undefined =>
  readTree(run.settings.dkmsTree, run.settings.sourceTree).find((entry) => sameModule(entry.module, module));

const named = (operand: Operand | undefined): Module => {
  if (operand?.kind !== 'module' || !operand.version) {
    throw new FailureError({ kind: 'no-version', ...(operand?.kind === 'module' ? { at: operand.name } : {}) });
  }
  return { name: operand.name, version: operand.version };
};

/** The directory that holds the dkms.conf which a path names. */
const directoryOf = (path: string): string => (basename(path) === 'dkms.conf' ? dirname(path) : path);

/** What the source in a directory says that it is. Throws what is wrong with it (FailureError). */
export const identifyOne = async (run: Run, directory: string): Promise<Identified> => {
  const unsafe = distrustedSource(directory);
  if (unsafe) throw new FailureError(unsafe);
  const [found] = await identify(run, [directory], { release: runningKernel(), arch: machineArch() });
  if (!found) throw new FailureError({ kind: 'conf-missing', at: join(directory, 'dkms.conf') });
  if ('kind' in found) throw new FailureError(found);
  return found;
};

/** Copy a source directory to its place in the source tree; what stands there and nobody has registered is replaced. */
const copySource = async (run: Run, module: Module, from: string, to: string): Promise<void> => {
  const isTaken = isDirectory(to) && knownEntry(run, module) !== undefined;
  if (isTaken && !run.switches.force) throw new FailureError({ kind: 'already-added', at: to });
  const failure = await placeCopy(run.processes, from, to);
  if (failure !== undefined) throw new FailureError(failure);
};

/** The module that a command names; one given by a path is put into the source tree first. */
const moduleOf = async (run: Run, operand: Operand | undefined): Promise<Module> => {
  if (operand?.kind !== 'path') return named(operand);
  const directory = directoryOf(operand.path);
  if (!exists(join(directory, 'dkms.conf'))) {
    throw new FailureError({ kind: 'no-conf-here', at: join(directory, 'dkms.conf') });
  }
  const { module } = await identifyOne(run, directory);
  const place = join(run.settings.sourceTree, `${module.name}-${module.version}`);
  if (realPath(place) !== realPath(directory)) await copySource(run, module, directory, place);
  return module;
};

const registerModule = async (run: Run, module: Module): Promise<TreeEntry> => {
  const source = `${module.name}-${module.version}`;
  const directory = join(run.settings.sourceTree, source);
  if (!isDirectory(directory)) throw new FailureError({ kind: 'source-missing', at: directory });
  if (!exists(run.switches.conf ?? join(directory, 'dkms.conf'))) {
    throw new FailureError({ kind: 'conf-missing', at: join(directory, 'dkms.conf') });
  }
  const others = readTree(run.settings.dkmsTree, run.settings.sourceTree).filter(
    (entry) => !sameModule(entry.module, module),
  );
  const { entries, failures } = await registerSources(run, [source], others, undefined, false);
  const [failure] = failures;
  if (failure) throw new FailureError(failure);
  const [entry] = entries;
  if (!entry) throw new FailureError({ kind: 'source-missing', at: directory });
  return entry;
};

/** Make a module known. Throws already-added, source-missing, conf-missing or what is wrong with its conf. */
export const registerOperand = async (run: Run, operand: Operand | undefined): Promise<TreeEntry> => {
  const module = await moduleOf(run, operand);
  if (knownEntry(run, module)?.broken === false)
    throw new FailureError({ kind: 'already-added', at: moduleLabel(module) });
  return registerModule(run, module);
};

/**
 * The entry of what a command names; added first if need be, unless it must be known already. One whose source is
 * gone is refused, or added anew where the command `mends` it.
 * Throws not-added, source-broken, no-version or what registering it says (FailureError).
 */
export const entryFor = async (
  run: Run,
  operand: Operand | undefined,
  { mustBeKnown = false, mends = false }: { readonly mustBeKnown?: boolean; readonly mends?: boolean } = {},
): Promise<TreeEntry> => {
  const module = mustBeKnown ? named(operand) : await moduleOf(run, operand);
  const known = knownEntry(run, module);
  if (known && !known.broken) return known;
  if (known && !mends) {
    throw new FailureError({ kind: 'source-broken', at: join(known.directory, 'source'), detail: known.source });
  }
  if (mustBeKnown) throw new FailureError({ kind: 'not-added', at: moduleLabel(module) });
  return registerModule(run, module);
};
