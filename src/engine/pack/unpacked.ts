import { join } from 'node:path';
import { exportsIdentity, exportsOf } from '../kernel/symvers.ts';
import type { Run } from '../run/run.ts';
import type { StoredBuild } from '../store/builds.ts';
import { takeArtifact } from '../store/take.ts';
import { makeTemporary } from '../system/publish.ts';
import { type IsRecorded, inOrder } from './choose.ts';

/** Builds out of the Store, and those that they were built on. */

/** A build that is unpacked. */
export interface UnpackedBuild extends StoredBuild {
  /** Where its objects are, unsigned and uncompressed. */
  readonly directory: string;
  /** What it exports, in each form that the Key of a dependent may have it (key/dependencies.ts). */
  readonly identities: readonly string[];
}

/** Unpacks each build once; undefined of one that is damaged, and no longer in the Store. */
export type Unpack = (build: StoredBuild) => Promise<UnpackedBuild | undefined>;

/** @param run its scratch directory holds what is unpacked */
export const unpacker = (run: Run): Unpack => {
  const known = new Map<string, Promise<UnpackedBuild | undefined>>();
  const unpack: Unpack = async (build) => {
    const { name, key } = build.stored;
    const parcel = makeTemporary(run.scratch, 'pack-');
    const artifact = await takeArtifact(run.processes, run.settings.stateDir, name, key, parcel);
    if (!('statement' in artifact)) return undefined;
    const directory = join(parcel, '0/module');
    return { ...build, directory, identities: [exportsIdentity(exportsOf(directory)), key] };
  };
  return (build) => {
    const { key } = build.stored;
    const found = known.get(key) ?? unpack(build);
    known.set(key, found);
    return found;
  };
};

/** A build with all that it was built on, dependencies first; or which of them the Store does not have. */
export type Resolved =
  | { readonly builds: readonly UnpackedBuild[] }
  | { readonly lacks: 'itself' }
  | { readonly lacks: 'dependency'; readonly dependency: string };

/**
 * Look for what a build was built on: of each dependency the build whose exports are those in its Key.
 *
 * @param builds of the same Kernel
 */
export const resolve = async (
  wanted: StoredBuild,
  builds: readonly StoredBuild[],
  isRecorded: IsRecorded,
  unpack: Unpack,
): Promise<Resolved> => {
  const own = await unpack(wanted);
  if (!own) return { lacks: 'itself' };
  const found: UnpackedBuild[] = [];
  for (const [dependency, identity] of Object.entries(wanted.statement.parts.dependencies)) {
    let match: UnpackedBuild | undefined;
    for (const candidate of inOrder(builds, dependency, isRecorded)) {
      const one = await unpack(candidate);
      match ??= one?.identities.includes(identity) ? one : undefined;
      if (match) break;
    }
    if (!match) return { lacks: 'dependency', dependency };
    found.push(match);
  }
  return { builds: [...found, own] };
};
