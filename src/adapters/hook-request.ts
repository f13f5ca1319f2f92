import type { Readable } from 'node:stream';
import type { Note } from '../engine/progress.ts';
import type { Request, SyncRequest } from '../engine/request.ts';
import type { Environment } from '../engine/settings.ts';
import { commandLineOf } from '../engine/system/proc.ts';
import { apt } from './apt.ts';
import { type Adapter, isOfFewKernels, type Manager, requestOf, withQueued } from './events.ts';
import { incomingOf } from './incoming.ts';
import { pacman } from './pacman.ts';
import { clearQueue, readQueue } from './queue.ts';
import { rpm } from './rpm.ts';
import { readStdin } from './stdin.ts';

/** From what a hook says and gets on stdin to what it asks the engine for. */

const adapters: Readonly<Record<Manager, Adapter>> = { pacman, apt, rpm };
const stdinLimits = { seconds: 10, bytes: 64 * 1024 * 1024 };

/** A Request, and what is to be told about how it came. */
export interface AskedFor {
  readonly request: Request;
  readonly notes: readonly Note[];
}

/** The words of `kmodsort hook run MANAGER WORD...`. */
export interface HookCall {
  readonly manager: Manager;
  readonly words: readonly string[];
  readonly dryRun: boolean;
}

/** What a hook asks for. Throws bad-usage (FailureError) on words that no hook of ours has. */
export const hookRequest = async (call: HookCall, stdin: Readable, abort: AbortSignal): Promise<AskedFor> => {
  const adapter = adapters[call.manager];
  const { text, stalled } = adapter.readsStdin(call.words)
    ? await readStdin(stdin, { ...stdinLimits, abort })
    : { text: '', stalled: false };
  const request = requestOf(call.manager, adapter.events(call.words, text), { dryRun: call.dryRun });
  return { request, notes: stalled ? [{ note: 'stdin-stalled', seconds: stdinLimits.seconds }] : [] };
};

/** The package manager: the shell between it and us says which process that is. */
const callerOf = (environment: Environment): number => {
  const said = Number(environment.KMODSORT_CALLER);
  return Number.isInteger(said) && said > 0 ? said : process.ppid;
};

/** The words of `kmodsort guard MANAGER`, and those that start this program once more. */
export interface GuardCall {
  readonly manager: 'apt' | 'pacman';
  readonly self: readonly [string, ...string[]];
}

/** What the guard is to look at: the list of a manager on stdin, and the command line of whoever called us. */
export const guardRequest = async (
  { manager, self }: GuardCall,
  stdin: Readable,
  abort: AbortSignal,
): Promise<AskedFor> => {
  const { text } = await readStdin(stdin, { ...stdinLimits, abort });
  return {
    request: { verb: 'guard', program: self, ...incomingOf(manager, text, commandLineOf(callerOf(process.env))) },
    notes: [],
  };
};

/** Whether a run builds: not one that only drops, nor a dry run. */
const builds = (request: Request): request is SyncRequest =>
  request.verb === 'sync' && !request.dropOnly && !request.dryRun;

/**
 * What was asked for, with the hooks that came while the program could not start. A run for named kernels takes up
 * the sources of those, and leaves them waiting: they are about other kernels too.
 *
 * @returns with `done`, to be called when the run has ended well
 */
export const withWaiting = (asked: AskedFor, stateDir: string): AskedFor & { readonly done: () => void } => {
  const { request, notes } = asked;
  if (!builds(request)) return { ...asked, done: () => undefined };
  const queue = readQueue(stateDir, adapters);
  const taken = withQueued(request, queue.events);
  if (isOfFewKernels(request.scope)) return { request: taken, notes, done: () => undefined };
  return {
    request: taken,
    notes: [...notes, ...queue.words.map((words): Note => ({ note: 'queue-taken', words }))],
    done: () => clearQueue(queue),
  };
};
