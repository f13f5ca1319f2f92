import type { Answer } from './answers.ts';
import type { Emit } from './progress.ts';
import type { Request } from './request.ts';
import type { Settings } from './settings.ts';
import { lastLog, statusOf } from './verbs/status.ts';

/** The engine's one entry: a table with a row for each verb. It prints nothing and never exits. */

/**
 * Do what the Request asks; progress is told on the way.
 *
 * @param abort ends every child process and the run; its reason is the signal's name
 * @returns what the verb answers; a Job's failure is in it. Throws FailureError where nothing could begin.
 */
export const perform = async (
  request: Request,
  settings: Settings,
  emit: Emit,
  abort: AbortSignal,
): Promise<Answer> => {
  switch (request.verb) {
    case 'status':
      return statusOf(settings, request);
    case 'log':
      return lastLog(settings, request);
    case 'verify': {
      const { verifyKernels } = await import('./verbs/verify.ts');
      return verifyKernels(settings, request, emit, abort);
    }
    case 'guard': {
      const { guard } = await import('./verbs/guard.ts');
      return guard(settings, request, emit, abort);
    }
    case 'store': {
      const { store } = await import('./verbs/store.ts');
      return store(settings, request);
    }
    case 'push': {
      const { push } = await import('./verbs/push.ts');
      return push(settings, request, emit, abort);
    }
    case 'pack': {
      const { pack } = await import('./verbs/pack.ts');
      return pack(settings, request, emit, abort);
    }
    case 'why': {
      const { why } = await import('./verbs/why.ts');
      return why(settings, request, emit, abort);
    }
    case 'lint': {
      const { lint } = await import('./verbs/lint.ts');
      return lint(settings, request, emit, abort);
    }
    case 'doctor': {
      const { doctor } = await import('./verbs/doctor.ts');
      return doctor(settings, request, emit, abort);
    }
    case 'boot-guard': {
      const { bootGuard } = await import('./verbs/boot-guard.ts');
      return bootGuard(settings, request, emit, abort);
    }
    case 'try': {
      const { tryModules } = await import('./verbs/try.ts');
      return tryModules(settings, request, emit, abort);
    }
    case 'matrix': {
      const { matrix } = await import('./verbs/matrix.ts');
      return matrix(settings, request, emit, abort);
    }
    case 'produce': {
      const { produce } = await import('./verbs/produce.ts');
      return produce(settings, request, emit, abort);
    }
    default: {
      // Questions are asked more often than anything else: they load nothing of this.
      const { performChange } = await import('./verbs/change.ts');
      return performChange(request, settings, emit, abort);
    }
  }
};
