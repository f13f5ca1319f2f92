import { join } from 'node:path';
import type { ModuleConf } from '../conf/conf.ts';
import type { Asked } from '../conf/module-confs.ts';
import { type Failure, isTransient } from '../errors.ts';
import { objectNameOf } from '../kernel/compression.ts';
import type { KernelFacts } from '../kernel/kernel.ts';
import { changedDependencies, type DependencyNow } from '../key/dependencies.ts';
import { changedEarlier, earlierInputs, earlierParts } from '../key/earlier.ts';
import { inputsOf } from '../key/key.ts';
import { changedParts } from '../key/parts.ts';
import type { Run } from '../run/run.ts';
import { readJournal } from '../state/journal.ts';
import type { BuildRecord, EarlierParts, KeyParts } from '../state/record.ts';
import { builtDirectory, builtFiles } from '../tree/tree.ts';
import { localDirectory } from './inputs.ts';

/** What has changed since a Module was built, and whether a build of it failed with all that goes into it now. */

/** One Module on one Kernel, with what goes into its build now. */
export interface Inputs extends Asked {
  readonly facts: KernelFacts;
  readonly parts: KeyParts;
  readonly dependencies: ReadonlyMap<string, DependencyNow>;
  /** Whether symbols have CRCs there. */
  readonly hasModversions: boolean;
  /** Version of the kernel's package, where that stands for headers that are not here. */
  readonly kernelPackage?: string;
  /** The key of the Builder that it came from is revoked. */
  readonly isRevoked: boolean;
  /** What stands for source and compiler in records of earlier versions of ours. */
  readonly earlier: { readonly sources: string; readonly compiler: string };
}

/** Objects that should be in the tree's module/ and are not. */
const missingObject = (directory: string, conf: ModuleConf): string | undefined => {
  const there = new Set(builtFiles(directory).map(objectNameOf));
  const lost = conf.objects.find((object) => !there.has(object.dest));
  return lost && join(directory, 'module', `${lost.dest}.ko`);
};

/** A run was ended between building and installing this version. */
export const isUnfinished = (run: Run, { entry, kernel }: Asked): boolean =>
  readJournal(run.settings.stateDir, entry.module.name, kernel)?.module.version === entry.module.version;

const earlierOf = ({ run, files, entry, facts, earlier }: Inputs): EarlierParts =>
  earlierParts(earlier.sources, files, localDirectory(run, entry.module.name), facts, earlier.compiler);

/** An update of the kernel under the same release, which only headers would show otherwise. */
const isOtherKernel = ({ kernelPackage: now }: Inputs, { kernelPackage: before }: BuildRecord): boolean =>
  now !== undefined && before !== undefined && now !== before;

const changedInputs = (inputs: Inputs, build: BuildRecord): string[] => {
  const { parts, earlier } = build;
  if (parts) return [...changedParts(parts, inputs.parts), ...(isOtherKernel(inputs, build) ? ['kernel package'] : [])];
  return earlier ? changedEarlier(earlier, earlierOf(inputs)) : [];
};

/** What changed since a Module was built, by name. */
export const changedSince = (run: Run, inputs: Inputs, conf: ModuleConf): string[] => {
  const { record, entry, kernel } = inputs;
  // Without a record it was built by dkms, unless we know that we did not get to the end of it.
  if (record.failure?.failure.kind === 'will-not-load') return ['what it will load with'];
  if (!record.build) return record.failure || isUnfinished(run, inputs) ? ['unfinished build'] : [];
  const lost = missingObject(builtDirectory(run.settings.dkmsTree, entry.module, kernel), conf);
  const options = {
    hasModversions: inputs.hasModversions,
    onVersion: conf.rebuildWithDependencies,
  };
  const dependencies = changedDependencies(record.build, inputs.dependencies, options);
  return [
    ...(inputs.isRevoked ? ['trust in its builder'] : []),
    ...changedInputs(inputs, record.build),
    ...dependencies.map((name) => `dependency ${name}`),
    ...(lost ? ['built objects'] : []),
  ];
};

/** The failure of a build that had the same inputs; undefined where there was none, or it may go better now. */
export const rememberedFailure = (inputs: Inputs): Failure | undefined => {
  const { failure } = inputs.record;
  if (!failure || failure.transient || isTransient(failure.failure.kind)) return undefined;
  const { module } = inputs.entry;
  const isSame = failure.inputs.startsWith('key:')
    ? failure.inputs === inputsOf(inputs.parts)
    : failure.inputs === earlierInputs(module, earlierOf(inputs), inputs.dependencies);
  return isSame ? failure.failure : undefined;
};
