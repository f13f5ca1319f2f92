import type { PushAnswer, PushedEntry } from '../engine/delivered.ts';
import { failureHelp, failureInOneLine, failureSentence } from './failures.ts';
import { counted } from './messages.ts';
import { size, table } from './store.ts';

/** What went into a registry, as people read it. */

const words: Readonly<Record<PushedEntry['state'], string>> = {
  pushed: 'pushed',
  there: 'already there',
  planned: 'to be pushed',
  foreign: 'skipped',
  damaged: 'FAILED',
};

const matters: Readonly<Partial<Record<PushedEntry['state'], string>>> = {
  foreign: 'another builder has made it',
  damaged: 'damaged in the store, and removed there',
};

/** What is there to say of it besides where it is. */
const remark = ({ failure, unsigned }: PushedEntry): string => {
  if (failure) return ` (${failureSentence(failure)})`;
  return unsigned ? ' (without module signatures: it is not built and signed here)' : '';
};

const row = (entry: PushedEntry): string[] => {
  const { state, module, kernel, bytes, artifact } = entry;
  return [
    `  ${words[state]}`,
    module,
    kernel.split('/')[0] ?? '',
    matters[state] === undefined ? size(bytes) : '',
    `${matters[state] ?? artifact}${remark(entry)}`,
  ];
};

const order = ['pushed', 'there', 'planned', 'foreign', 'damaged'] as const;

const counts = (entries: readonly PushedEntry[]): string =>
  order
    .map((state) => [entries.filter((one) => one.state === state).length, words[state]] as const)
    .filter(([count]) => count > 0)
    .map(([count, word]) => `${count} ${word}`)
    .join(', ');

/** Kernels by whose package nobody can find a build. */
const untaggedLines = (entries: readonly PushedEntry[]): string[] =>
  [...new Set(entries.filter((one) => one.untagged).map(({ kernel }) => kernel.split('/')[0] ?? ''))].map(
    (release) =>
      `kmodsort: for machines with headers only: ${release}: no package of its headers was known at the build`,
  );

/** What other machines can take now, a line each, and where from. */
export const pushLines = ({ entries, to, key, failures }: PushAnswer): string[] => [
  `kmodsort: ${counted(entries.length, 'build')} for ${to}, signed with ${key}${entries.length > 0 ? `: ${counts(entries)}` : ''}`,
  ...table(entries.map(row)),
  ...untaggedLines(entries),
  ...failures.flatMap((failure) => {
    const help = failureHelp(failure);
    return [`kmodsort: FAILED: ${failureInOneLine(failure)}`, ...(help ? [`  help  ${help}`] : [])];
  }),
];
