import type { PackAnswer, PackedEntry } from '../engine/delivered.ts';
import { failureHelp, failureInOneLine } from './failures.ts';
import { counted } from './messages.ts';
import { size, table } from './store.ts';

/** Packages of built modules, as people read of them. */

const words: Readonly<Record<PackedEntry['state'], string>> = {
  packed: 'packed',
  there: 'already there',
  planned: 'to be packed',
};

const row = ({ state, file, bytes, isSigned }: PackedEntry): string[] => [
  `  ${words[state]}`,
  file,
  bytes === undefined ? '' : size(bytes),
  isSigned === false ? 'modules not signed' : '',
];

/** Which packages there are now, and where. */
export const packLines = ({ entries, output, guessed, failures }: PackAnswer): string[] => [
  ...(entries.length > 0 ? [`kmodsort: ${counted(entries.length, 'package')} in ${output}`] : []),
  ...table(entries.map(row)),
  ...guessed.map(
    ({ release, name }) =>
      `kmodsort: the package of the kernel ${release} is not installed here: the dependency on ${name} follows from the release`,
  ),
  ...failures.flatMap((failure) => {
    const help = failureHelp(failure);
    return [`kmodsort: FAILED: ${failureInOneLine(failure)}`, ...(help ? [`  help  ${help}`] : [])];
  }),
];
