import { join } from 'node:path';
import type { DependencySymbols } from '../build/make.ts';
import { signAgain } from '../build/sign-again.ts';
import { symversFromObjects } from '../kernel/symvers.ts';
import { changedDependencies, type DependencyNow, dependenciesNow, usedSymbols } from '../key/dependencies.ts';
import type { StoredBuild } from '../outcome.ts';
import type { Job } from '../plan.ts';
import { givenFor } from '../run/given.ts';
import type { Run } from '../run/run.ts';
import { closeJournal, openJournal } from '../state/journal.ts';
import { type BuildRecord, readRecord, writeRecord } from '../state/record.ts';
import { exists } from '../system/files.ts';
import { writeText } from '../system/publish.ts';
import { builtDirectory } from '../tree/tree.ts';
import type { JobContext } from './job-context.ts';
import { obtain } from './obtain.ts';
import { forgetFailure, partsNow } from './remember.ts';

/** The first half of a Job that installs: what is built in the dkms tree is what it should be. */

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
export const isStillFresh = ({ run, job, finding, conf, needs }: JobContext): boolean => {
  const { build } = finding.record;
  if (job.why.reason !== 'dependency-rebuilt' || !build) return false;
  // Of what was built without us we may not know what it uses.
  if (needs.some((name) => !build.dependencies[name])) return false;
  const options = {
    hasModversions: finding.hasModversions,
    onVersion: conf.rebuildWithDependencies,
  };
  return changedDependencies(build, dependenciesNow(run, job.kernel, needs), options).length === 0;
};

const rememberBuild = (run: Run, { module, kernel }: Job, build: BuildRecord): void => {
  const { stateDir } = run.settings;
  writeRecord(stateDir, module, kernel, { ...readRecord(stateDir, module, kernel), build });
};

const build = async (context: JobContext, onPublished: () => void): Promise<StoredBuild | undefined> => {
  const { run, job, finding, needs } = context;
  const now = dependenciesNow(run, job.kernel, needs);
  const parts = partsNow(run, finding, needs);
  const symbols = await dependencySymbols(run, job, now);
  const { built, seconds, parts: from, ...made } = await obtain(context, parts, symbols, onPublished);
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
