import { deadDirectives, directiveNames } from '../conf/directives.ts';
import type { Finding } from '../findings.ts';
import { nearest } from '../system/nearest.ts';
import type { SourceRule } from './source.ts';

/** Directives that do nothing: out of date, misspelt, or nobody's. */

interface Assigned {
  readonly name: string;
  readonly line: number;
  readonly isExported: boolean;
  /** Its value is made from others. */
  readonly isComputed: boolean;
}

const assignment = /(?:^|[;&({]|\b(?:then|do|else)\b|\bexport\b)\s*([A-Z][A-Z0-9_]*)(?:\[[^\]]*\])?\+?=/g;

/** What is quoted, and comments, as blanks: a value may go over many lines. */
const withoutQuoted = (text: string): string => {
  let plain = '';
  let quote = '';
  for (let i = 0; i < text.length; i++) {
    const letter = text[i] ?? '';
    const isEscape = letter === '\\' && quote !== "'";
    const isComment = letter === '#' && quote === '' && /(?:^|\s)$/.test(plain.slice(-1));
    if (isComment) i = (text.indexOf('\n', i) < 0 ? text.length : text.indexOf('\n', i)) - 1;
    else if (isEscape) i++;
    else if (letter === quote) quote = '';
    else if (quote === '' && (letter === '"' || letter === "'")) quote = letter;
    else if (quote === '' || letter === '\n') plain += letter;
  }
  return plain;
};

const assignedIn = (lines: readonly string[]): Assigned[] =>
  withoutQuoted(lines.join('\n'))
    .split('\n')
    .flatMap((line, index) =>
      [...line.matchAll(assignment)].map(([all, name = '']) => ({
        name,
        line: index + 1,
        isExported: /\bexport\b/.test(all),
        isComputed: /[$`]/.test((lines[index] ?? '').replace(/^.*?=/, '')),
      })),
    );

const deprecated: readonly string[] = [...deadDirectives, 'OBSOLETE_BY'];

const deprecatedDirectives: SourceRule = ({ confLines, shown }) =>
  assignedIn(confLines)
    .filter(({ name }, index, all) => deprecated.includes(name) && all.findIndex((one) => one.name === name) === index)
    .map(
      ({ name, line }): Finding => ({ rule: 'directive-deprecated', file: shown('dkms.conf'), line, directive: name }),
    );

const known = new Set<string>(directiveNames);

/** A conf is a script: a variable that it uses itself, hands on or computes is its own affair, if not a slip of the pen. */
const unknownDirectives: SourceRule = ({ confLines, shown }) => {
  const text = confLines.join('\n');
  const isUsed = (name: string): boolean => new RegExp(String.raw`\$\{?[#!]?${name}\b`).test(text);
  return assignedIn(confLines)
    .filter(({ name, isExported }) => !known.has(name) && !isExported && !isUsed(name))
    .map((one) => ({ ...one, meant: nearest(one.name, directiveNames) }))
    .filter(({ meant, isComputed }) => meant !== undefined || !isComputed)
    .map(({ name, line, meant }): Finding => {
      return {
        rule: 'directive-unknown',
        file: shown('dkms.conf'),
        line,
        directive: name,
        ...(meant ? { meant } : {}),
      };
    });
};

export const directiveRules: readonly SourceRule[] = [deprecatedDirectives, unknownDirectives];
