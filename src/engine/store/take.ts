import { join } from 'node:path';
import { archiveProblem } from '../system/archive-check.ts';
import type { Processes } from '../system/exec.ts';
import { hashFile, lstat, walk } from '../system/files.ts';
import { makeDirectory, touch } from '../system/publish.ts';
import { type Artifact, dropArtifact, findArtifact } from './artifacts.ts';

/** What is in the Store is unpacked again, and looked at before anybody uses it. */

const unpack = async (processes: Processes, archive: string, directory: string): Promise<boolean> => {
  const words = ['--verbose', '--full-time', '--quoting-style=escape', '-P', '--file', archive];
  const listing = await processes.ask(['tar', '--list', ...words], { limit: 600 });
  if (listing.code !== 0 || archiveProblem(listing.output)) return false;
  makeDirectory(directory);
  const argv = ['tar', '--extract', '--no-same-owner', '--file', archive, '--directory', directory] as const;
  return (await processes.ask(argv, { limit: 600 })).code === 0;
};

/** Every object is there, is a file, and is the one that the Statement names; and there are no others. */
const areObjectsRight = ({ statement }: Artifact, directory: string): boolean => {
  const found = walk(join(directory, 'module')).filter((name) => name.endsWith('.ko'));
  return (
    found.length === Object.keys(statement.objects).length &&
    found.every((name) => {
      const path = join(directory, 'module', name);
      return lstat(path)?.kind === 'file' && hashFile(path) === statement.objects[name];
    })
  );
};

/**
 * Unpack an Artifact: what was built into `<directory>/0`, the log into `<directory>/1`. One that is damaged is dropped
 * from the Store.
 *
 * @returns undefined if there is none, or this machine cannot unpack it
 */
export const takeArtifact = async (
  processes: Processes,
  stateDir: string,
  name: string,
  key: string,
  directory: string,
): Promise<Artifact | undefined> => {
  const artifact = findArtifact(stateDir, name, key);
  if (!artifact) return undefined;
  for (const [index, layer] of artifact.layers.entries()) {
    // The bytes are what they were: what is missing is a program, or room.
    if (!(await unpack(processes, layer, join(directory, String(index))))) return undefined;
  }
  if (!areObjectsRight(artifact, join(directory, '0'))) {
    dropArtifact(stateDir, name, key);
    return undefined;
  }
  touch(artifact.directory);
  return artifact;
};
