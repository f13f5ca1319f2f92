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
  /**
   * Wait for a slot; call what comes back when the work has ended.
   *
   * @param urgency who has more of it comes first, whoever asked first among equals; 0 if not said
   */
  slot(urgency?: number): Promise<() => void>;
  close(): void;
}

const pollMs = 25;
const token = '+';

const unlimited: Jobserver = { prefix: 'make -j', slot: async () => () => undefined, close: () => undefined };

/** The descriptor number that children see. */
export const jobserverDescriptor = 9;

interface Waiting {
  readonly urgency: number;
  readonly go: (giveBack: () => void) => void;
}

const takeMostUrgent = (waiting: Waiting[]): Waiting | undefined => {
  const most = Math.max(...waiting.map(({ urgency }) => urgency));
  const index = waiting.findIndex(({ urgency }) => urgency === most);
  return waiting.splice(index, 1)[0];
};

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
  const waiting: Waiting[] = [];

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
  /** Who is chosen is known only when there is a slot: somebody more urgent may have come meanwhile. */
  const serve = async (): Promise<void> => {
    while (waiting.length > 0) {
      while (!abort.aborted && takeByte(ours) === undefined) await sleep(pollMs);
      running += 1;
      takeMostUrgent(waiting)?.go(giveBack);
    }
  };
  return {
    descriptor: theirs,
    prefix: `MAKEFLAGS=' -j${cores} --jobserver-auth=${jobserverDescriptor},${jobserverDescriptor}' make`,
    slot: (urgency = 0) =>
      new Promise((go) => {
        waiting.push({ urgency, go });
        // After all that come now.
        if (waiting.length === 1) setImmediate(serve);
      }),
    close: () => {
      close(theirs);
      close(ours);
    },
  };
};
