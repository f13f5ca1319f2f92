import { join } from 'node:path';
import type { Failure } from '../errors.ts';
import type { Run } from '../run/run.ts';
import { strikeDue } from '../state/due.ts';
import { exists } from '../system/files.ts';
import { makeDirectory, symlinkAtomic } from '../system/publish.ts';

/** Whether a depmod that was killed left a file half written, as it names it: `modules.dep.PID.MICROSECONDS.SECONDS`. */
export const isLeftByDepmod = (name: string): boolean => /^modules\.[a-z.]+(\.\d+){3}$/.test(name);

/** depmod(8) wants `<base>/lib/modules` (or /usr/lib/modules): a base of links to a tree that stands elsewhere. */
const baseOf = (run: Run): string => {
  const base = join(run.scratch, 'base');
  for (const lib of ['lib', 'usr/lib']) {
    makeDirectory(join(base, lib));
    symlinkAtomic(run.settings.installTree, join(base, lib, 'modules'));
  }
  return base;
};

/**
 * Refresh modules.dep and its kin of one kernel, also in a run that was told to end; nothing to do where the kernel has
 * none.
 *
 * @returns why it failed, undefined if it did not
 */
export const runDepmod = async (run: Run, release: string): Promise<Failure | undefined> => {
  const directory = join(run.settings.installTree, release);
  if (!exists(join(directory, 'modules.dep'))) {
    strikeDue(run.settings.stateDir, release, ['depmod']);
    return undefined;
  }
  if (!run.settings.isTrial) run.emit({ kind: 'depmod', release });
  const where = run.settings.privateInstallTree ? ['-b', baseOf(run)] : [];
  const ended = await run.finishing.ask(['depmod', ...where, release], { limit: 300 });
  if (ended.code === 0) {
    strikeDue(run.settings.stateDir, release, ['depmod']);
    return undefined;
  }
  return { kind: 'depmod-failed', at: release, detail: ended.problem, code: ended.code };
};
