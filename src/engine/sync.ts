import { dirname, join } from 'node:path';
import { adoptAll } from './adopt.ts';
import { depmodAll, forgetEntry, inOrder, runJobs } from './carry-out.ts';
import { checkRows } from './check-rows.ts';
import type { Failure } from './errors.ts';
import { exists, isWritable, list, realPath, remove, removeEmpty, sweepTemporary } from './files.ts';
import { uninstallModule } from './install.ts';
import { makePlan } from './make-plan.ts';
import type { Plan, PlanInput, Removal } from './plan.ts';
import type { PlanAnswer, Row } from './progress.ts';
import { closeJournal, forgetRecord, openJournals, recordedEntries } from './record.ts';
import { registerWithNeeds } from './registration.ts';
import { rememberSettled } from './remember.ts';
import type { SyncRequest } from './request.ts';
import type { Run } from './run.ts';
import { type Scope, scopeOf } from './scope.ts';
import type { Settings } from './settings.ts';
import { dropOutgoing, isOutgoing, stays, withoutSuccessor } from './successor.ts';
import { type Survey, surveyModules } from './survey.ts';
import { installedVersion, newestEntries, readTree, type TreeEntry } from './tree.ts';
import { unpackedSources } from './unpacked.ts';

/** Bring the known set into the wanted state: look, plan, run the plan, depmod. */

/** What a sync did, before it is made a Summary. */
export interface SyncResult {
  readonly rows: readonly Row[];
  readonly failures: readonly Failure[];
}

/** Finish what a killed run began to take away, and sweep away what it left half written. */
export const recover = (run: Run, afterDeath: boolean): void => {
  const { dkmsTree, stateDir, installTree } = run.settings;
  if (afterDeath) {
    sweepTemporary(dkmsTree, 4);
    sweepTemporary(stateDir, 4);
    for (const release of list(installTree)) {
      for (const place of ['kernel', 'updates', 'extra']) sweepTemporary(join(installTree, release, place), 8);
    }
  }
  for (const { module, kernel, action } of openJournals(stateDir)) {
    if (action !== 'uninstall') continue;
    if (installedVersion(dkmsTree, module.name, kernel) === module.version) uninstallModule(run, module, kernel);
    else closeJournal(stateDir, module.name, kernel);
    run.note({ note: 'recovered', module, kernel });
  }
};

const removalsOf = (scope: Scope, entries: readonly TreeEntry[]): Removal[] => [
  ...scope.leavingEntries.flatMap((entry) =>
    entry.built.map((kernel): Removal => ({ module: entry.module, kernel, why: 'source-leaving' })),
  ),
  ...entries
    .filter((entry) => !scope.leavingEntries.includes(entry))
    .flatMap((entry) =>
      entry.built
        .filter((kernel) => scope.leavingKernels.includes(kernel.release))
        .map((kernel): Removal => ({ module: entry.module, kernel, why: 'kernel-leaving' })),
    ),
];

const planInput = (run: Run, request: SyncRequest, survey: Survey, removals: readonly Removal[]): PlanInput => {
  const switchFile = join(run.settings.confDir, 'no-autoinstall');
  return {
    kernels: survey.kernels,
    removals,
    trustMemory: request.origin === 'hook',
    headersMayFollow: request.transactionGoesOn,
    ...(exists(switchFile) ? { noAutoinstall: switchFile } : {}),
  };
};

/** What depmod leaves in a kernel's directory; nobody's package owns it. Source: depmod(8), modules.dep(5). */
const depmodFiles =
  /^modules\.(dep|alias|symbols|devname|softdep|weakdep|builtin\.alias|builtin\.bin|dep\.bin|alias\.bin|symbols\.bin|builtin\.alias\.bin)(\.bin)?$/;

const cleanKernel = (run: Run, release: string): void => {
  const directory = join(run.settings.installTree, release);
  const left = list(directory);
  if (left.length === 0 || left.some((name) => ['vmlinuz', 'kernel', 'modules.order', 'build'].includes(name))) return;
  for (const name of left.filter((file) => depmodFiles.test(file))) remove(join(directory, name));
  for (const place of ['updates/dkms', 'extra']) removeEmpty(join(directory, place), directory);
  removeEmpty(directory, dirname(directory));
  run.note({ note: 'kernel-cleaned', release });
};

const forgetEntries = (run: Run, scope: Scope, rows: readonly Row[]): void => {
  for (const entry of scope.leavingEntries) {
    const isKept = rows.some((row) => row.module === entry.module && row.outcome.kind === 'failed');
    if (!isKept) forgetEntry(run, entry);
  }
};

/** Failures of a kernel that is gone are of no use to anybody. */
const forgetKernels = (run: Run, releases: readonly string[], rows: readonly Row[]): void => {
  for (const { module, kernel } of recordedEntries(run.settings.stateDir)) {
    const isKept = rows.some((row) => row.kernel.release === kernel.release && row.outcome.kind === 'failed');
    if (releases.includes(kernel.release) && !isKept) forgetRecord(run.settings.stateDir, module, kernel);
  }
};

/** A Module that was left alone because its source is not there is still worth a word. */
const noteBroken = (run: Run, entries: readonly TreeEntry[]): void => {
  const { stateDir } = run.settings;
  for (const { module, source } of entries.filter((entry) => entry.broken && !isOutgoing(stateDir, entry.module)))
    run.note({ note: 'broken-module', module, source });
};

/** The same version came again, as in an upgrade of its package alone. */
const welcomeBack = (run: Run, scope: Scope, known: readonly TreeEntry[]): void => {
  const { sourceTree, stateDir } = run.settings;
  const paths = new Set(scope.sources.map((source) => realPath(join(sourceTree, source))));
  for (const { module, source } of known.filter((entry) => !entry.broken))
    if (paths.has(source)) stays(stateDir, module);
};

/** Everything that the package manager brings is there by now. */
const isEndOfTransaction = (request: SyncRequest): boolean =>
  request.origin === 'hook' && !request.transactionGoesOn && !request.dropOnly && request.touched.sources.length === 0;

interface Prepared {
  readonly scope: Scope;
  readonly survey: Survey;
  readonly plan: Plan;
  readonly failures: readonly Failure[];
}

/** Look and plan. Changes nothing, but for making known what the event brought (not in a dry run). */
const prepare = async (run: Run, request: SyncRequest): Promise<Prepared> => {
  const { settings } = run;
  const known = readTree(settings.dkmsTree, settings.sourceTree);
  const named = scopeOf(settings, request, known);
  const orphans = isEndOfTransaction(request) ? withoutSuccessor(run, known) : [];
  const scope = { ...named, leavingEntries: [...named.leavingEntries, ...orphans] };
  if (!request.dryRun) welcomeBack(run, scope, known);
  const unpacked = request.transactionGoesOn ? await unpackedSources(run, known) : [];
  const fresh = await registerWithNeeds(run, [...scope.sources, ...unpacked], known, scope.kernels[0], request.dryRun);
  const staying = [...known, ...fresh.entries].filter((entry) => !scope.leavingEntries.includes(entry));
  noteBroken(run, staying);
  const survey = await surveyModules(run, request.dropOnly ? [] : newestEntries(staying), scope.kernels);
  const plan = makePlan(planInput(run, request, survey, removalsOf(scope, known)));
  return { scope, survey, plan, failures: [...scope.failures, ...fresh.failures] };
};

/** The answer to a dry run. */
export const planAnswer = async (run: Run, request: SyncRequest, notes: PlanAnswer['notes']): Promise<PlanAnswer> => {
  const { plan, failures } = await prepare(run, request);
  run.emit({ kind: 'planned', plan });
  return { kind: 'plan', plan, failures, notes };
};

/** Whether the trees can be written; the first that cannot. */
export const unwritable = (settings: Settings): Failure | undefined => {
  const path = [settings.dkmsTree, settings.stateDir].find((directory) => !isWritable(directory));
  return path === undefined ? undefined : { kind: 'tree-unwritable', at: path };
};

/** Under the lock: make it so. */
export const sync = async (run: Run, request: SyncRequest): Promise<SyncResult> => {
  const prepared = await prepare(run, request);
  run.emit({ kind: 'planned', plan: prepared.plan });
  await adoptAll(run, prepared.survey);
  const done = [...prepared.plan.settled, ...(await runJobs(run, prepared.plan, prepared.survey))];
  dropOutgoing(run, isEndOfTransaction(request));
  rememberSettled(run, prepared.plan.settled);
  forgetEntries(run, prepared.scope, done);
  forgetKernels(run, prepared.scope.leavingKernels, done);
  const failures = [...prepared.failures, ...(await depmodAll(run))];
  const rows = await checkRows(run, prepared.survey, done);
  for (const release of prepared.scope.leavingKernels) cleanKernel(run, release);
  return { rows: inOrder(rows), failures };
};
