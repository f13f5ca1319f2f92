import type { Job, SharedObject } from '../plan.ts';
import type { Candidate } from './candidates.ts';

/** Modules of one Kernel that install the same object: the last one's is in use, as with dkms, and it is told. */

const destsOf = (candidate: Candidate | undefined): string[] => candidate?.conf?.objects.map(({ dest }) => dest) ?? [];

const sharedWith = (mine: Candidate | undefined, other: Candidate | undefined): string | undefined => {
  const theirs = new Set(destsOf(other));
  return destsOf(mine).find((dest) => theirs.has(dest));
};

/**
 * Jobs of one Kernel, each behind those before it that install one of its objects. Of each such object the last Job is
 * told whose file it replaces.
 *
 * @param byName the Candidates of that Kernel
 */
export const withSharedObjects = (jobs: readonly Job[], byName: ReadonlyMap<string, Candidate>): Job[] => {
  const candidateOf = ({ module }: Job): Candidate | undefined => byName.get(module.name);
  const planned = new Set(jobs.map(({ module }) => module.name));
  const standing = [...byName.values()].filter(({ installed, module }) => installed && !planned.has(module.name));
  return jobs.map((job, index) => {
    const mine = candidateOf(job);
    const before = jobs.slice(0, index).filter((other) => sharedWith(mine, candidateOf(other)) !== undefined);
    const isLast = !jobs.slice(index + 1).some((other) => sharedWith(mine, candidateOf(other)) !== undefined);
    const others = [...standing, ...before.map(candidateOf)];
    const replaces = others.flatMap((other): SharedObject[] => {
      const object = other && sharedWith(mine, other);
      return other && object !== undefined && other.module.name !== job.module.name
        ? [{ object, of: other.module }]
        : [];
    });
    return {
      ...job,
      ...(before.length > 0 ? { behind: before.map(({ id }) => id) } : {}),
      ...(isLast && job.want === 'installed' && replaces.length > 0 ? { replaces } : {}),
    };
  });
};
