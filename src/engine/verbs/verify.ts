import { checkLoading } from '../install/load-check.ts';
import { kernelsOf } from '../plan/scope.ts';
import type { Emit, VerifiedKernel, VerifyAnswer } from '../progress.ts';
import type { VerifyRequest } from '../request.ts';
import { noSwitches } from '../run/run.ts';
import type { Settings } from '../settings.ts';
import { withRun } from './with-run.ts';

/**
 * Predict for each Kernel whether what is installed there will load. Changes nothing.
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
    const { kernels, failures } = kernelsOf(settings, request.scope);
    const verified: VerifiedKernel[] = [];
    for (const kernel of kernels) verified.push({ release: kernel.release, ...(await checkLoading(run, kernel)) });
    return { kind: 'verified', kernels: verified, failures };
  });
