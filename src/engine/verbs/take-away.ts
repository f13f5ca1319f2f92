import type { Row } from '../answers.ts';
import { inOrder, type JobsDone, runJobs } from '../jobs/run-plan.ts';
import type { Removal } from '../plan/candidates.ts';
import { makePlan } from '../plan/make-plan.ts';
import { findingsOn, noSurvey, surveyModules } from '../plan/survey.ts';
import { entryFor } from '../register/operand.ts';
import {
  type Kernel,
  type Module,
  type ModuleRequest,
  type PreinstRequest,
  sameKernel,
  sameModule,
} from '../request.ts';
import type { Run } from '../run/run.ts';
import { wasAddedHere } from '../state/rpm-upgrade.ts';
import { forgetEntry } from '../tree/forget.ts';
import { hasOtherVersion, markSuperseded, removeSuperseded } from '../tree/superseded.ts';
import { stateOn, type TreeEntry } from '../tree/tree.ts';
import { type Done, entriesNow, nothing } from './done.ts';

/** dkms's commands that take modules away. */

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
  run.emit({ kind: 'planned', plan, atOnce: run.settings.jobs });
  return runJobs(run, plan, noSurvey);
};

const isLeft = (run: Run, module: Module): boolean =>
  entriesNow(run).some((entry) => sameModule(entry.module, module) && entry.built.length > 0);

/** dpkg removes the old version before the new one comes, rpm after that: it stays where the new one does not stand. */
const isReplaced = (run: Run, request: ModuleRequest, entry: TreeEntry): boolean =>
  request.verb === 'remove' &&
  (request.replacementFollows === true || (request.switches.rpmSafeUpgrade && hasOtherVersion(entry, entriesNow(run))));

/** uninstall, unbuild and remove. */
export const takeModuleAway = async (run: Run, request: ModuleRequest): Promise<Done> => {
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

/** kernel_preinst: what is built for a kernel that comes again goes. */
export const preinst = async (run: Run, { kernel }: PreinstRequest): Promise<Done> => {
  const built = entriesNow(run).filter((entry) => entry.built.some((one) => sameKernel(one, kernel)));
  const survey = await surveyModules(run, built, [kernel]);
  const findings = [...findingsOn(survey, kernel).values()];
  const removals = findings
    .filter((finding) => finding.conf?.autoinstall)
    .map((finding): Removal => ({ module: finding.entry.module, kernel, why: 'asked' }));
  const { rows, changed } = await takeAway(run, removals);
  return { rows: inOrder(rows), failures: [], changed };
};
