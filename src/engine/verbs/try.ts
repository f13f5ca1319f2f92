import { basename, join } from 'node:path';
import type { PlanAnswer, Row, Summary, TrialAnswer } from '../answers.ts';
import { type Failure, FailureError, isFailureError } from '../errors.ts';
import { canBoot, kernelFacts, machineArch } from '../kernel/kernel.ts';
import { isNotTried } from '../outcome.ts';
import { passedOverBy } from '../plan/kernel-choice.ts';
import type { SkippedKernel } from '../plan/scope.ts';
import type { Emit, Note } from '../progress.ts';
import { type ComingPackages, type KernelScope, type TryRequest, typedSync } from '../request.ts';
import { noSwitches, type Run } from '../run/run.ts';
import type { Settings } from '../settings.ts';
import { trialsDirectory } from '../state/paths.ts';
import { forgetTried, type TriedModule, triedReleases, writeTried } from '../state/tried.ts';
import { sweepStore } from '../store/sweep.ts';
import type { Argv } from '../system/exec.ts';
import { readDirectory } from '../system/files.ts';
import { processFacts } from '../system/proc.ts';
import { makeDirectory, makeTemporary, remove, removeEmpty } from '../system/publish.ts';
import { nextPackages } from '../trial/next-packages.ts';
import { runErrand } from '../trial/relay.ts';
import { type Unpacked, unpackPackages } from '../trial/unpack.ts';
import { inView } from '../trial/view.ts';
import { noteSkipped } from './note-kernels.ts';
import { withRun } from './with-run.ts';

/**
 * Will the modules build and load on a kernel, before it is installed? An ordinary sync answers, in a view of the machine
 * as it would be. What it builds stays in the Store, where the transaction finds it.
 */

/** What killed trials left: each directory starts with the number of its process. */
const sweepTrials = (stateDir: string): void => {
  const parent = trialsDirectory(stateDir);
  for (const name of readDirectory(parent))
    if (processFacts(Number.parseInt(name, 10)) === undefined) remove(join(parent, name));
};

const scopeOf = (releases: readonly string[]): KernelScope =>
  releases.length > 0 ? { kind: 'only', kernels: releases.map((release) => ({ release })) } : { kind: 'usual' };

/** Kernels without headers, here and in what would come. */
const withoutHeaders = ({ settings }: Run, releases: readonly string[]): string[] =>
  releases.filter((release) => kernelFacts(settings, { release, arch: machineArch() }).headers === undefined);

/** Files that were given, and those that the package manager brings. */
export const packagesFor = async (
  run: Run,
  request: Pick<TryRequest, 'archives' | 'next' | 'releases'>,
  directory: string,
): Promise<string[]> => {
  const { archives, next, releases } = request;
  const missing = next ? [] : withoutHeaders(run, releases);
  if (archives.length > 0 || (!next && missing.length === 0)) return [...archives];
  makeDirectory(directory);
  return (await nextPackages(run, missing, directory)).map((name) => join(directory, name));
};

/** Of the kernels that packages bring those that the hook will look after. */
const lookedAfter = (run: Run, releases: readonly string[]): string[] => {
  const skipped = releases.flatMap((release): SkippedKernel[] => {
    const setting = passedOverBy(run.settings, release);
    return setting ? [{ release, setting }] : [];
  });
  noteSkipped(run, { skipped }, releases);
  return releases.filter((release) => !skipped.some((one) => one.release === release));
};

export type Tried = Omit<TrialAnswer, 'kind'>;

/** How packages are tried. */
interface Manner {
  /** What failed is remembered, and not built again as long as nothing of it has changed. */
  readonly remembers: boolean;
  /** Only where kernels come. */
  readonly onlyKernels: boolean;
  /** Seconds for all builds. */
  readonly limit?: number;
}

const thoroughly: Manner = { remembers: false, onlyKernels: false };

/** What is built in a view of the machine. */
export interface Question {
  /** The words that start this program once more. */
  readonly program: Argv;
  /** Of modules; all where none is named. */
  readonly names: readonly string[];
  readonly releases: readonly string[];
  /** Names below the root's usr/src that shall be known. */
  readonly sources: readonly string[];
  readonly coming: ComingPackages;
  readonly remembers: boolean;
  /** Paths that have to be seen there, too. */
  readonly needed?: readonly string[];
  /** The Modules of this machine are not known there. */
  readonly isBare?: boolean;
}

/** Ask this program in the view, and have what it answers. */
const ask = (
  run: Run,
  { program, names, releases, sources, coming, remembers, needed = [], isBare = false }: Question,
  dryRun: boolean,
  {
    root,
    directory,
    limit,
  }: { readonly root: string; readonly directory: string; readonly limit?: number | undefined },
): Promise<Summary | PlanAnswer> => {
  const { dkmsTree, sourceTree, installTree, confDir, stateDir, osRelease, jobs } = run.settings;
  const request = typedSync(scopeOf(releases), {
    touched: { kernels: [], sources },
    origin: remembers ? 'hook' : 'typed',
    trial: { names, coming },
    dryRun,
  });
  const places = { dkmsTree, sourceTree, installTree, confDir, stateDir, osRelease };
  const argv = inView(run.settings, directory, root, [...program, 'errand'], { remembers, needed, isBare });
  return runErrand(run, argv, { request, places, jobs }, join(directory, 'errand'), limit);
};

/** A view answered what it was not asked. */
const other = (detail: string): FailureError => new FailureError({ kind: 'unexpected', at: 'trial', detail });

/**
 * An ordinary sync where what is below `root` lies over what is here.
 *
 * @param directory a private one
 * @param limit seconds for all builds
 */
export const askInView = async (
  run: Run,
  question: Question,
  root: string,
  directory: string,
  limit?: number,
): Promise<Pick<Tried, 'rows' | 'failures' | 'notes'>> => {
  const answer = await ask(run, question, false, { root, directory, limit });
  if (answer.kind !== 'summary') throw other(answer.kind);
  const { rows, failures, notes } = answer;
  return { rows, failures, notes };
};

/** What such a sync would do. */
export const planInView = async (
  run: Run,
  question: Question,
  root: string,
  directory: string,
): Promise<PlanAnswer> => {
  const answer = await ask(run, question, true, { root, directory });
  if (answer.kind !== 'plan') throw other(answer.kind);
  return answer;
};

/** Try in a private directory. Throws FailureError. */
export const tryIn = async (
  run: Run,
  request: TryRequest,
  directory: string,
  { remembers, onlyKernels, limit }: Manner = thoroughly,
): Promise<Tried> => {
  const start = performance.now();
  const packages = await packagesFor(run, request, join(directory, 'packages'));
  const names = packages.map((file) => basename(file));
  const seconds = (): number => (performance.now() - start) / 1000;
  if (request.next && packages.length === 0)
    return { rows: [], failures: [], notes: [], packages: [], seconds: seconds() };
  run.emit({ kind: 'unpacking', packages: names });
  const unpacked: Unpacked = await unpackPackages(run, packages, join(directory, 'root'));
  const releases = request.releases.length > 0 ? request.releases : lookedAfter(run, unpacked.releases);
  const comes = unpacked.releases.length > 0;
  if (releases.length === 0 && (comes || onlyKernels))
    return { rows: [], failures: [], notes: [], packages: names, seconds: seconds() };
  const { program, names: asked } = request;
  const { sources, coming } = unpacked;
  const question = { program, names: asked, releases, sources, coming, remembers };
  const answer = await askInView(run, question, unpacked.root, directory, limit);
  return { ...answer, packages: names, seconds: seconds() };
};

/** What failed as it can be told; what nobody foresaw is thrown on. */
export const asFailure = (error: unknown): Failure => {
  if (isFailureError(error)) return error.failure;
  throw error;
};

/** For status: what is ready, and what will not build, on kernels that are still to come. */
const rememberTried = ({ settings: { stateDir, installTree } }: Run, rows: readonly Row[]): void => {
  for (const release of triedReleases(stateDir)) if (canBoot(installTree, release)) forgetTried(stateDir, release);
  const known = rows.filter(({ outcome, kernel }) => !isNotTried(outcome) && !canBoot(installTree, kernel.release));
  for (const release of new Set(known.map(({ kernel }) => kernel.release))) {
    const modules = known
      .filter((row) => row.kernel.release === release)
      .flatMap(({ module, kernel, outcome }): TriedModule[] => {
        if (outcome.kind === 'installed' || outcome.kind === 'unchanged') return [{ module, kernel }];
        return outcome.kind === 'failed' ? [{ module, kernel, failure: outcome.failure }] : [];
      });
    writeTried(stateDir, release, { at: new Date().toISOString(), modules });
  }
};

const trial = async (
  run: Run,
  request: TryRequest,
  notes: readonly Note[],
  directory: string,
): Promise<TrialAnswer> => {
  const tried = await tryIn(run, request, directory).catch((error: unknown): Tried => {
    return { rows: [], failures: [asFailure(error)], notes: [], packages: [], seconds: 0 };
  });
  sweepStore(run.settings);
  rememberTried(run, tried.rows);
  const signal = run.abort.reason === 'SIGINT' ? 'SIGINT' : 'SIGTERM';
  return { kind: 'trial', ...tried, notes: [...notes, ...tried.notes], ...(run.abort.aborted ? { signal } : {}) };
};

/** A private directory for all that a trial makes, the one place that it writes. */
export const inPlace = async <T>({ stateDir }: Settings, work: (place: string) => Promise<T>): Promise<T> => {
  const parent = trialsDirectory(stateDir);
  sweepTrials(stateDir);
  const place = makeTemporary(parent, `${process.pid}.`);
  try {
    return await work(place);
  } finally {
    remove(place);
    removeEmpty(parent, stateDir);
  }
};

/** Try. Changes nothing but the Store and the logs of what failed. */
export const tryModules = (
  settings: Settings,
  request: TryRequest,
  emit: Emit,
  abort: AbortSignal,
): Promise<TrialAnswer> =>
  inPlace(settings, (place) =>
    withRun<TrialAnswer>({ ...settings, temporary: place }, noSwitches, emit, abort, (run, notes) =>
      trial(run, request, notes, place),
    ),
  );
