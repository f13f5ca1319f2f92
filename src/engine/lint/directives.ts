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

const assignedIn = (lines: readonly string[]): Assigned[] =>
  lines.flatMap((line, index) =>
    /^\s*#/.test(line)
      ? []
      : [...line.replace(/"[^"]*"|'[^']*'/g, '""').matchAll(assignment)].map(([all, name = '']) => ({
          name,
          line: index + 1,
          isExported: /\bexport\b/.test(all),
          isComputed: /[$`]/.test(line.slice(line.indexOf(all) + all.length)),
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
