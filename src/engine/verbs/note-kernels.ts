import { runningKernel } from '../kernel/kernel.ts';
import type { SkippedKernel } from '../plan/scope.ts';
import type { Run } from '../run/run.ts';

/** What is told of the choice of kernels. */

/** Kernels that the settings pass over. @param fresh releases that have just come */
export const noteSkipped = (
  run: Run,
  { skipped }: { readonly skipped: readonly SkippedKernel[] },
  fresh: readonly string[] = [],
): void => {
  for (const { release, setting } of skipped)
    run.note({ note: 'kernel-skipped', release, setting, isNew: fresh.includes(release) });
};

/** The kernel of a command that names none, where that is not the one that runs. */
export const noteChosen = (run: Run, release: string): void => {
  const running = runningKernel();
  if (release !== running) run.note({ note: 'kernel-chosen', release, running });
};
