import { join } from 'node:path';
import type { MissingModule, VerifiedKernel, VerifyAnswer } from '../answers.ts';
import { leftToKernel } from '../install/in-tree.ts';
import { checkLoading, unlistedOn } from '../install/load-check.ts';
import { requiredMissing } from '../jobs/required.ts';
import { kernelsOf } from '../plan/scope.ts';
import { findingsOn, type Survey, surveyModules } from '../plan/survey.ts';
import type { Emit } from '../progress.ts';
import { type Kernel, sameModule, type VerifyRequest } from '../request.ts';
import { noSwitches, type Run } from '../run/run.ts';
import type { Settings } from '../settings.ts';
import { exists } from '../system/files.ts';
import { newestEntries, readTree } from '../tree/tree.ts';
import { noteSkipped } from './note-kernels.ts';
import { withRun } from './with-run.ts';

/** Predicts for each Kernel whether what is wanted there is installed and will load. */

/** Modules that a sync would install and that are not: neither in this version nor in another. */
const wantedAndMissing = async (run: Run, survey: Survey, kernel: Kernel): Promise<MissingModule[]> => {
  if (exists(join(run.settings.confDir, 'no-autoinstall'))) return [];
  const missing: MissingModule[] = [];
  for (const { conf, candidate, entry, record } of findingsOn(survey, kernel).values()) {
    if (candidate.installed || entry.broken) continue;
    const why = candidate.failure ?? record.failure?.failure;
    const facts = { name: entry.module.name, version: entry.module.version, ...(why ? { failure: why } : {}) };
    if (!conf) missing.push(facts);
    if (!conf?.autoinstall || conf.exclusion) continue;
    const left = candidate.state === 'built' ? await leftToKernel(run, entry.module, kernel, conf) : new Map();
    if (left.size === 0 || left.size < conf.objects.length) missing.push(facts);
  }
  return missing;
};

const verifyKernel = async (run: Run, survey: Survey, kernel: Kernel): Promise<VerifiedKernel> => {
  const { objects, certain, failures, unchecked } = await checkLoading(run, kernel);
  const unlisted = unlistedOn(run, kernel).filter(
    (one) => !failures.some(({ module, failure }) => sameModule(module, one.module) && failure.at === one.failure.at),
  );
  const wanted = await wantedAndMissing(run, survey, kernel);
  const further = (await requiredMissing(run, survey, kernel, [])).filter(
    (name) => !wanted.some((one) => one.name === name),
  );
  const missing = [...wanted, ...further.map((name) => ({ name }))].map(
    (one): MissingModule => ({
      ...one,
      ...(run.settings.requiredModules.includes(one.name) ? { required: true as const } : {}),
    }),
  );
  return { release: kernel.release, objects, certain, failures: [...failures, ...unlisted], unchecked, missing };
};

/**
 * Predict for each Kernel whether what is wanted there will load. Changes nothing.
 *
 * @param abort ends the processes that look at the objects
 */
export const verifyKernels = (
  settings: Settings,
  request: VerifyRequest,
  emit: Emit,
  abort: AbortSignal,
): Promise<VerifyAnswer> =>
  withRun<VerifyAnswer>(settings, noSwitches, emit, abort, async (run) => {
    const { kernels, skipped, failures } = kernelsOf(settings, request.scope);
    noteSkipped(run, { skipped });
    const entries = newestEntries(readTree(settings.dkmsTree, settings.sourceTree));
    const survey = await surveyModules(run, entries, kernels);
    const verified: VerifiedKernel[] = [];
    for (const kernel of kernels) verified.push(await verifyKernel(run, survey, kernel));
    return { kind: 'verified', kernels: verified, failures };
  });
