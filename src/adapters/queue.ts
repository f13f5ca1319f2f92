import { type Dirent, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isFailureError } from '../engine/errors.ts';
import { queueDirectory } from '../engine/state/paths.ts';
import type { Adapter, Event, Manager } from './events.ts';

/**
 * Hooks that came while the program could not start. The shell scripts before it wrote each into a file of its
 * own: a word a line, an empty line, then what came on stdin.
 */

export interface Queue {
  readonly events: readonly Event[];
  /** The words of each, for people. */
  readonly words: readonly string[];
  /** Absolute paths, to be removed when all is done. */
  readonly files: readonly string[];
}

const filesIn = (directory: string): string[] => {
  const entries = (): Dirent[] => {
    try {
      return readdirSync(directory, { withFileTypes: true });
    } catch {
      return [];
    }
  };
  const isWhole = (entry: Dirent): boolean => entry.isFile() && !entry.name.startsWith('.');
  return entries()
    .filter(isWhole)
    .map((entry) => join(directory, entry.name))
    .sort();
};

const isManager = (word: string | undefined, adapters: Readonly<Record<Manager, Adapter>>): word is Manager =>
  word !== undefined && Object.hasOwn(adapters, word);

const eventsOf = (text: string, adapters: Readonly<Record<Manager, Adapter>>): Event[] => {
  const end = text.indexOf('\n\n');
  const [manager, ...words] = (end < 0 ? text : text.slice(0, end)).split('\n');
  if (!isManager(manager, adapters)) return [];
  try {
    return adapters[manager].events(words, end < 0 ? '' : text.slice(end + 2));
  } catch (error) {
    // Words that no hook of ours has: they ask for nothing.
    if (isFailureError(error)) return [];
    throw error;
  }
};

/** Nothing of one that another run has taken up meanwhile. */
const textOf = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
};

/** Everything that waits in `<state directory>/queue`, oldest first. */
export const readQueue = (stateDir: string, adapters: Readonly<Record<Manager, Adapter>>): Queue => {
  const waiting = filesIn(queueDirectory(stateDir)).flatMap((file) => {
    const text = textOf(file);
    return text === undefined ? [] : [{ file, text }];
  });
  const texts = waiting.map(({ text }) => text);
  return {
    files: waiting.map(({ file }) => file),
    words: texts.map((text) => (text.split('\n\n')[0] ?? '').trim().replaceAll('\n', ' ')),
    events: texts.flatMap((text) => eventsOf(text, adapters)),
  };
};

/** What was asked for is done. */
export const clearQueue = (queue: Queue): void => {
  for (const file of queue.files) rmSync(file, { force: true });
};
