import type { BuildRecord, KeyParts } from '../state/record.ts';
import { type DependencyNow, dependencyParts } from './dependencies.ts';
import { canonical } from './key.ts';

/** What goes into a Key, and what a difference in it means. */

/**
 * Parts that are a reason to build again when they differ. The others tell builds apart in the Store: a newer linker, or
 * kbuild of a newer kernel of the same line, makes no build wrong that stands.
 */
const decisive = ['sources', 'conf', 'headers', 'environment', 'compiler'] as const;

/** A part whose change makes a build out of date. */
export type DecisivePart = (typeof decisive)[number];

/**
 * Names of the parts that differ. Of a part that is empty now nothing is known: without headers nobody can say which
 * compiler is wanted, either.
 */
export const changedParts = (before: KeyParts, now: KeyParts): DecisivePart[] =>
  decisive.filter((part) => before[part] !== now[part] && now[part] !== '');

/** The parts of a build with its dependencies as they are now. */
export const withDependencies = (
  parts: KeyParts,
  now: ReadonlyMap<string, DependencyNow>,
  hasModversions: boolean,
): KeyParts => ({ ...parts, dependencies: dependencyParts(now, hasModversions) });

/** Whether what is remembered of a build says less than is known now, although nothing that counts has changed. */
const saysLess = ({ parts }: BuildRecord, now: KeyParts): boolean =>
  now.headers !== '' &&
  now.compiler !== '' &&
  (parts === undefined || canonical(parts.dependencies) !== canonical(now.dependencies));

/**
 * The record of a build that was found to be up to date, where it did not know its Key yet, or was built with other
 * exports of a dependency, none of which it uses: it takes the Key of now over. Undefined where it says all that.
 */
export const takenOver = (build: BuildRecord, now: KeyParts): BuildRecord | undefined => {
  if (!saysLess(build, now)) return undefined;
  const { earlier: _earlier, ...rest } = build;
  return { ...rest, parts: build.parts ? { ...build.parts, dependencies: now.dependencies } : now };
};
