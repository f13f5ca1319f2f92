import { join } from 'node:path';
import type { Row, SyncResult } from '../answers.ts';
import { type Failure, FailureError } from '../errors.ts';
import { depmodAll, inOrder, runJobs } from '../jobs/run-plan.ts';
import { machineArch, runningKernel } from '../kernel/kernel.ts';
import type { Target } from '../plan/candidates.ts';
import { kernelHere } from '../plan/kernel-choice.ts';
import { makePlan } from '../plan/make-plan.ts';
import { surveyModules } from '../plan/survey.ts';
import { loadArchive, loadModule, makeArchive } from '../register/archive.ts';
import { entryFor, registerOperand } from '../register/operand.ts';
import {
  type DkmsRequest,
  type Kernel,
  type MatchRequest,
  type ModuleRequest,
  type Operand,
  sameKernel,
} from '../request.ts';
import type { Run } from '../run/run.ts';
import { markAdded } from '../state/rpm-upgrade.ts';
import { exists, isDirectory, readDirectory } from '../system/files.ts';
import { isCleanName } from '../system/names.ts';
import { compareVersions } from '../system/version.ts';
import { installedVersion, newestEntries, type TreeEntry } from '../tree/tree.ts';

import { type Done, entriesNow, nothing } from './done.ts';
import { noteChosen } from './note-kernels.ts';
import type { Recovered } from './recover.ts';
import { installedNow, rollBack } from './roll-back.ts';
import { preinst, takeModuleAway } from './take-away.ts';

/** dkms's commands on modules, on top of the same plan, schedule and jobs as a sync. */

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
  run.emit({ kind: 'planned', plan, atOnce: run.settings.jobs });
  const jobs = await runJobs(run, plan, survey);
  const rows = [...missingRows(named, missing), ...plan.settled, ...jobs.rows];
  // The first failure is the command's, and first is what was said first.
  const place = ({ kernel }: Row): number => kernels.findIndex((one) => sameKernel(one, kernel));
  rows.sort((a, b) => place(a) - place(b));
  return { rows: inOrder(rows), failures: [], changed: jobs.changed };
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
  const missing = missingKernels(run, request);
  const [first] = missing;
  if (first && missing.length === request.kernels.length) throw new FailureError(first.failure);
  const kernels = request.kernels === 'all' ? kernelsWithHeaders(run) : request.kernels;
  if (kernels.length === 0) throw new FailureError({ kind: 'headers-missing', at: run.settings.installTree });
  const want = request.verb === 'build' ? 'built' : 'installed';
  const target = { want, force: request.switches.force } as const;
  return bringAbout(run, [entry], kernels, target, missing);
};

const add = async (run: Run, request: ModuleRequest): Promise<Done> => {
  const { operand, switches } = request;
  // In an upgrade to the same version it is registered already; the removal that follows is cancelled all the same.
  if (switches.rpmSafeUpgrade && operand?.kind === 'module' && operand.version) {
    markAdded(run.settings.stateDir, { name: operand.name, version: operand.version });
  }
  if (operand?.kind === 'archive') return { ...nothing, ...(await loadModule(run, operand.path)).result };
  await (request.mayBeKnown ? entryFor(run, operand, { mends: true }) : registerOperand(run, operand));
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

const generateKey = async (run: Run): Promise<Done> => {
  const ready = await run.signingKey({ release: runningKernel(), arch: machineArch() });
  if ('problem' in ready) throw new FailureError({ kind: 'no-key', problem: ready.problem });
  if (!ready.isNew) run.note({ note: 'key-there', certificate: ready.key.certificate });
  return nothing;
};

/** A request that names no kernel, with the one that it means. */
const withKernelHere = (run: Run, request: DkmsRequest): DkmsRequest => {
  if (!('kernelUnsaid' in request) || !request.kernelUnsaid) return request;
  const release = kernelHere(run.settings);
  noteChosen(run, release);
  if (request.verb === 'match') return { ...request, kernel: { ...request.kernel, release } };
  return request.kernels === 'all'
    ? request
    : { ...request, kernels: request.kernels.map((kernel) => ({ ...kernel, release })) };
};

const carryOut = async (run: Run, asked: DkmsRequest): Promise<Done> => {
  const request = withKernelHere(run, asked);
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
 */
export const performTyped = async (run: Run, request: DkmsRequest, recovered: Recovered): Promise<SyncResult> => {
  // Another module's failure is no answer to this command, and must not refuse its package.
  for (const failure of recovered.failures) run.note({ note: 'not-recovered', failure });
  const before = request.verb === 'install' ? installedNow(run) : new Map<string, string>();
  const { rows, failures, changed } = await carryOut(run, request);
  const result = { rows, failures: [...failures, ...(await depmodAll(run, [...recovered.releases, ...changed]))] };
  return request.verb === 'install' || request.verb === 'build' ? rollBack(run, before, result) : result;
};
