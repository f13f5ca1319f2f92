import { constants } from 'node:os';
import { execa } from 'execa';
import type { Environment } from './environment.ts';

/**
 * The one door to child processes: argv arrays, a given environment, stdin closed, each child in a
 * process group of its own that ends with us.
 */

interface Command {
  readonly argv: readonly [string, ...string[]];
  readonly environment: Environment;
  readonly directory?: string;
  /** An open descriptor that takes stdout and stderr; without it both are returned. */
  readonly log?: number;
  /** An open descriptor to read from; stdin is closed without it. */
  readonly input?: number;
  /** Further descriptors that the child gets, by their number there. */
  readonly descriptors?: ReadonlyMap<number, number>;
  /** After so many seconds the group is killed. */
  readonly limit?: number;
  /** Kills this command's group alone. */
  readonly abort?: AbortSignal;
}

export interface Ended {
  /** Exit code; 127 if the program was not found, 126 if it could not be started, 128+n after a signal. */
  readonly code: number;
  readonly output: string;
  readonly errors: string;
  /** The program could not be started: the system's error name. */
  readonly unstartable?: string;
  readonly timedOut: boolean;
}

export interface Processes {
  /** Run a command to its end. A failing command is a value, not an exception. */
  run(command: Command): Promise<Ended>;
}

const graceMs = 1000;

/** Send a signal to a whole process group; false if it is gone. */
export const signalGroup = (group: number, signal: NodeJS.Signals): boolean => {
  try {
    return process.kill(-group, signal);
  } catch {
    return false;
  }
};

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const groupIsAlive = (group: number): boolean => {
  try {
    return process.kill(-group, 0);
  } catch {
    return false;
  }
};

/** SIGTERM to the group, SIGKILL to what is left of it a second later; done when none of it is left. */
const endGroup = async (group: number): Promise<void> => {
  signalGroup(group, 'SIGTERM');
  const deadline = Date.now() + graceMs;
  while (groupIsAlive(group) && Date.now() < deadline) await sleep(20);
  signalGroup(group, 'SIGKILL');
};

/** execa's types name descriptors up to 9; it passes on any. */
type Descriptor = 3 | 4 | 5 | 6 | 7 | 8 | 9;
const isDescriptor = (fd: number | undefined): fd is Descriptor => fd !== undefined && Number.isInteger(fd) && fd > 2;

type Stdio = ['ignore' | Descriptor, 'pipe' | Descriptor, 'pipe' | Descriptor, ...('ignore' | Descriptor)[]];

const stdioOf = (command: Command): Stdio => {
  const output = isDescriptor(command.log) ? command.log : 'pipe';
  const further: ('ignore' | Descriptor)[] = [];
  for (const [there, here] of command.descriptors ?? []) {
    while (further.length < there - 3) further.push('ignore');
    further[there - 3] = isDescriptor(here) ? here : 'ignore';
  }
  return [isDescriptor(command.input) ? command.input : 'ignore', output, output, ...further];
};

const codeOf = (result: {
  exitCode?: number | undefined;
  signal?: NodeJS.Signals | undefined;
  code?: string | undefined;
}): number => {
  if (result.exitCode !== undefined) return result.exitCode;
  if (result.signal) return 128 + (constants.signals[result.signal] ?? 0);
  return result.code === 'ENOENT' ? 127 : 126;
};

const definedOnly = (environment: Environment): Record<string, string> =>
  Object.fromEntries(Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined));

const textOf = (output: unknown): string => (typeof output === 'string' ? output : '');

/** Processes whose groups all end when `abort` fires: SIGTERM, and SIGKILL a second later. */
export const makeProcesses = (abort?: AbortSignal): Processes => ({
  run: async (command) => {
    const [file, ...words] = command.argv;
    if (abort?.aborted) return { code: 130, output: '', errors: '', timedOut: false };
    const child = execa(file, words, {
      cwd: command.directory ?? '/',
      env: definedOnly(command.environment),
      extendEnv: false,
      stdio: stdioOf(command),
      detached: true,
      cleanup: false,
      reject: false,
      stripFinalNewline: false,
    });
    let timedOut = false;
    let ending: Promise<void> | undefined;
    const end = (): void => {
      if (child.pid !== undefined) ending ??= endGroup(child.pid);
    };
    const timer = command.limit
      ? setTimeout(() => {
          timedOut = true;
          end();
        }, command.limit * 1000)
      : undefined;
    abort?.addEventListener('abort', end, { once: true });
    command.abort?.addEventListener('abort', end, { once: true });
    const result = await child;
    // The leader is often the first to go; its children must not outlive the run.
    await ending;
    clearTimeout(timer);
    abort?.removeEventListener('abort', end);
    command.abort?.removeEventListener('abort', end);
    const unstartable = result.exitCode === undefined && !result.signal ? result.code : undefined;
    return {
      code: codeOf(result),
      output: textOf(result.stdout),
      errors: textOf(result.stderr),
      ...(unstartable ? { unstartable } : {}),
      timedOut,
    };
  },
});
