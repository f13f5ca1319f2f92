import { leftToKernel } from '../install/in-tree.ts';
import type { LoadFailure } from '../install/load-check.ts';
import { findingsOn, type Survey } from '../plan/survey.ts';
import type { Kernel } from '../request.ts';
import type { Run } from '../run/run.ts';

/** Whether the kernel's own module stays, because it has this version or a newer one. */
const isLeftToKernel = async (run: Run, survey: Survey, kernel: Kernel, name: string): Promise<boolean> => {
  const found = findingsOn(survey, kernel).get(name);
  if (!found?.conf || found.candidate.state !== 'built') return false;
  const left = await leftToKernel(run, found.entry.module, kernel, found.conf);
  return left.size > 0 && left.size >= found.conf.objects.length;
};

/**
 * Names of required modules that are not installed on a Kernel, or of which something there will not load.
 *
 * @param survey has the required modules that are known
 * @param failures of what is installed there
 */
export const requiredMissing = async (
  run: Run,
  survey: Survey,
  kernel: Kernel,
  failures: readonly LoadFailure[],
): Promise<string[]> => {
  const missing: string[] = [];
  for (const name of run.settings.requiredModules) {
    const isInstalled = findingsOn(survey, kernel).get(name)?.candidate.installed !== undefined;
    const loads = isInstalled && !failures.some(({ module }) => module.name === name);
    if (!loads && (isInstalled || !(await isLeftToKernel(run, survey, kernel, name)))) missing.push(name);
  }
  return missing;
};
