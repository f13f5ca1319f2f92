import type { Kernel, Module } from '../request.ts';
import { type StoredArtifact, statementOf, storedArtifacts } from './artifacts.ts';
import type { Statement } from './layout.ts';

/** Builds of the Store by what they are of. */

/** An Artifact that can be read, and what it says of itself. */
export interface StoredBuild {
  readonly stored: StoredArtifact;
  readonly statement: Statement;
}

/** Which builds are meant. */
export interface Wanted {
  /** NAME or NAME/VERSION; any if none is named. */
  readonly names: readonly string[];
  /** Releases; any if none is named. */
  readonly releases: readonly string[];
}

const parted = (text: string): readonly [string, string] => {
  const [first = '', second = ''] = text.split('/');
  return [first, second];
};

/** The Module of a Key's parts. */
export const moduleOf = ({ module }: Pick<Statement['parts'], 'module'>): Module => {
  const [name, version] = parted(module);
  return { name, version };
};

/** The Kernel of a Key's parts. */
export const kernelOf = ({ kernel }: Pick<Statement['parts'], 'kernel'>): Kernel => {
  const [release, arch] = parted(kernel);
  return { release, arch };
};

/** Whether the parts of a Key are of a Module and a Kernel that are meant. */
export const isWanted = (
  { names, releases }: Wanted,
  parts: Pick<Statement['parts'], 'module' | 'kernel'>,
): boolean => {
  const { name } = moduleOf(parts);
  const isNamed = names.length === 0 || names.some((one) => one === name || one === parts.module);
  return isNamed && (releases.length === 0 || releases.includes(kernelOf(parts).release));
};

/** The builds that are meant, the longest unused first. */
export const storedBuilds = (stateDir: string, wanted: Wanted): StoredBuild[] =>
  storedArtifacts(stateDir).flatMap((stored) => {
    const statement = statementOf(stateDir, stored.name, stored.key);
    return statement && isWanted(wanted, statement.parts) ? [{ stored, statement }] : [];
  });
