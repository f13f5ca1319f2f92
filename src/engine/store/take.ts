import { join } from 'node:path';
import type { Problem } from '../problems.ts';
import { archiveProblem, unpackedBytes } from '../system/archive-check.ts';
import type { Processes } from '../system/exec.ts';
import { hashFile, lstat, walk } from '../system/files.ts';
import { makeDirectory, touch } from '../system/publish.ts';
import { type Artifact, blobFile, dropArtifact, findArtifact } from './artifacts.ts';
import type { Statement } from './layout.ts';

/** What is in an Artifact is unpacked again, and looked at before anybody uses it. */

/** Bytes of a layer when it is unpacked; headers of a kernel take 100 MB. */
const mostUnpackedBytes = 8 * 1024 ** 3;

/** Why a layer is not to be unpacked; undefined if it may be. */
export const layerProblem = async (processes: Processes, archive: string): Promise<Problem | undefined> => {
  const words = ['--verbose', '--full-time', '--quoting-style=escape', '-P', '--file', archive];
  const listing = await processes.ask(['tar', '--list', ...words], { limit: 600 });
  if (listing.code !== 0) return { problem: 'said', text: listing.problem };
  const size = unpackedBytes(listing.output);
  if (size > mostUnpackedBytes) return { problem: 'too-large', what: archive, size, most: mostUnpackedBytes };
  return archiveProblem(listing.output);
};

/**
 * Unpack a layer, if all of it stays in its place.
 *
 * @returns why it was not; undefined if it was
 */
export const unpackLayer = async (
  processes: Processes,
  archive: string,
  directory: string,
): Promise<Problem | undefined> => {
  const problem = await layerProblem(processes, archive);
  if (problem) return problem;
  makeDirectory(directory);
  const argv = ['tar', '--extract', '--no-same-owner', '--file', archive, '--directory', directory] as const;
  const ended = await processes.ask(argv, { limit: 600 });
  return ended.code === 0 ? undefined : { problem: 'said', text: ended.problem };
};

/** The first object that is not there, is no file, is not the one that the Statement names, or is not named. */
export const wrongObject = ({ objects }: Pick<Statement, 'objects'>, directory: string): string | undefined => {
  const found = walk(join(directory, 'module')).filter((name) => name.endsWith('.ko'));
  const isRight = (name: string): boolean => {
    const path = join(directory, 'module', name);
    return lstat(path)?.kind === 'file' && hashFile(path) === objects[name];
  };
  return Object.keys(objects).find((name) => !found.includes(name)) ?? found.find((name) => !isRight(name));
};

/** Why nothing was taken; nothing where there is nothing, or it was damaged. */
export interface NotTaken {
  readonly problem?: Problem;
}

/**
 * Unpack an Artifact: what was built into `<directory>/0`, the log into `<directory>/1`. One that is damaged is dropped
 * from the Store.
 *
 * @returns why not, if there is none, or this machine cannot unpack it
 */
export const takeArtifact = async (
  processes: Processes,
  stateDir: string,
  name: string,
  key: string,
  directory: string,
): Promise<Artifact | NotTaken> => {
  const artifact = findArtifact(stateDir, name, key);
  if (!artifact) return {};
  for (const [index, { blob }] of artifact.layers.entries()) {
    // The bytes are what they were: what is missing is a program, or room.
    const file = blobFile(artifact.directory, blob);
    const problem = await unpackLayer(processes, file, join(directory, String(index)));
    if (problem) return { problem };
  }
  if (wrongObject(artifact.statement, join(directory, '0')) !== undefined) {
    dropArtifact(stateDir, name, key);
    return {};
  }
  touch(artifact.directory);
  return artifact;
};
