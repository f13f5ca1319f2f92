import { FailureError } from '../errors.ts';
import { appendTo, close, openLockFile, rewrite } from './descriptors.ts';
import type { Processes } from './exec.ts';
import { readText } from './files.ts';
import { isThere, processFacts } from './proc.ts';
import { endSurvivors, groupLine } from './survivors.ts';

/**
 * Locks by flock(1) on a descriptor that we hold: the kernel drops them when we die. Children that
 * inherit a Module's lock keep it, and it names their groups: whoever comes after a kill -9 finds them and ends them.
 */

/** A lock that children inherit. */
export interface Inheritable {
  readonly descriptor: number;
  /** Write down the process group of a child that has inherited it. */
  inheritedBy(group: number): void;
}

export interface Lock extends Inheritable {
  /** The holder before us died without freeing it. */
  readonly afterDeath: boolean;
  /** Free it, also where a child that lives on has inherited it. */
  release(): Promise<void>;
}

/** How long each kind of run waits for a lock, seconds: a transaction must not hang on another run for ever. */
export const lockWaits = { hook: 600, typed: 24 * 3600, module: 600 } as const;

export interface LockOptions {
  readonly path: string;
  /** Who we are, for the one who waits: `kmodsort hook run pacman install`. */
  readonly owner: string;
  /** How long to wait, seconds. */
  readonly wait: number;
  /** Told once, before waiting, who holds it. */
  readonly onBusy: (holder: string) => void;
  /**
   * Only for a lock that children inherit: the groups of a dead run that still hold it are ended, and told here by one
   * process each. Where nobody inherits it, whoever holds it after a death is another run that is just taking it.
   */
  readonly onSurvivor?: (pid: number) => void;
}

interface Owner {
  readonly pid: number;
  /** When the process started: tells it from a later one with the same number. */
  readonly start: string;
  readonly what: string;
}

/** What stands for a start that /proc did not tell. */
const unknownStart = '0';

const ownStart = (): string => processFacts(process.pid)?.start ?? unknownStart;

const ownerText = (what: string): string => `${process.pid} ${ownStart()} ${what}\n`;

const parseOwner = (text: string | undefined): Owner | undefined => {
  const match = /^(\d+) (\d+) (.*)$/m.exec(text ?? '');
  return match?.[1] && match[2] ? { pid: Number(match[1]), start: match[2], what: match[3] ?? '' } : undefined;
};

/** Where nobody knows when it started, a process of that number may be it. */
const isAlive = (owner: Owner): boolean => {
  const start = processFacts(owner.pid)?.start;
  return start === undefined || owner.start === unknownStart ? isThere(owner.pid) : start === owner.start;
};

const markOf = ({ pid, start }: Pick<Owner, 'pid' | 'start'>): string => `${pid}:${start}`;

/** Who holds a lock, by what it wrote into the file; undefined if nobody does, or it has died. */
export const liveHolder = (path: string): string | undefined => {
  const holder = parseOwner(readText(path));
  return holder && isAlive(holder) ? markOf(holder) : undefined;
};

/** We, as liveHolder says it. */
export const ownMark = (): string => markOf({ pid: process.pid, start: ownStart() });

/** Throws tool-missing (FailureError): without flock nobody knows who holds a lock. */
const flock = async (processes: Processes, fd: number, words: string[]): Promise<number> => {
  const ended = await processes.ask(['flock', ...words, '3'], { descriptors: new Map([[3, fd]]) });
  if (ended.unstartable) throw new FailureError({ kind: 'tool-missing', at: 'flock', detail: ended.problem });
  return ended.code;
};

/** Closing is not enough: a child that lives on has the same lock. */
const unlock = async (processes: Processes, fd: number): Promise<void> => {
  const descriptors = new Map([[3, fd]]);
  await processes.ask(['flock', '--unlock', '3'], { descriptors, despiteAbort: true, limit: 10 });
};

/** Who holds a lock that we did not get; a name that a dead run left is not the holder's. */
const holderOf = (path: string): string => {
  const owner = parseOwner(readText(path));
  return owner && isAlive(owner) ? `${owner.what} (process ${owner.pid})` : 'another process';
};

/** How long what was ended may take to be gone, and who is just taking a lock to write its name, seconds. */
const momentAfterDeath = '2';

const take = async (options: LockOptions, tryFor: (words: string[]) => Promise<number>): Promise<boolean> => {
  if ((await tryFor(['--nonblock'])) === 0) return true;
  const text = readText(options.path) ?? '';
  const owner = parseOwner(text);
  if (owner && !isAlive(owner)) {
    if (options.onSurvivor) endSurvivors({ path: options.path, text, mark: markOf(owner) }, options.onSurvivor);
    if ((await tryFor(['--timeout', momentAfterDeath])) === 0) return true;
  }
  options.onBusy(holderOf(options.path));
  return options.wait > 0 && (await tryFor(['--timeout', String(options.wait)])) === 0;
};

const noteGroup = (descriptor: number, group: number): void => {
  try {
    appendTo(descriptor, groupLine(group));
  } catch {
    // A full disk: the build will say so. A survivor that is not written down is waited for.
  }
};

const takeOn = async (descriptor: number, options: LockOptions, processes: Processes): Promise<void> => {
  if (await take(options, (words) => flock(processes, descriptor, words))) return;
  throw new FailureError({ kind: 'lock-busy', at: options.path, detail: holderOf(options.path) });
};

/** Take a lock; throws lock-busy (FailureError) when it is not had in time, tool-missing where there is no flock(1). */
export const takeLock = async (options: LockOptions, processes: Processes): Promise<Lock> => {
  const descriptor = openLockFile(options.path);
  try {
    await takeOn(descriptor, options, processes);
  } catch (error) {
    close(descriptor);
    throw error;
  }
  const afterDeath = parseOwner(readText(options.path)) !== undefined;
  rewrite(descriptor, ownerText(options.owner));
  return {
    descriptor,
    afterDeath,
    inheritedBy: (group) => noteGroup(descriptor, group),
    release: async () => {
      rewrite(descriptor, '');
      await unlock(processes, descriptor);
      close(descriptor);
    },
  };
};
