import type { Failure } from '../errors.ts';
import type { Settings } from '../settings.ts';
import type { Ended } from '../system/exec.ts';
import type { Log } from './log.ts';

/** What a command of a conf may not do: say nothing for ever, or say so much that the disk is full of it. */

const lookEveryMs = 1000;

/** From here on the log is cut while the command still writes. */
const mostLogBytes = 64 << 20;

/**
 * Run a command that writes to a log; after `build_limit` minutes without output it is ended. A machine that sleeps
 * meanwhile does not count: the clock is monotonic.
 *
 * @param work starts it; the signal ends it
 * @returns how it ended; timedOut where it said nothing for too long
 */
export const withinBuildLimit = async (
  { buildLimit }: Pick<Settings, 'buildLimit'>,
  log: Log,
  work: (abort: AbortSignal) => Promise<Ended>,
): Promise<Ended> => {
  const limitMs = buildLimit * 60_000;
  const stalled = new AbortController();
  let size = log.size();
  let since = performance.now();
  const look = (): void => {
    if (log.size() > mostLogBytes) log.bound();
    if (log.size() !== size) since = performance.now();
    size = log.size();
    if (limitMs > 0 && performance.now() - since > limitMs) stalled.abort();
  };
  const timer = setInterval(look, lookEveryMs);
  try {
    const ended = await work(stalled.signal);
    return { ...ended, timedOut: stalled.signal.aborted };
  } finally {
    clearInterval(timer);
  }
};

/** The failure of a command that was ended so. */
export const stalledFailure = ({ buildLimit }: Pick<Settings, 'buildLimit'>, command: string): Failure => ({
  kind: 'build-stalled',
  at: command,
  detail: String(buildLimit),
});
