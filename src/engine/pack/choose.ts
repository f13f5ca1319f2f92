import type { StoredBuild } from '../store/builds.ts';
import { moduleOf } from '../store/builds.ts';
import { newestOf } from '../system/version.ts';

/** Which of several builds of a Module for one Kernel is packed. Pure. */

/** Whether a build is the one that a record of its Module and Kernel names. */
export type IsRecorded = (build: StoredBuild) => boolean;

/** Of one version, the one in use comes first, then the later ones. */
const preferred = (builds: readonly StoredBuild[], isRecorded: IsRecorded): StoredBuild[] =>
  [...builds].sort(
    (a, b) =>
      Number(isRecorded(b)) - Number(isRecorded(a)) || Date.parse(b.statement.built) - Date.parse(a.statement.built),
  );

/** Builds of one module name in the order in which they are taken: the newest version first. */
export const inOrder = (builds: readonly StoredBuild[], name: string, isRecorded: IsRecorded): StoredBuild[] => {
  const left = builds.filter(({ statement }) => moduleOf(statement.parts).name === name);
  const versions = new Set(left.map(({ statement }) => moduleOf(statement.parts).version));
  const sorted: StoredBuild[] = [];
  for (let newest = newestOf([...versions]); newest !== undefined; newest = newestOf([...versions])) {
    const version = newest;
    versions.delete(version);
    const same = left.filter(({ statement }) => moduleOf(statement.parts).version === version);
    sorted.push(...preferred(same, isRecorded));
  }
  return sorted;
};

/**
 * The builds that are packed, one for each module that is asked for; undefined in place of one that is not there.
 *
 * @param builds of one Kernel
 * @param names NAME or NAME/VERSION; every module if none is given
 */
export const chosenBuilds = (
  builds: readonly StoredBuild[],
  names: readonly string[],
  isRecorded: IsRecorded,
): Map<string, StoredBuild | undefined> => {
  const all = [...new Set(builds.map(({ statement }) => moduleOf(statement.parts).name))].sort();
  return new Map(
    (names.length > 0 ? names : all).map((asked) => {
      const [name = '', version] = asked.split('/');
      const found = inOrder(builds, name, isRecorded);
      return [asked, version ? found.find(({ statement }) => statement.parts.module === asked) : found[0]];
    }),
  );
};
