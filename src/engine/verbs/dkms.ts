import { join } from 'node:path';
import { type Failure, FailureError } from '../errors.ts';
import { uninstallModule } from '../install/install.ts';
import { depmodAll, inOrder, type JobsDone, runJobs } from '../jobs/run-plan.ts';
import { machineArch, runningKernel } from '../kernel/kernel.ts';
import type { Removal, Target } from '../plan/candidates.ts';
import { makePlan } from '../plan/make-plan.ts';
import { findingsOn, noSurvey, surveyModules } from '../plan/survey.ts';
import type { Row, SyncResult } from '../progress.ts';
import { loadArchive, loadModule, makeArchive } from '../register/archive.ts';
import { entryFor, registerOperand } from '../register/operand.ts';
import {
  type DkmsRequest,
  type Kernel,
  type MatchRequest,
  type Module,
  type ModuleRequest,
  type Operand,
  type PreinstRequest,
  sameKernel,
  sameModule,
} from '../request.ts';
import type { Run } from '../run/run.ts';
import { markAdded, wasAddedHere } from '../state/rpm-upgrade.ts';
import { exists, isDirectory, readDirectory } from '../system/files.ts';
import { isCleanName } from '../system/names.ts';
import { compareVersions } from '../system/version.ts';
import { forgetEntry } from '../tree/forget.ts';
import { hasOtherVersion, markSuperseded, removeSuperseded } from '../tree/superseded.ts';
import { installedVersion, newestEntries, readTree, stateOn, type TreeEntry } from '../tree/tree.ts';

/** dkms's commands on modules, on top of the same plan, schedule and jobs as a sync. */

const entriesNow = (run: Run): TreeEntry[] => readTree(run.settings.dkmsTree, run.settings.sourceTree);

/** Every kernel with headers, whether it can be booted or not: what `--all` builds for. */
const kernelsWithHeaders = (run: Run): Kernel[] =>
  readDirectory(run.settings.installTree)
    .filter((release) => isCleanName(release) && isDirectory(join(run.settings.installTree, release)))
    .sort(compareVersions)
    .map((release) => ({ release, arch: machineArch() }))
    .filter((kernel) => run.factsOf(kernel).headers !== undefined);

/** The named version of its name, the newest of all others. */
const withNamed = (entries: readonly TreeEntry[], named: readonly TreeEntry[]): TreeEntry[] => {
  const names = new Set(named.map((entry) => entry.module.name));
  return [...named, ...newestEntries(entries.filter((entry) => !names.has(entry.module.name)))];
};

/** What a command did, before depmod. */
interface Done {
  readonly rows: readonly Row[];
  readonly failures: readonly Failure[];
  /** Releases below whose directories files were changed. */
  readonly changed: readonly string[];
}

const nothing: Done = { rows: [], failures: [], changed: [] };

/** A kernel that a command names and that is not there. */
interface MissingKernel {
  readonly kernel: Kernel;
  readonly failure: Failure;
}

/** The kernel of an install must be there; a build does with a directory of headers alone. */
const missingKernels = (run: Run, request: DkmsRequest): MissingKernel[] => {
  if (request.verb !== 'install' || request.kernels === 'all') return [];
  return request.kernels
    .map((kernel) => ({ kernel, at: join(run.settings.installTree, kernel.release) }))
    .filter(({ at }) => !exists(at))
    .map(({ kernel, at }) => ({ kernel, failure: { kind: 'kernel-missing', at } }));
};

const missingRows = (named: readonly TreeEntry[], missing: readonly MissingKernel[]): Row[] =>
  named.flatMap(({ module }) =>
    missing.map(
      ({ kernel, failure }): Row => ({ module, kernel, outcome: { kind: 'failed', failure, remembered: false } }),
    ),
  );

const bringAbout = async (
  given: Run,
  named: readonly TreeEntry[],
  kernels: readonly Kernel[],
  target: Target,
  missing: readonly MissingKernel[] = [],
): Promise<Done> => {
  const run = { ...given, named: new Set(named.map((entry) => entry.module.name)) };
  const present = kernels.filter((kernel) => !missing.some((one) => sameKernel(one.kernel, kernel)));
  const survey = await surveyModules(run, withNamed(entriesNow(run), named), present);
  const plan = makePlan({
    kernels: survey.kernels,
    removals: [],
    trustMemory: false,
    headersMayFollow: false,
    targets: new Map(named.map((entry) => [entry.module.name, target])),
  });
  run.emit({ kind: 'planned', plan });
  const jobs = await runJobs(run, plan, survey);
  const rows = [...missingRows(named, missing), ...plan.settled, ...jobs.rows];
  // The first failure is the command's, and first is what was said first.
  const place = ({ kernel }: Row): number => kernels.findIndex((one) => sameKernel(one, kernel));
  rows.sort((a, b) => place(a) - place(b));
  return { rows: inOrder(rows), failures: [], changed: jobs.changed };
};

/** Without its depmod an installation is of no use: what it brought is taken back, and stays built. */
const rollBack = (run: Run, { rows, failures }: SyncResult): SyncResult => {
  const back = rows.map((row): Row => {
    const failure = failures.find((one) => one.kind === 'depmod-failed' && one.at === row.kernel.release);
    if (!failure || row.outcome.kind !== 'installed') return row;
    uninstallModule(run, row.module, row.kernel);
    return { ...row, outcome: { kind: 'failed', failure, remembered: false } };
  });
  return { rows: inOrder(back), failures: failures.filter((one) => one.kind !== 'depmod-failed') };
};

/** What an archive brings is named like any other module from then on. */
const withoutArchive = async (run: Run, operand: Operand | undefined): Promise<Operand | undefined> => {
  if (operand?.kind !== 'archive') return operand;
  const { module, result } = await loadModule(run, operand.path);
  const [failure] = result.failures;
  if (failure) throw new FailureError(failure);
  return { kind: 'module', ...module };
};

const buildOrInstall = async (run: Run, request: ModuleRequest): Promise<Done> => {
  const entry = await entryFor(run, await withoutArchive(run, request.operand));
  const kernels = request.kernels === 'all' ? kernelsWithHeaders(run) : request.kernels;
  if (kernels.length === 0) throw new FailureError({ kind: 'headers-missing', at: run.settings.installTree });
  const want = request.verb === 'build' ? 'built' : 'installed';
  const target = { want, force: request.switches.force } as const;
  return bringAbout(run, [entry], kernels, target, missingKernels(run, request));
};

/** What there is to take away; a kernel on which there is nothing is a row without a Job. */
const removalsFor = (
  run: Run,
  entry: TreeEntry,
  kernels: readonly Kernel[],
  want: 'uninstalled' | 'absent',
): { readonly removals: Removal[]; readonly rows: Row[] } => {
  const removals: Removal[] = [];
  const rows: Row[] = [];
  for (const kernel of kernels) {
    const state = stateOn(run.settings.dkmsTree, entry, kernel);
    const hasSomething = want === 'absent' ? state !== 'added' : state === 'installed';
    if (hasSomething) removals.push({ module: entry.module, kernel, want, why: 'asked' });
    else rows.push({ module: entry.module, kernel, outcome: { kind: 'unchanged' } });
  }
  return { removals, rows };
};

const takeAway = async (run: Run, removals: readonly Removal[]): Promise<JobsDone> => {
  const plan = makePlan({ kernels: [], removals, trustMemory: false, headersMayFollow: false });
  run.emit({ kind: 'planned', plan });
  return runJobs(run, plan, noSurvey);
};

const isLeft = (run: Run, module: Module): boolean =>
  entriesNow(run).some((entry) => sameModule(entry.module, module) && entry.built.length > 0);

/** dpkg removes the old version before the new one comes, rpm after that: it stays where the new one does not stand. */
const isReplaced = (run: Run, request: ModuleRequest, entry: TreeEntry): boolean =>
  request.verb === 'remove' &&
  (request.replacementFollows === true || (request.switches.rpmSafeUpgrade && hasOtherVersion(entry, entriesNow(run))));

const takeModuleAway = async (run: Run, request: ModuleRequest): Promise<Done> => {
  const entry = await entryFor(run, request.operand, { mustBeKnown: true });
  if (request.switches.rpmSafeUpgrade && wasAddedHere(run.settings.stateDir, entry.module)) {
    run.note({ note: 'removal-cancelled', module: entry.module });
    return nothing;
  }
  if (isReplaced(run, request, entry)) {
    markSuperseded(run, entry.module);
    removeSuperseded(run, false);
    return nothing;
  }
  const kernels = request.kernels === 'all' ? entry.built : request.kernels;
  const { removals, rows } = removalsFor(run, entry, kernels, request.verb === 'uninstall' ? 'uninstalled' : 'absent');
  const taken = await takeAway(run, removals);
  const done = [...rows, ...taken.rows];
  const hasFailed = done.some((row) => row.outcome.kind === 'failed');
  if (request.verb === 'remove' && !hasFailed && !isLeft(run, entry.module)) forgetEntry(run, entry);
  return { rows: inOrder(done), failures: [], changed: taken.changed };
};

const add = async (run: Run, request: ModuleRequest): Promise<Done> => {
  const { operand, switches } = request;
  // In an upgrade to the same version it is registered already; the removal that follows is cancelled all the same.
  if (switches.rpmSafeUpgrade && operand?.kind === 'module' && operand.version) {
    markAdded(run.settings.stateDir, { name: operand.name, version: operand.version });
  }
  if (operand?.kind === 'archive') return { ...nothing, ...(await loadModule(run, operand.path)).result };
  await (request.mayBeKnown ? entryFor(run, operand) : registerOperand(run, operand));
  return nothing;
};

const match = async (run: Run, request: MatchRequest): Promise<Done> => {
  const { template, kernel, switches } = request;
  if (!template) throw new FailureError({ kind: 'no-template' });
  if (template === kernel.release) throw new FailureError({ kind: 'same-kernel', at: template });
  const from = { release: template, arch: kernel.arch };
  const entries = entriesNow(run).filter(
    ({ module }) => installedVersion(run.settings.dkmsTree, module.name, from) === module.version,
  );
  if (entries.length === 0) return nothing;
  return bringAbout(run, entries, [kernel], { want: 'installed', force: switches.force });
};

const preinst = async (run: Run, { kernel }: PreinstRequest): Promise<Done> => {
  const built = entriesNow(run).filter((entry) => entry.built.some((one) => sameKernel(one, kernel)));
  const survey = await surveyModules(run, built, [kernel]);
  const findings = [...findingsOn(survey, kernel).values()];
  const removals = findings
    .filter((finding) => finding.conf?.autoinstall)
    .map((finding): Removal => ({ module: finding.entry.module, kernel, why: 'asked' }));
  const { rows, changed } = await takeAway(run, removals);
  return { rows: inOrder(rows), failures: [], changed };
};

const generateKey = async (run: Run): Promise<Done> => {
  const ready = await run.signingKey({ release: runningKernel(), arch: machineArch() });
  if ('problem' in ready) throw new FailureError({ kind: 'no-key', problem: ready.problem });
  if (!ready.isNew) run.note({ note: 'key-there', certificate: ready.key.certificate });
  return nothing;
};

const carryOut = async (run: Run, request: DkmsRequest): Promise<Done> => {
  switch (request.verb) {
    case 'add':
      return add(run, request);
    case 'build':
    case 'install':
      return buildOrInstall(run, request);
    case 'uninstall':
    case 'unbuild':
    case 'remove':
      return takeModuleAway(run, request);
    case 'match':
      return match(run, request);
    case 'kernel_preinst':
      return preinst(run, request);
    case 'mktarball':
      return { ...nothing, ...(await makeArchive(run, request)) };
    case 'ldtarball':
      return { ...nothing, ...(await loadArchive(run, request)) };
    case 'generate_mok':
      return generateKey(run);
  }
};

/**
 * Carry out a dkms command under the run's lock.
 * Throws FailureError where it cannot begin: a module that nobody knows, an unusable conf.
 *
 * @param recovered releases for which a killed run owes depmod
 */
export const performTyped = async (
  run: Run,
  request: DkmsRequest,
  recovered: readonly string[],
): Promise<SyncResult> => {
  const missing = missingKernels(run, request);
  const [first] = missing;
  if (first && request.verb === 'install' && missing.length === request.kernels.length) {
    throw new FailureError(first.failure);
  }
  const { rows, failures, changed } = await carryOut(run, request);
  const result = { rows, failures: [...failures, ...(await depmodAll(run, [...recovered, ...changed]))] };
  return request.verb === 'install' || request.verb === 'build' ? rollBack(run, result) : result;
};
