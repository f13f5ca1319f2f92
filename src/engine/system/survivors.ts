import { signalGroup } from './exec.ts';
import { readDirectory, readLink, readText, realPath } from './files.ts';
import { environmentOf, lineage, type ProcessFacts, processFacts } from './proc.ts';

/**
 * Processes that hold the lock of a run that was killed, since they inherited it. Others may have the file open too:
 * only what the lock itself names is ended, and what has the dead run's mark in its environment: a run may be killed
 * before it has written down the group of a child that it just started.
 */

/** The line by which a lock names a process group that inherits it. */
export const groupLine = (group: number): string => `group ${group} ${processFacts(group)?.start ?? 'unknown'}\n`;

/** The groups that a lock names, each with the time at which its leader started. */
const groupsIn = (text: string): ReadonlyMap<number, string> =>
  new Map([...text.matchAll(/^group (\d+) (\d+)$/gm)].map(([, group, start = '']) => [Number(group), start]));

/** Whether one of a process's descriptors holds the lock: a reader's does not. Source: proc_pid_fdinfo(5). */
const holds = (pid: number, path: string): boolean => {
  try {
    return readDirectory(`/proc/${pid}/fd`)
      .filter((fd) => readLink(`/proc/${pid}/fd/${fd}`) === path)
      .some((fd) => /^lock:.*\bFLOCK\b/m.test(readText(`/proc/${pid}/fdinfo/${fd}`) ?? ''));
  } catch {
    // It has ended meanwhile, or we may not look.
    return false;
  }
};

const holdersOf = (path: string): number[] => {
  const real = realPath(path) ?? path;
  const pids = readDirectory('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => holds(pid, real));
};

/** A leader may end before its children do: while one of them lives, nobody else gets the group's number. */
const belongsTo = (facts: ProcessFacts, start: string): boolean => {
  const leader = processFacts(facts.group);
  return leader ? leader.start === start : Number(facts.start) >= Number(start);
};

/** What a dead run left in its lock. */
export interface DeadLock {
  readonly path: string;
  readonly text: string;
  /** What the run gave its children in their environment: its process and when that started. */
  readonly mark: string;
}

const isMarked = (pid: number, mark: string): boolean =>
  environmentOf(pid).some((variable) => variable.endsWith(`=${mark}`));

/**
 * End the process groups of a dead run that hold its lock; never ours nor an ancestor's.
 *
 * @param told about each group that was ended, by one process of it
 */
export const endSurvivors = ({ path, text, mark }: DeadLock, told: (pid: number) => void): void => {
  const named = groupsIn(text);
  const done = new Set(lineage(process.pid).map((facts) => facts.group));
  for (const pid of holdersOf(path)) {
    const facts = processFacts(pid);
    if (!facts || done.has(facts.group)) continue;
    const start = named.get(facts.group);
    if (!(start !== undefined && belongsTo(facts, start)) && !isMarked(pid, mark)) continue;
    done.add(facts.group);
    if (signalGroup(facts.group, 'SIGKILL')) told(pid);
  }
};
