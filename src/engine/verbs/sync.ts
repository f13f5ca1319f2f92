import { dirname, join } from 'node:path';
import type { PlanAnswer, PlannedKey, Row, SyncResult } from '../answers.ts';
import { type Failure, failureOf } from '../errors.ts';
import { adoptAll } from '../install/adopt.ts';
import { rememberPassedOver, rememberSettled } from '../jobs/remember.ts';
import { depmodAll, inOrder, runJobs } from '../jobs/run-plan.ts';
import { checkRows } from '../jobs/verdict.ts';
import { forgetContents } from '../key/contents.ts';
import { keyOf } from '../key/key.ts';
import type { PlanInput, Removal } from '../plan/candidates.ts';
import { rebuilds } from '../plan/decide.ts';
import { kernelHere } from '../plan/kernel-choice.ts';
import { makePlan } from '../plan/make-plan.ts';
import { type Scope, scopeOf } from '../plan/scope.ts';
import { findingsOn, type Survey, surveyModules } from '../plan/survey.ts';
import type { Plan } from '../plan.ts';
import { registerWithNeeds } from '../register/registration.ts';
import { unpackedSources } from '../register/unpacked.ts';
import { type SyncRequest, sameModule } from '../request.ts';
import type { Run } from '../run/run.ts';
import type { Settings } from '../settings.ts';
import { objectFactsFile, ownCrcsFile } from '../state/paths.ts';
import { forgetRecord, readRecord, recordedEntries } from '../state/record.ts';
import { exists, isWritable, readDirectory, realPath } from '../system/files.ts';
import { remove, removeEmpty } from '../system/publish.ts';
import { forgetEntry } from '../tree/forget.ts';
import {
  cancelReplacement,
  hasSuccessor,
  isSuperseded,
  markSuperseded,
  removedWithoutReplacement,
  removeSuperseded,
  replacedInPlace,
} from '../tree/superseded.ts';
import { newestEntries, readTree, type TreeEntry } from '../tree/tree.ts';
import { noteChosen, noteSkipped } from './note-kernels.ts';
import type { Recovered } from './recover.ts';

/** Bring the known set into the wanted state: look, plan, run the plan, depmod. */

const isLeaving = (scope: Scope, { module }: TreeEntry): boolean =>
  scope.leavingEntries.some((leaving) => sameModule(leaving.module, module));

const removalsOf = (scope: Scope, entries: readonly TreeEntry[]): Removal[] => [
  ...scope.leavingEntries.flatMap((entry) =>
    entry.built.map((kernel): Removal => ({ module: entry.module, kernel, why: 'source-leaving' })),
  ),
  ...entries
    .filter((entry) => !isLeaving(scope, entry))
    .flatMap((entry) =>
      entry.built
        .filter((kernel) => scope.leavingKernels.includes(kernel.release))
        .map((kernel): Removal => ({ module: entry.module, kernel, why: 'kernel-leaving' })),
    ),
];

/** What a trial is asked about by name. */
const targetsOf = ({ trial }: SyncRequest): Pick<PlanInput, 'targets'> =>
  trial && trial.names.length > 0
    ? { targets: new Map(trial.names.map((name) => [name, { want: 'installed', force: false }])) }
    : {};

const planInput = (run: Run, request: SyncRequest, survey: Survey, removals: readonly Removal[]): PlanInput => {
  const switchFile = join(run.settings.confDir, 'no-autoinstall');
  return {
    kernels: survey.kernels,
    removals,
    trustMemory: request.origin === 'hook',
    headersMayFollow: request.transactionGoesOn,
    ...(exists(switchFile) ? { noAutoinstall: switchFile } : {}),
    ...targetsOf(request),
  };
};

/** What depmod leaves in a kernel's directory; nobody's package owns it. Source: depmod(8), modules.dep(5). */
const depmodFiles =
  /^modules\.(dep|alias|symbols|devname|softdep|weakdep|builtin\.alias|builtin\.bin|dep\.bin|alias\.bin|symbols\.bin|builtin\.alias\.bin)(\.bin)?$/;

const cleanKernel = (run: Run, release: string): void => {
  const directory = join(run.settings.installTree, release);
  const left = readDirectory(directory);
  if (left.length === 0 || left.some((name) => ['vmlinuz', 'kernel', 'modules.order', 'build'].includes(name))) return;
  for (const name of left.filter((file) => depmodFiles.test(file))) remove(join(directory, name));
  for (const place of ['updates/dkms', 'extra']) removeEmpty(join(directory, place), directory);
  removeEmpty(directory, dirname(directory));
  run.note({ note: 'kernel-cleaned', release });
};

const forgetEntries = (run: Run, scope: Scope, rows: readonly Row[]): void => {
  for (const entry of scope.leavingEntries) {
    const isKept = rows.some((row) => sameModule(row.module, entry.module) && row.outcome.kind === 'failed');
    if (!isKept) forgetEntry(run, entry);
  }
};

/** Failures of a kernel that is gone are of no use to anybody. */
const forgetKernels = (run: Run, releases: readonly string[], rows: readonly Row[]): void => {
  for (const file of [objectFactsFile, ownCrcsFile])
    for (const release of releases) remove(file(run.settings.stateDir, release));
  for (const { module, kernel } of recordedEntries(run.settings.stateDir)) {
    const isKept = rows.some((row) => row.kernel.release === kernel.release && row.outcome.kind === 'failed');
    if (releases.includes(kernel.release) && !isKept) forgetRecord(run.settings.stateDir, module, kernel);
  }
};

/** What stood in sources and headers is of use as long as something was built from it. */
const forgetOldContents = (run: Run): void => {
  const { stateDir } = run.settings;
  const records = recordedEntries(stateDir).map(({ module, kernel }) => readRecord(stateDir, module, kernel));
  const parts = records.flatMap(({ build, failure }) => [build?.parts, failure?.parts]);
  forgetContents(
    stateDir,
    new Set(parts.flatMap((one) => (one ? [one.sources, one.headers, one.kbuild, one.conf] : []))),
  );
};

/** A Module that was left alone because its source is not there is still worth a word. */
const noteBroken = (run: Run, entries: readonly TreeEntry[]): void => {
  const { stateDir } = run.settings;
  const gone = entries.filter((entry) => entry.broken && !entry.unreadable && !isSuperseded(stateDir, entry.module));
  for (const { module, source } of gone) run.note({ note: 'broken-module', module, source });
};

/** The same version came again, as in an upgrade of its package alone. */
const cancelReplacements = (run: Run, scope: Scope, known: readonly TreeEntry[]): void => {
  const { sourceTree, stateDir } = run.settings;
  const paths = new Set(scope.sources.map((source) => realPath(join(sourceTree, source))));
  for (const { module, source } of known.filter((entry) => !entry.broken))
    if (paths.has(source)) cancelReplacement(stateDir, module);
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
  noteSkipped(run, named, request.touched.kernels);
  if (request.scope.kind === 'here') noteChosen(run, kernelHere(settings));
  const orphans = isEndOfTransaction(request) ? removedWithoutReplacement(run, known) : [];
  if (!request.dryRun) cancelReplacements(run, named, known);
  const outdated = isEndOfTransaction(request) && !request.dryRun ? replacedInPlace(known) : [];
  for (const { module } of outdated) markSuperseded(run, module);
  const unpacked = request.transactionGoesOn ? await unpackedSources(run, known) : [];
  const fresh = await registerWithNeeds(run, [...named.sources, ...unpacked], known, named.kernels[0], request.dryRun);
  const isFresh = ({ module }: TreeEntry): boolean => fresh.entries.some((one) => sameModule(one.module, module));
  const all = [...known.filter((entry) => !isFresh(entry)), ...fresh.entries];
  const replaced = named.leavingEntries.filter((entry) => hasSuccessor(entry, all, named.coming));
  if (!request.dryRun) for (const { module } of replaced) markSuperseded(run, module);
  const leaving = named.leavingEntries.filter((entry) => !replaced.includes(entry));
  const scope = { ...named, leavingEntries: [...leaving, ...orphans] };
  const staying = all.filter((entry) => !isLeaving(scope, entry));
  noteBroken(run, staying);
  const survey = await surveyModules(run, request.dropOnly ? [] : newestEntries(staying), scope.kernels);
  const plan = makePlan(planInput(run, request, survey, removalsOf(scope, known)));
  // Where nothing is known a kernel lacks nothing.
  const ofScope = scope.failures.filter(({ kind }) => all.length > 0 || kind !== 'kernel-missing');
  return { scope, survey, plan, failures: [...ofScope, ...fresh.failures] };
};

const keysOf = ({ jobs }: Plan, survey: Survey): PlannedKey[] =>
  jobs.flatMap((job) => {
    const finding = findingsOn(survey, job.kernel).get(job.module.name);
    if (!finding || !rebuilds.has(job.why.reason)) return [];
    return [{ job: job.id, key: keyOf(finding.parts), parts: { ...finding.parts } }];
  });

/** The answer to a dry run. */
export const planAnswer = async (run: Run, request: SyncRequest, notes: PlanAnswer['notes']): Promise<PlanAnswer> => {
  const { plan, survey, failures } = await prepare(run, request);
  run.emit({ kind: 'planned', plan, atOnce: run.settings.jobs });
  return { kind: 'plan', plan, atOnce: run.settings.jobs, keys: keysOf(plan, survey), failures, notes };
};

/** Whether the trees can be written; the first that cannot. */
export const unwritable = (settings: Settings): Failure | undefined => {
  const path = [settings.dkmsTree, settings.stateDir].find((directory) => !isWritable(directory));
  return path === undefined ? undefined : { kind: 'tree-unwritable', at: path };
};

/** One thing after the other: what fails is a failure of its own and keeps nothing else from being done. */
const each = async (failures: Failure[], works: readonly (() => void | Promise<void>)[]): Promise<void> => {
  for (const work of works) {
    try {
      await work();
    } catch (error) {
      failures.push(failureOf(error));
    }
  }
};

/** Under the lock, and after what earlier runs left was made up for: make it so. */
export const sync = async (run: Run, request: SyncRequest, recovered: Recovered): Promise<SyncResult> => {
  const prepared = await prepare(run, request);
  run.emit({ kind: 'planned', plan: prepared.plan, atOnce: run.settings.jobs });
  await adoptAll(run, prepared.survey);
  const jobs = await runJobs(run, prepared.plan, prepared.survey);
  const done = [...prepared.plan.settled, ...jobs.rows];
  // First of all: what was installed is of no use without it.
  const due = await depmodAll(run, [...recovered.releases, ...jobs.changed]);
  const failures = [...recovered.failures, ...prepared.failures, ...due];
  const { leavingKernels } = prepared.scope;
  let rows: readonly Row[] = done;
  await each(failures, [
    () => removeSuperseded(run, isEndOfTransaction(request)),
    () => rememberSettled(run, prepared.plan.settled),
    () => rememberPassedOver(run, done),
    () => forgetEntries(run, prepared.scope, done),
    () => forgetKernels(run, leavingKernels, done),
    async () => {
      rows = await checkRows(run, prepared.survey, done);
    },
    ...leavingKernels.map((release) => () => cleanKernel(run, release)),
    () => (jobs.rows.length > 0 ? forgetOldContents(run) : undefined),
  ]);
  return { rows: inOrder(rows), failures };
};
