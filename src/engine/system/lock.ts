import { FailureError } from '../errors.ts';
import { close, openLockFile, rewrite } from './descriptors.ts';
import { type Processes, signalGroup } from './exec.ts';
import { readDirectory, readLink, readText, realPath } from './files.ts';
import { processFacts } from './proc.ts';

/**
 * Locks by flock(1) on a descriptor that we hold: the kernel drops them when we die. Children that
 * inherit a Module's lock keep it, so whoever comes after a kill -9 finds them and ends them.
 */

export interface Lock {
  readonly descriptor: number;
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
  /** Told about each process that outlived its run and was ended. */
  readonly onSurvivor: (pid: number) => void;
}

interface Owner {
  readonly pid: number;
  /** When the process started: tells it from a later one with the same number. */
  readonly start: string;
  readonly what: string;
}

const ownStart = (): string => processFacts(process.pid)?.start ?? '0';

const ownerText = (what: string): string => `${process.pid} ${ownStart()} ${what}\n`;

const parseOwner = (text: string | undefined): Owner | undefined => {
  const match = /^(\d+) (\d+) (.*)$/m.exec(text ?? '');
  return match?.[1] && match[2] ? { pid: Number(match[1]), start: match[2], what: match[3] ?? '' } : undefined;
};

const isAlive = (owner: Owner): boolean => processFacts(owner.pid)?.start === owner.start;

/** Who holds a lock, by what it wrote into the file; undefined if nobody does, or it has died. */
export const liveHolder = (path: string): string | undefined => {
  const holder = parseOwner(readText(path));
  return holder && isAlive(holder) ? `${holder.pid}:${holder.start}` : undefined;
};

/** We, as liveHolder says it. */
export const ownMark = (): string => `${process.pid}:${ownStart()}`;

/** Processes other than we that have a file open, from /proc/PID/fd. */
const openersOf = (path: string): number[] => {
  const real = realPath(path);
  const pids = readDirectory('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const hasOpen = (pid: string): boolean => {
    try {
      return readDirectory(`/proc/${pid}/fd`).some((fd) => readLink(`/proc/${pid}/fd/${fd}`) === real);
    } catch {
      return false;
    }
  };
  return pids.filter(hasOpen).map(Number);
};

/** End the process groups that still hold the lock of a run that is dead. */
const endSurvivors = (path: string, told: (pid: number) => void): void => {
  for (const pid of openersOf(path)) {
    const group = processFacts(pid)?.group;
    if (group === undefined || group === processFacts(process.pid)?.group) continue;
    if (signalGroup(group, 'SIGKILL')) told(pid);
  }
};

const flock = async (processes: Processes, fd: number, words: string[]): Promise<number> => {
  const ended = await processes.ask(['flock', ...words, '3'], { descriptors: new Map([[3, fd]]) });
  return ended.code;
};

const take = async (options: LockOptions, tryFor: (words: string[]) => Promise<number>): Promise<boolean> => {
  if ((await tryFor(['--nonblock'])) === 0) return true;
  const holder = parseOwner(readText(options.path));
  if (holder && !isAlive(holder)) {
    endSurvivors(options.path, options.onSurvivor);
    if ((await tryFor(['--timeout', '5'])) === 0) return true;
  }
  options.onBusy(holder ? `${holder.what} (process ${holder.pid})` : 'another process');
  return options.wait > 0 && (await tryFor(['--timeout', String(options.wait)])) === 0;
};

/** Take a lock; throws lock-busy (FailureError) when it is not had in time. */
export const takeLock = async (options: LockOptions, processes: Processes): Promise<Lock> => {
  const descriptor = openLockFile(options.path);
  const tryFor = (words: string[]): Promise<number> => flock(processes, descriptor, words);
  if (!(await take(options, tryFor))) {
    const holder = parseOwner(readText(options.path));
    close(descriptor);
    throw new FailureError({
      kind: 'lock-busy',
      at: options.path,
      detail: holder ? `${holder.what} (process ${holder.pid})` : 'another process',
    });
  }
  const afterDeath = parseOwner(readText(options.path)) !== undefined;
  rewrite(descriptor, ownerText(options.owner));
  return {
    descriptor,
    afterDeath,
    release: async () => {
      rewrite(descriptor, '');
      await tryFor(['--unlock']);
      close(descriptor);
    },
  };
};
