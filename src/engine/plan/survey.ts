import { dirname, join } from 'node:path';
import type { ModuleConf } from '../conf/conf.ts';
import { type Asked, askAbout, defaultHeaders, noteConf, type Read, readModuleConfs } from '../conf/module-confs.ts';
import type { Failure } from '../errors.ts';
import { noTools, type Tools } from '../kernel/compiler.ts';
import type { KernelFacts } from '../kernel/kernel.ts';
import { packageVersion } from '../kernel/kernel-package.ts';
import { isSignedByAnother, type Signer, signerOf } from '../kernel/signer.ts';
import { dependenciesNow } from '../key/dependencies.ts';
import { withDependencies } from '../key/parts.ts';
import { takesPrebuilt } from '../registry/takes-prebuilt.ts';
import { type Kernel, kernelKey, type Module, sameKernel } from '../request.ts';
import { isConfGone } from '../run/given.ts';
import type { Run } from '../run/run.ts';
import { type EntryRecord, isAsInstalled, type KeyParts, secondsElsewhere } from '../state/record.ts';
import { isOfAnother } from '../tree/shared-files.ts';
import { installedVersion, stateOn, type TreeEntry } from '../tree/tree.ts';
import type { Candidate, KernelCandidates } from './candidates.ts';
import { allNeedsOf } from './graph.ts';
import { partsOf } from './inputs.ts';
import { type Sources, sourcesOf } from './source-hashes.ts';
import { changedSince, type Inputs, isUnfinished, rememberedFailure } from './staleness.ts';

/**
 * Look at the world before anything is decided: every wanted Module on every Kernel, with its conf, its
 * state, and what changed since it was built.
 */

/** All that is known of one Module on one Kernel; `candidate` is what the Plan needs of it. */
export interface Finding {
  readonly candidate: Candidate;
  readonly entry: TreeEntry;
  readonly kernel: Kernel;
  readonly conf?: ModuleConf;
  /** All that goes into its build now, dependencies as they are installed. */
  readonly parts: KeyParts;
  /** Whether symbols have CRCs there. */
  readonly hasModversions: boolean;
  readonly record: EntryRecord;
  /** Built by dkms, seen for the first time. */
  readonly adopted: boolean;
}

export interface Survey {
  readonly kernels: readonly KernelCandidates[];
  /** Findings by Kernel (kernelKey), then by the module's name. */
  readonly findings: ReadonlyMap<string, ReadonlyMap<string, Finding>>;
}

/** The first installed file that is gone or is not what was installed, nor what another module has installed over it. */
const damagedFile = (run: Run, { entry, kernel, record }: Asked): string | undefined => {
  const isTheirs = isOfAnother(run, entry.module.name, kernel);
  return record.installed?.find((file) => !isAsInstalled(file) && !isTheirs(file.path))?.path;
};

interface Inspection extends Inputs {
  readonly read: Read;
  readonly signer: Signer | undefined;
  readonly took: number | undefined;
  readonly size: number;
}

const findingOf = (run: Run, inspection: Inspection): Finding => {
  const { entry, kernel, facts, read, record, parts } = inspection;
  const { dkmsTree } = run.settings;
  const { module } = entry;
  const state = stateOn(dkmsTree, entry, kernel);
  const installed = installedVersion(dkmsTree, module.name, kernel);
  const base = { module, state, ...(installed ? { installed } : {}) };
  const common = {
    entry,
    kernel,
    parts,
    hasModversions: inspection.hasModversions,
    record,
    adopted: state !== 'added' && !record.build && !record.failure && !isUnfinished(run, inspection),
  };
  // What else it could be nobody knows.
  if (state === 'installed' && isConfGone(run, module, record))
    return { ...common, candidate: { ...base, changed: [] } };
  if ('failure' in read) return { ...common, candidate: { ...base, changed: [], failure: read.failure } };
  noteConf(run, read.conf, inspection.files[0] ?? '');
  const unfinished = isUnfinished(run, inspection) ? join(facts.directory, module.name) : undefined;
  const damaged = state === 'installed' ? (damagedFile(run, inspection) ?? unfinished) : undefined;
  const remembered = rememberedFailure(inspection);
  const candidate: Candidate = {
    ...base,
    conf: read.conf,
    changed: state === 'added' ? [] : changedSince(run, inspection, read.conf),
    ...(damaged ? { damaged } : {}),
    ...ownHeaders(run, inspection),
    ...(inspection.took === undefined ? {} : { took: inspection.took }),
    size: inspection.size,
    ...(isSignedByAnother(record.build?.signer, inspection.signer) ? { signedByAnother: true } : {}),
    ...(remembered ? { remembered } : {}),
  };
  return { ...common, conf: read.conf, candidate };
};

/** Without headers nobody knows which compiler a kernel wants. */
const toolsFor = async ({ run, kernel }: Asked): Promise<Tools> =>
  run.factsOf(kernel).headers === undefined ? noTools : run.toolsOf(kernel);

/** Builds by others, on a Kernel for which nothing can be built here. */
const prebuiltOn = (run: Run, kernel: Kernel): Pick<KernelCandidates, 'prebuilt'> =>
  run.factsOf(kernel).headers === undefined && takesPrebuilt(run.settings)
    ? { prebuilt: run.settings.prebuilt.policy }
    : {};

/** What stands for the headers that are not here; asked where it counts. */
const versionOf = async (run: Run, kernel: Kernel): Promise<string | undefined> => {
  if (prebuiltOn(run, kernel).prebuilt === undefined) return undefined;
  const found = await run.kernelPackageOf(kernel);
  return found && packageVersion(found);
};

/** How long a Module's last build took: on the same Kernel, or on another one. */
const tookOf = ({ run, entry, record }: Asked): number | undefined =>
  record.build?.seconds ?? secondsElsewhere(run.settings.stateDir, entry.module);

/** What signs, looked up once for each kernel. */
const signersOf = ({ settings }: Run): ((facts: KernelFacts) => Signer | undefined) => {
  const known = new Map<KernelFacts, Signer | undefined>();
  return (facts) => {
    if (!known.has(facts)) known.set(facts, signerOf(settings, facts));
    return known.get(facts);
  };
};

/** Of what was built against another directory than the kernel's own. */
const ownHeaders = (run: Run, inspection: Inspection): Pick<Candidate, 'own'> => {
  const { kernel, facts } = inspection;
  if (inspection.run === run) return {};
  return { own: { hasHeaders: facts.headers !== undefined, headersAt: defaultHeaders(inspection.run, kernel) } };
};

/** What is asked before all is put together. */
interface OnKernel {
  readonly isRevoked: boolean;
  readonly tools: Tools;
  readonly version: string | undefined;
  readonly hasModversions: boolean;
}

const nothingOn: OnKernel = { isRevoked: false, tools: noTools, version: undefined, hasModversions: false };

/** A kernel whose configuration is nowhere may say so by its own modules. */
const hasVersions = async (run: Run, kernel: Kernel): Promise<boolean> => {
  const { config } = run.factsOf(kernel);
  if (config.size > 0 || prebuiltOn(run, kernel).prebuilt === undefined) return config.has('CONFIG_MODVERSIONS');
  return (await run.vermagicOf(kernel))?.split(' ').includes('modversions') === true;
};

const isRevoked = async ({ run, record }: Asked): Promise<boolean> => {
  const key = record.build?.builderKey;
  return key !== undefined && (await run.revokedKeys()).has(key);
};

const onKernel = async (asked: Asked): Promise<OnKernel> => {
  const { run, kernel } = asked;
  return {
    isRevoked: await isRevoked(asked),
    tools: await toolsFor(asked),
    version: await versionOf(run, kernel),
    hasModversions: await hasVersions(run, kernel),
  };
};

const inputsOf = (
  asked: Asked,
  sources: Sources,
  { isRevoked, tools, version, hasModversions }: OnKernel,
  needs: readonly string[],
): Inputs => {
  const facts = asked.run.factsOf(asked.kernel);
  const dependencies = dependenciesNow(asked.run, asked.kernel, needs);
  const parts = partsOf(asked, sources.hashOf(asked), tools);
  return {
    ...asked,
    facts,
    parts: withDependencies(parts, dependencies, hasModversions),
    dependencies,
    hasModversions,
    isRevoked,
    ...(version === undefined ? {} : { kernelPackage: version }),
    earlier: { sources: sources.earlierOf(asked), compiler: tools.compiler.earlier },
  };
};

/** Look at Modules (the newest of each name) on Kernels. One bad entry is that entry's finding alone. */
export const surveyModules = async (
  run: Run,
  entries: readonly TreeEntry[],
  kernels: readonly Kernel[],
): Promise<Survey> => {
  const asked = kernels.flatMap((kernel) => entries.map((entry) => askAbout(run, entry, kernel)));
  const reads = await readModuleConfs(run, asked);
  const sources = sourcesOf(run.memory, entries);
  const { unreadable } = sources;
  const findings = new Map<string, Map<string, Finding>>();
  const known = new Map<Asked, OnKernel>();
  for (const one of asked) known.set(one, await onKernel(one));
  const signers = signersOf(run);
  const table = kernels.map((kernel): KernelCandidates => {
    const mine = asked
      .map((one, index) => ({ asked: one, read: reads[index] }))
      .filter((one) => sameKernel(one.asked.kernel, kernel));
    const needs = new Map(
      mine.map(({ asked: { entry }, read }) => [entry.module.name, read && 'conf' in read ? read.conf.depends : []]),
    );
    const found = mine.map(({ asked: one, read }) => {
      const { entry, files } = one;
      const unread: Failure = unreadable.get(entry) ?? { kind: 'conf-broken', at: dirname(files[0] ?? '') };
      return findingOf(run, {
        ...inputsOf(one, sources, known.get(one) ?? nothingOn, allNeedsOf(needs, entry.module.name)),
        read: unreadable.has(entry) || !read ? { failure: unread } : read,
        signer: signers(one.run.factsOf(kernel)),
        took: tookOf(one),
        size: sources.sizeOf(entry),
      });
    });
    findings.set(kernelKey(kernel), new Map(found.map((finding) => [finding.entry.module.name, finding])));
    const headersAt = defaultHeaders(run, kernel);
    return {
      kernel,
      hasHeaders: run.factsOf(kernel).headers !== undefined,
      headersAt,
      ...prebuiltOn(run, kernel),
      candidates: found.map((one) => one.candidate),
    };
  });
  return { kernels: table, findings };
};

/** A survey of nothing. */
export const noSurvey: Survey = { kernels: [], findings: new Map() };

/** What was found on a Kernel, by the module's name. */
export const findingsOn = (survey: Survey, kernel: Kernel): ReadonlyMap<string, Finding> =>
  survey.findings.get(kernelKey(kernel)) ?? new Map();

/** All that a Module needs on a Kernel, directly or not, each after its own needs. */
export const needsOn = (survey: Survey, kernel: Kernel, module: Module): string[] => {
  const found = findingsOn(survey, kernel);
  const needs = new Map([...found].map(([name, finding]) => [name, finding.conf?.depends ?? []]));
  return allNeedsOf(needs, module.name);
};
