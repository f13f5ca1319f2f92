import { styleText } from 'node:util';

/** Colours, where they are wanted: on a terminal alone. */

/** Text in a colour, or as it is. */
export type Paint = (style: 'bold' | 'green' | 'red', text: string) => string;

export const noPaint: Paint = (_style, text) => text;

/**
 * Colours for a terminal, unless the caller does not want any.
 *
 * @param isUnwanted --no-color was given
 * @param noColor NO_COLOR of the environment: any text but an empty one (no-color.org)
 */
export const paintFor = (isUnwanted: boolean, noColor: string | undefined): Paint =>
  isUnwanted || (noColor ?? '') !== '' ? noPaint : styleText;

/** What became of a module stands first in a table's row, and after its name in a line. */
const outcomes: readonly (readonly ['green' | 'red', RegExp])[] = [
  ['red', /(?<=^(?: {2})?|: )(?:FAILED|NOT READY|broken)\b|(?<=\d )FAILED$/],
  ['green', /(?<=^(?: {2})?)(?:installed|built|ready|removed)\b|(?<=: )(?:installed|built|ready|removed)(?= in \d)/],
];

/** A line with what became of a module in its colour. */
export const paintOutcome = (line: string, paint: Paint): string => {
  const [style, word] = outcomes.find(([, one]) => one.test(line)) ?? [];
  return style && word ? line.replace(word, (text) => paint(style, text)) : line;
};
