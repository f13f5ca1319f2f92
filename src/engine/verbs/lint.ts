import type { LintAnswer } from '../answers.ts';
import { lintAll } from '../lint/lint.ts';
import type { Emit } from '../progress.ts';
import type { LintRequest } from '../request.ts';
import { noSwitches } from '../run/run.ts';
import type { Settings } from '../settings.ts';
import { withRun } from './with-run.ts';

/** Say what is wrong with sources and packages of modules, before they are given to others. Changes nothing. */
export const lint = (settings: Settings, request: LintRequest, emit: Emit, abort: AbortSignal): Promise<LintAnswer> =>
  withRun<LintAnswer>(settings, noSwitches, emit, abort, async (run) => ({
    kind: 'linted',
    ...(await lintAll(run, request.operands)),
  }));
