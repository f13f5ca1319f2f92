import { readFileSync } from 'node:fs';
import { errnoOf } from './files.ts';

/** What /proc says of processes. Source: proc(5). */

/** The fields of /proc/PID/stat that tell processes apart. */
export interface ProcessFacts {
  /** Of its program, 15 characters at most. */
  readonly name: string;
  readonly parent: number;
  readonly group: number;
  /** Clock ticks since boot: tells a process from a later one with the same number. */
  readonly start: string;
}

const readProc = (pid: number, file: string): string | undefined => {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    // It has ended, or there is no /proc.
    return undefined;
  }
};

/** Facts of a process, from the text of its stat file; undefined if it is not one. */
export const parseStat = (text: string): ProcessFacts | undefined => {
  // The name in parentheses may hold anything; the state (field 3) follows its end.
  const nameEnd = text.lastIndexOf(')');
  const name = text.slice(text.indexOf('(') + 1, nameEnd);
  const fields = text.slice(nameEnd + 2).split(' ');
  const [, parent, group] = fields;
  const start = fields[19];
  // Where the last of them is, the others are too.
  return start === undefined ? undefined : { name, parent: Number(parent), group: Number(group), start };
};

/** Facts of a running process; undefined if there is none of that number. */
export const processFacts = (pid: number): ProcessFacts | undefined => {
  const text = readProc(pid, 'stat');
  return text === undefined ? undefined : parseStat(text);
};

/** The environment that a process began with, `NAME=value` each; empty if it has ended. */
export const environmentOf = (pid: number): readonly string[] => readProc(pid, 'environ')?.split('\0') ?? [];

/** Whether there is a process of that number, also where /proc does not say so. */
export const isThere = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // One that we may not signal is there.
    return errnoOf(error) === 'EPERM';
  }
};

/** A process above another one. */
export interface Ancestor extends ProcessFacts {
  readonly pid: number;
}

/** A process and its ancestors, itself first. */
export const lineage = (pid: number): readonly Ancestor[] => {
  const facts = processFacts(pid);
  return facts ? [{ ...facts, pid }, ...lineage(facts.parent)] : [];
};

/** The command line of a process, empty if it has ended. */
export const commandLineOf = (pid: number): readonly string[] => readProc(pid, 'cmdline')?.split('\0') ?? [];
