import type { DueStep } from '../answers.ts';
import { exists, readDirectory, readText } from '../system/files.ts';
import { remove, writeAtomic } from '../system/publish.ts';
import { dueDirectory, dueFile } from './paths.ts';

/**
 * What must follow when a kernel's modules have changed. It is written down before the first file changes and struck
 * when it has ended well, so that whoever comes after a power cut, a kill or a failure makes up for it.
 */

const steps: readonly DueStep[] = ['depmod', 'weak-modules', 'initramfs', 'post-transaction'];

/** A file that cannot be understood says that anything may be due. */
const parse = (text: string): DueStep[] => {
  const named = text.split('\n').filter(Boolean);
  const known = steps.filter((step) => named.includes(step));
  return named.every((name) => steps.some((step) => step === name)) ? known : [...steps];
};

/** What is due for a kernel release, in the order in which it is to be done. */
export const dueFor = (stateDir: string, release: string): DueStep[] =>
  parse(readText(dueFile(stateDir, release)) ?? '');

/** Releases for which something is due. */
export const dueReleases = (stateDir: string): string[] =>
  readDirectory(dueDirectory(stateDir)).filter((name) => !name.startsWith('.'));

const write = (stateDir: string, release: string, due: ReadonlySet<DueStep>): void => {
  const file = dueFile(stateDir, release);
  if (due.size > 0) writeAtomic(file, [...due].map((step) => `${step}\n`).join(''));
  else if (exists(file)) remove(file);
};

/** Write down what will be due, beside what is; durable when it returns. */
export const markDue = (stateDir: string, release: string, due: readonly DueStep[]): void =>
  write(stateDir, release, new Set([...dueFor(stateDir, release), ...due]));

/** Strike what has been done. */
export const strikeDue = (stateDir: string, release: string, done: readonly DueStep[]): void =>
  write(stateDir, release, new Set(dueFor(stateDir, release).filter((step) => !done.includes(step))));
