import type { ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import { execa } from 'execa';
import type { Environment } from '../settings.ts';
import { probeEnvironment } from './environment.ts';

/**
 * The one door to child processes: argv arrays, a known environment, stdin closed, each child in a
 * process group of its own that ends with us.
 */

/** A program and its arguments. */
export type Argv = readonly [string, ...string[]];

/** How a command is run, whatever its environment. */
export interface CommandOptions {
  readonly directory?: string;
  /** An open descriptor that takes stdout and stderr; without it both are returned. */
  readonly log?: number;
  /** An open descriptor to read from; stdin is closed without it. */
  readonly input?: number;
  /** Further descriptors that the child gets, by their number there. */
  readonly descriptors?: ReadonlyMap<number, number>;
  /** Told the number of the process group as soon as there is one. */
  readonly onStart?: (group: number) => void;
  /** After so many seconds the group is killed, unless its leader has ended. */
  readonly limit?: number;
  /** Kills this command's group alone. */
  readonly abort?: AbortSignal;
  /** Runs to its end although the run was ended: it puts in order what others would stumble over. */
  readonly despiteAbort?: true;
}

/** A command whose environment is the caller's business: a script, a build, a program that an administrator set. */
interface Command extends CommandOptions {
  readonly argv: Argv;
  readonly environment: Environment;
}

/** One of the system's own programs, in the small environment that is made here. */
interface AskOptions extends CommandOptions {
  /** Variables that it gets besides. */
  readonly variables?: Environment;
}

export interface Ended {
  /** Exit code; 127 if the program was not found, 126 if it could not be started, 128+n after a signal. */
  readonly code: number;
  readonly output: string;
  readonly errors: string;
  /** Why it failed, in one line: the first of its errors, else what became of it; empty if it did not fail. */
  readonly problem: string;
  /** The program could not be started: the system's error name. */
  readonly unstartable?: string;
  readonly timedOut: boolean;
}

export interface Processes {
  /** Run a command to its end. A failing command is a value, not an exception. */
  run(command: Command): Promise<Ended>;
  /** The same for a program of the system's own, with PATH, LANG and LC_ALL and nothing else of the caller's. */
  ask(argv: Argv, options?: AskOptions): Promise<Ended>;
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

const stdioOf = (command: CommandOptions): Stdio => {
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

const startProblems: Readonly<Record<string, string>> = { ENOENT: 'command not found', EACCES: 'Permission denied' };

const problemOf = (program: string, ended: Omit<Ended, 'problem'>, limit: number | undefined): string => {
  if (ended.timedOut) return `${program}: timed out after ${limit} s`;
  if (ended.unstartable) return `${program}: ${startProblems[ended.unstartable] ?? ended.unstartable}`;
  if (ended.code === 0) return '';
  const said = ended.errors.split('\n').find((line) => line.trim() !== '');
  if (said) return said.trim();
  return ended.code > 128
    ? `${program}: killed by signal ${ended.code - 128}`
    : `${program}: exit status ${ended.code}`;
};

/** A daemon that keeps a pipe open does not keep us: what was said until a moment after the end counts. */
const closePipesLater = (child: ChildProcess): void => {
  const close = (): void => {
    child.stdout?.destroy();
    child.stderr?.destroy();
  };
  // Where we were busy meanwhile, what is in the pipes is read first. Open pipes keep us alive, the timer need not.
  child.once('exit', () => setTimeout(() => setImmediate(close), graceMs).unref());
};

const aborted: Ended = { code: 130, output: '', errors: '', problem: 'interrupted', timedOut: false };

/** Run one command in a process group of its own. */
const runOne = async (command: Command, abort: AbortSignal | undefined): Promise<Ended> => {
  const [file, ...words] = command.argv;
  if (abort?.aborted) return aborted;
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
  if (child.pid !== undefined) command.onStart?.(child.pid);
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
  child.once('exit', () => clearTimeout(timer));
  closePipesLater(child);
  abort?.addEventListener('abort', end, { once: true });
  command.abort?.addEventListener('abort', end, { once: true });
  const result = await child;
  // The leader is often the first to go; its children must not outlive the run.
  await ending;
  clearTimeout(timer);
  abort?.removeEventListener('abort', end);
  command.abort?.removeEventListener('abort', end);
  const unstartable = result.exitCode === undefined && !result.signal ? result.code : undefined;
  const ended = {
    code: codeOf(result),
    output: textOf(result.stdout),
    errors: textOf(result.stderr),
    ...(unstartable ? { unstartable } : {}),
    timedOut,
  };
  return { ...ended, problem: problemOf(file, ended, command.limit) };
};

/**
 * Processes whose groups all end when `abort` fires: SIGTERM, and SIGKILL a second later.
 *
 * @param own the caller's environment; what is asked of the system's programs gets its PATH alone
 */
export const makeProcesses = (own: Environment, abort?: AbortSignal): Processes => ({
  run: (command) => runOne(command, command.despiteAbort ? undefined : abort),
  ask: (argv, { variables, ...options } = {}) =>
    runOne(
      { ...options, argv, environment: { ...probeEnvironment(own), ...variables } },
      options.despiteAbort ? undefined : abort,
    ),
});
