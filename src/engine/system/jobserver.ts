import { join } from 'node:path';
import { FailureError } from '../errors.ts';
import { appendTo, close, openFifo, takeByte } from './descriptors.ts';
import type { Processes } from './exec.ts';

/**
 * One budget of cores for a run: a GNU make jobserver in a FIFO. A make that runs holds one token that
 * we took for it and takes further ones by itself. Source: GNU make manual, "Sharing job slots with GNU make".
 */
export interface Jobserver {
  /** For the descriptor that children get as number 9. */
  readonly descriptor?: number;
  /** Put before a command that starts with `make`. */
  readonly prefix: string;
  /** Wait for a slot; call what comes back when the work has ended. */
  slot(): Promise<() => void>;
  close(): void;
}

const pollMs = 25;
const token = '+';

const unlimited: Jobserver = { prefix: 'make -j', slot: async () => () => undefined, close: () => undefined };

/** The descriptor number that children see. */
export const jobserverDescriptor = 9;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * @param cores how many commands may run at once in all; 0 is no limit
 * @param directory a private directory for the FIFO
 */
export const makeJobserver = async (
  cores: number,
  directory: string,
  processes: Processes,
  abort: AbortSignal,
): Promise<Jobserver> => {
  if (cores === 0) return unlimited;
  const path = join(directory, 'jobserver');
  // Without a mode, for setting one needs /proc; the directory is private.
  const made = await processes.ask(['mkfifo', path]);
  // The run was ended before it began: nothing will ask for a slot.
  if (abort.aborted) return unlimited;
  if (made.code !== 0) throw new FailureError({ kind: 'tool-missing', at: 'mkfifo', detail: made.problem });
  const theirs = openFifo(path, false);
  const ours = openFifo(path, true);
  appendTo(ours, token.repeat(cores));
  let running = 0;
  let queue: Promise<unknown> = Promise.resolve();

  // A make that was killed may have kept tokens; when nobody runs, exactly `cores` are due.
  const refill = (): void => {
    while (takeByte(ours) !== undefined);
    appendTo(ours, token.repeat(cores));
  };
  const giveBack = (): void => {
    running -= 1;
    if (running === 0) refill();
    else appendTo(ours, token);
  };
  const wait = async (): Promise<() => void> => {
    while (!abort.aborted && takeByte(ours) === undefined) await sleep(pollMs);
    running += 1;
    return giveBack;
  };
  return {
    descriptor: theirs,
    prefix: `MAKEFLAGS=' -j${cores} --jobserver-auth=${jobserverDescriptor},${jobserverDescriptor}' make`,
    slot: () => {
      const turn = queue.then(wait);
      queue = turn;
      return turn;
    },
    close: () => {
      close(theirs);
      close(ours);
    },
  };
};
