import { join } from 'node:path';
import { type Built, buildModule } from '../build/build.ts';
import { takeBuilt } from '../build/from-store.ts';
import { forgetKept, placeToKeep, storeBuild } from '../build/keep.ts';
import type { DependencySymbols } from '../build/make.ts';
import { signAgain } from '../build/sign-again.ts';
import type { ModuleConf } from '../conf/conf.ts';
import { symversFromObjects } from '../kernel/symvers.ts';
import { changedDependencies, type DependencyNow, dependenciesNow, usedSymbols } from '../key/dependencies.ts';
import { keyOf } from '../key/key.ts';
import type { StoredBuild } from '../outcome.ts';
import { sourceContents } from '../plan/source-hashes.ts';
import type { Finding } from '../plan/survey.ts';
import type { Job } from '../plan.ts';
import type { Step } from '../progress.ts';
import type { BuildSite } from '../run/build-site.ts';
import { givenFor } from '../run/given.ts';
import type { Run } from '../run/run.ts';
import { closeJournal, openJournal } from '../state/journal.ts';
import { type BuildRecord, type KeyParts, readRecord, writeRecord } from '../state/record.ts';
import { hasArtifact } from '../store/artifacts.ts';
import { exists } from '../system/files.ts';
import { writeText } from '../system/publish.ts';
import { builtDirectory } from '../tree/tree.ts';
import { changedPaths, type TreeFacts, treeFacts } from '../tree/tree-facts.ts';
import { forgetFailure, partsNow } from './remember.ts';

/** The first half of a Job that installs: what is built in the dkms tree is what it should be. */

/** What the steps of one Job share. */
export interface JobContext {
  readonly run: Run;
  readonly job: Job;
  readonly finding: Finding;
  readonly conf: ModuleConf;
  readonly site: BuildSite;
  readonly needs: readonly string[];
  /** A run that was killed had begun to change what is installed. */
  readonly unfinished: boolean;
  readonly say: (step: Step) => void;
  /** Told when files of the kernel have been changed. */
  readonly onChanged: () => void;
}

/** Each dependency's symbols in a file; made from its objects where dkms kept none. */
const dependencySymbols = async (
  run: Run,
  job: Job,
  now: ReadonlyMap<string, DependencyNow>,
): Promise<DependencySymbols[]> => {
  const symbols: DependencySymbols[] = [];
  for (const [name, { version, exported }] of now) {
    const directory = join(builtDirectory(run.settings.dkmsTree, { name, version }, job.kernel), 'module');
    const file = join(directory, 'Module.symvers');
    if (exists(file)) {
      symbols.push({ name, version, file, exported });
      continue;
    }
    const text = await symversFromObjects(directory, run.processes);
    if (!text) continue;
    const made = join(run.scratch, 'symvers', job.kernel.release, name, 'Module.symvers');
    writeText(made, text);
    symbols.push({ name, version, file: made, exported });
  }
  return symbols;
};

/** Reasons for which the objects in the tree are good as they are. */
const needsNoBuild = new Set(['not-installed', 'damaged']);

/** A dependency was rebuilt: are the symbols that we use still the same? */
export const isStillFresh = ({ run, job, finding, conf, site, needs }: JobContext): boolean => {
  const { build } = finding.record;
  if (job.why.reason !== 'dependency-rebuilt' || !build) return false;
  // Of what was built without us we may not know what it uses.
  if (needs.some((name) => !build.dependencies[name])) return false;
  const options = {
    hasModversions: site.facts.config.has('CONFIG_MODVERSIONS'),
    onVersion: conf.rebuildWithDependencies,
  };
  return changedDependencies(build, dependenciesNow(run, job.kernel, needs), options).length === 0;
};

const rememberBuild = (run: Run, { module, kernel }: Job, build: BuildRecord): void => {
  const { stateDir } = run.settings;
  writeRecord(stateDir, module, kernel, { ...readRecord(stateDir, module, kernel), build });
};

/** Some builds write into their own source: that is no change of it, and would be one at every look. */
const builtFrom = (
  { run, site }: JobContext,
  parts: KeyParts,
  before: TreeFacts,
): Pick<BuildRecord, 'parts' | 'writes'> => {
  const writes = changedPaths(before, treeFacts(site.source));
  if (writes.length === 0) return { parts };
  const contents = sourceContents(run.memory, site.source, treeFacts(site.source));
  return { parts: { ...parts, sources: contents?.hashWithout(writes) ?? parts.sources }, writes };
};

/** What a build is kept under, and taken by; undefined where somebody wants it built, or nobody knows what goes into it. */
const storeKey = ({ run, job, conf }: JobContext, parts: KeyParts): string | undefined => {
  const isKnown = parts.headers !== '' && parts.compiler !== '' && run.switches.kernelConfig === undefined;
  const isWanted = run.settings.storeSize > 0 && conf.objects.length > 0 && job.why.reason !== 'forced';
  return isKnown && isWanted ? keyOf(parts) : undefined;
};

/** A build, and how it came about. */
interface Made {
  readonly built: Built;
  /** That the compiler took, now or when it was put into the Store. */
  readonly seconds: number;
  readonly parts: Pick<BuildRecord, 'parts' | 'writes'>;
  readonly from?: StoredBuild;
}

const make = async (
  context: JobContext,
  parts: KeyParts,
  dependencies: readonly DependencySymbols[],
  onPublished: () => void,
): Promise<Made> => {
  const { run, conf, site, say } = context;
  const before = treeFacts(site.source);
  const keepAt = storeKey(context, parts) === undefined ? undefined : await placeToKeep(run);
  const start = performance.now();
  try {
    const built = await buildModule(run, site, conf, dependencies, say, onPublished, keepAt);
    const seconds = Math.round((performance.now() - start) / 100) / 10;
    const from = builtFrom(context, parts, before);
    // What a build leaves in its own source does not come out of the Store.
    if (keepAt !== undefined && !from.writes)
      await storeBuild(run, keepAt, site, { parts, result: built.result, seconds });
    return { built, seconds, parts: from };
  } finally {
    if (keepAt !== undefined) await forgetKept(run, keepAt);
  }
};

/** The same build as it is in the Store; undefined where it has to be made. */
const take = async (
  { run, conf, site, say }: JobContext,
  parts: KeyParts,
  key: string,
  dependencies: readonly DependencySymbols[],
  onPublished: () => void,
): Promise<Made | undefined> => {
  if (!hasArtifact(run.settings.stateDir, site.module.name, key)) return undefined;
  say('take');
  const taken = await takeBuilt(run, site, conf, dependencies, key, onPublished);
  if (!taken) return undefined;
  const { built: at, seconds } = taken.statement;
  return { built: taken.built, seconds, parts: { parts }, from: { built: at, seconds } };
};

const build = async (context: JobContext, onPublished: () => void): Promise<StoredBuild | undefined> => {
  const { run, job, finding, needs } = context;
  const now = dependenciesNow(run, job.kernel, needs);
  const parts = partsNow(run, finding, needs);
  const key = storeKey(context, parts);
  const symbols = await dependencySymbols(run, job, now);
  const taken = key === undefined ? undefined : await take(context, parts, key, symbols, onPublished);
  const { built, seconds, parts: from, ...made } = taken ?? (await make(context, parts, symbols, onPublished));
  const { imports, ...rest } = built;
  const dependencies = Object.fromEntries(
    [...now].map(([name, dependency]) => [name, usedSymbols(dependency, imports)]),
  );
  const given = givenFor(run, job.module.name);
  rememberBuild(run, job, { ...rest, seconds, ...from, dependencies, ...(given ? { given } : {}) });
  forgetFailure(run, job);
  return made.from;
};

/**
 * Sign what is built anew. Where that does not go it stays as it is, and the attempt is remembered.
 *
 * @returns whether it was signed; undefined if it is not what we built
 */
const signAnew = async (
  { run, job, conf, site, finding, say }: JobContext,
  onPublished: () => void,
): Promise<boolean | undefined> => {
  const { build: known } = finding.record;
  if (!known) return undefined;
  say('sign');
  const signed = await signAgain(run, site, conf, known.result, onPublished);
  if (!signed) return undefined;
  const { objects, signer } = signed;
  rememberBuild(run, job, { ...known, ...(objects ? { objects } : {}), ...(signer === undefined ? {} : { signer }) });
  return objects !== undefined;
};

/** What a Job has to install, and where it came from. */
interface UpToDate {
  /** False where all stays as it was. */
  readonly isNew: boolean;
  readonly from?: StoredBuild;
}

const asBuilt = (from: StoredBuild | undefined): UpToDate => ({ isNew: true, ...(from ? { from } : {}) });

/** Signed anew, or built where what is there is not what we built. */
const signOrBuild = async (context: JobContext, onPublished: () => void): Promise<UpToDate> => {
  const isSigned = await signAnew(context, onPublished);
  if (isSigned === undefined) return asBuilt(await build(context, onPublished));
  const { state, damaged } = context.finding.candidate;
  return { isNew: isSigned || state !== 'installed' || damaged !== undefined };
};

/**
 * Bring what is built up to date, with the journal open from before the first change to the tree: what is built and not
 * yet installed is known as unfinished. A build that fails before it replaces anything closes what it opened.
 *
 * @returns whether there is something to install now, and whether it came out of the Store
 */
export const buildUnderJournal = async (context: JobContext): Promise<UpToDate> => {
  const { run, job } = context;
  const { stateDir } = run.settings;
  openJournal(stateDir, { version: 1, module: job.module, kernel: job.kernel, action: 'install', ours: [] });
  if (needsNoBuild.has(job.why.reason)) return { isNew: true };
  let published = false;
  const onPublished = (): void => {
    published = true;
  };
  const undoJournal = (): void => {
    if (!context.unfinished && !published) closeJournal(stateDir, job.module.name, job.kernel);
  };
  try {
    if (job.why.reason !== 'signer-changed') return asBuilt(await build(context, onPublished));
    const upToDate = await signOrBuild(context, onPublished);
    if (!upToDate.isNew) undoJournal();
    return upToDate;
  } catch (error) {
    undoJournal();
    throw error;
  }
};
