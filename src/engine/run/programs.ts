import { join } from 'node:path';
import { FailureError, failureOf } from '../errors.ts';
import { whyUnameFails } from '../kernel/uname.ts';
import type { Settings } from '../settings.ts';
import { programsDirectory } from '../state/paths.ts';
import type { Processes } from '../system/exec.ts';
import { readDirectory } from '../system/files.ts';
import { processFacts } from '../system/proc.ts';
import { makeTemporary, remove, removeEmpty } from '../system/publish.ts';

/** Where programs that a run makes may be run: /tmp is often mounted noexec, and /var seldom. */

/** A private directory (0700) for a run's programs. */
export interface Programs {
  readonly directory: string;
  remove(): void;
}

/** What killed runs left: each directory starts with the number of its process. */
const sweep = (parent: string): void => {
  for (const name of readDirectory(parent)) {
    if (processFacts(Number.parseInt(name, 10)) === undefined) remove(join(parent, name));
  }
};

const inScratch = (scratch: string): Programs => ({ directory: join(scratch, 'programs'), remove: () => undefined });

const inState = (stateDir: string): Programs => {
  const parent = programsDirectory(stateDir);
  sweep(parent);
  const directory = makeTemporary(parent, `${process.pid}.`);
  const removeAll = (): void => {
    remove(directory);
    removeEmpty(parent, stateDir);
  };
  return { directory, remove: removeAll };
};

/** What keeps programs from being run in a place that was to be had; undefined if nothing does. */
const refusalOf = async (programs: Programs, settings: Settings, processes: Processes): Promise<string | undefined> => {
  const refusal = await whyUnameFails(programs.directory, settings.environment, processes);
  if (refusal !== undefined) programs.remove();
  return refusal;
};

/** A place in the state directory, or why there is none. */
const orRefusal = (stateDir: string): Programs | string => {
  try {
    return inState(stateDir);
  } catch (error) {
    return failureOf(error).detail ?? '';
  }
};

/**
 * A place for a run's programs: in its scratch directory, else in the state directory. Each is tried before it is used.
 * Throws noexec (FailureError) where neither lets a program run.
 */
export const placeForPrograms = async (
  settings: Settings,
  scratch: string,
  processes: Processes,
  abort: AbortSignal,
): Promise<Programs> => {
  const first = inScratch(scratch);
  const refusal = await refusalOf(first, settings, processes);
  // A run that was ended before it began makes nothing.
  if (refusal === undefined || abort.aborted) return first;
  const second = orRefusal(settings.stateDir);
  const again = typeof second === 'string' ? second : await refusalOf(second, settings, processes);
  if (typeof second !== 'string' && again === undefined) return second;
  if (abort.aborted) return first;
  throw new FailureError({ kind: 'noexec', at: `${settings.temporary}, ${settings.stateDir}`, detail: again ?? '' });
};
