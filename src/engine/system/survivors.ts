import { signalGroup } from './exec.ts';
import { readDirectory, readLink, readText, realPath } from './files.ts';
import { lineage, type ProcessFacts, processFacts } from './proc.ts';

/**
 * Processes that hold the lock of a run that was killed, since they inherited it. Others may have the file open too:
 * only what the lock itself names is ended.
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

/**
 * End the process groups that a dead run's lock names and that hold it; never ours nor an ancestor's.
 *
 * @param text of the lock, as its dead owner left it
 * @param told about each group that was ended, by one process of it
 */
export const endSurvivors = (path: string, text: string, told: (pid: number) => void): void => {
  const named = groupsIn(text);
  const done = new Set(lineage(process.pid).map((facts) => facts.group));
  for (const pid of named.size > 0 ? holdersOf(path) : []) {
    const facts = processFacts(pid);
    const start = facts && named.get(facts.group);
    if (!facts || start === undefined || done.has(facts.group) || !belongsTo(facts, start)) continue;
    done.add(facts.group);
    if (signalGroup(facts.group, 'SIGKILL')) told(pid);
  }
};
