import { dirname, join } from 'node:path';
import type { ModuleConf } from '../conf/conf.ts';
import { type Asked, askAbout, defaultHeaders, noteConf, type Read, readModuleConfs } from '../conf/module-confs.ts';
import { type Failure, isTransient } from '../errors.ts';
import { objectNameOf } from '../kernel/compression.ts';
import type { KernelFacts } from '../kernel/kernel.ts';
import { isSignedByAnother, type Signer, signerOf } from '../kernel/signer.ts';
import { type Kernel, kernelKey, type Module, sameKernel } from '../request.ts';
import { isConfGone } from '../run/given.ts';
import type { Run } from '../run/run.ts';
import { readJournal } from '../state/journal.ts';
import { type EntryRecord, type Fingerprint, isAsInstalled } from '../state/record.ts';
import { dependenciesNow } from '../tree/dependencies.ts';
import { changedDependencies, changedParts, fingerprintOf, inputsKey } from '../tree/fingerprint.ts';
import { isOfAnother } from '../tree/shared-files.ts';
import { builtDirectory, builtFiles, installedVersion, stateOn, type TreeEntry } from '../tree/tree.ts';
import type { Candidate, KernelCandidates } from './candidates.ts';
import { allNeedsOf } from './graph.ts';
import { sourcesOf } from './source-hashes.ts';
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
  readonly fingerprint: Fingerprint;
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

/** Objects that should be in the tree's module/ and are not. */
const missingObject = (directory: string, conf: ModuleConf): string | undefined => {
  const there = new Set(builtFiles(directory).map(objectNameOf));
  const lost = conf.objects.find((object) => !there.has(object.dest));
  return lost && join(directory, 'module', `${lost.dest}.ko`);
};

interface Inspection extends Asked {
  readonly facts: KernelFacts;
  readonly read: Read;
  /** Of its source, less what its last build wrote there. */
  readonly sources: string;
  readonly compiler: string;
  readonly signer: Signer | undefined;
  readonly took: number | undefined;
  readonly needs: ReadonlyMap<string, readonly string[]>;
}

/** A run was ended between building and installing this version. */
const isUnfinished = (run: Run, { entry, kernel }: Inspection): boolean =>
  readJournal(run.settings.stateDir, entry.module.name, kernel)?.module.version === entry.module.version;

const changedSince = (
  run: Run,
  inspection: Inspection,
  record: EntryRecord,
  fingerprint: Fingerprint,
  conf: ModuleConf,
): string[] => {
  // Without a record it was built by dkms, unless we know that we did not get to the end of it.
  if (record.failure?.failure.kind === 'will-not-load') return ['what it will load with'];
  if (!record.build) return record.failure || isUnfinished(run, inspection) ? ['unfinished build'] : [];
  const { kernel, facts, needs, entry } = inspection;
  const lost = missingObject(builtDirectory(run.settings.dkmsTree, entry.module, kernel), conf);
  const now = dependenciesNow(run, kernel, allNeedsOf(needs, entry.module.name));
  const options = {
    hasModversions: facts.config.has('CONFIG_MODVERSIONS'),
    onVersion: conf.rebuildWithDependencies,
  };
  const dependencies = changedDependencies(record.build, now, options).map((name) => `dependency ${name}`);
  return [...changedParts(record.build.fingerprint, fingerprint), ...dependencies, ...(lost ? ['built objects'] : [])];
};

const rememberedFailure = (
  run: Run,
  inspection: Inspection,
  record: EntryRecord,
  fingerprint: Fingerprint,
): Failure | undefined => {
  if (!record.failure || record.failure.transient || isTransient(record.failure.failure.kind)) return undefined;
  const now = dependenciesNow(run, inspection.kernel, allNeedsOf(inspection.needs, inspection.entry.module.name));
  return record.failure.inputs === inputsKey(inspection.entry.module, fingerprint, now)
    ? record.failure.failure
    : undefined;
};

const findingOf = (run: Run, inspection: Inspection): Finding => {
  const { entry, kernel, facts, read, record } = inspection;
  const { dkmsTree, confDir } = run.settings;
  const { module } = entry;
  const state = stateOn(dkmsTree, entry, kernel);
  const installed = installedVersion(dkmsTree, module.name, kernel);
  const fingerprint = fingerprintOf(
    inspection.sources,
    inspection.files,
    join(confDir, module.name),
    facts,
    inspection.compiler,
  );
  const base = { module, state, ...(installed ? { installed } : {}) };
  const common = {
    entry,
    kernel,
    fingerprint,
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
  const remembered = rememberedFailure(run, inspection, record, fingerprint);
  const candidate: Candidate = {
    ...base,
    conf: read.conf,
    changed: state === 'added' ? [] : changedSince(run, inspection, record, fingerprint, read.conf),
    ...(damaged ? { damaged } : {}),
    ...ownHeaders(run, inspection),
    ...(inspection.took === undefined ? {} : { took: inspection.took }),
    ...(isSignedByAnother(record.build?.signer, inspection.signer) ? { signedByAnother: true } : {}),
    ...(remembered ? { remembered } : {}),
  };
  return { ...common, conf: read.conf, candidate };
};

/** Without headers nobody knows which compiler a kernel wants. */
const compilerFor = async ({ run, kernel }: Asked): Promise<string> =>
  run.factsOf(kernel).headers === undefined ? '' : run.compilerOf(kernel);

/** How long a Module's last build took: on the same Kernel, or on another one. */
const tookOf = (all: readonly Asked[], { entry, record }: Asked): number | undefined =>
  record.build?.seconds ?? all.find((one) => one.entry === entry && one.record.build?.seconds)?.record.build?.seconds;

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

/** Look at Modules (the newest of each name) on Kernels. One bad entry is that entry's finding alone. */
export const surveyModules = async (
  run: Run,
  entries: readonly TreeEntry[],
  kernels: readonly Kernel[],
): Promise<Survey> => {
  const asked = kernels.flatMap((kernel) => entries.map((entry) => askAbout(run, entry, kernel)));
  const reads = await readModuleConfs(run, asked);
  const { hashOf, unreadable } = sourcesOf(entries);
  const findings = new Map<string, Map<string, Finding>>();
  const compilers = new Map<Asked, string>();
  for (const one of asked) compilers.set(one, await compilerFor(one));
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
      const facts = one.run.factsOf(kernel);
      return findingOf(run, {
        ...one,
        facts,
        read: unreadable.has(entry) || !read ? { failure: unread } : read,
        sources: hashOf(one),
        compiler: compilers.get(one) ?? '',
        signer: signers(facts),
        took: tookOf(asked, one),
        needs,
      });
    });
    findings.set(kernelKey(kernel), new Map(found.map((finding) => [finding.entry.module.name, finding])));
    const headersAt = defaultHeaders(run, kernel);
    return {
      kernel,
      hasHeaders: run.factsOf(kernel).headers !== undefined,
      headersAt,
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
