import { join } from 'node:path';
import { FailureError } from '../errors.ts';
import { lstat, readDirectory, readLink, walk } from '../system/files.ts';
import { chmod, chown, copyFile, makeDirectory, makeTemporary, remove, symlinkAtomic } from '../system/publish.ts';
import type { BuildContext } from './context.ts';

/**
 * A confined POST_BUILD writes where it always did, beside its objects in the dkms tree: what is there in its eyes is a
 * directory of its own, and what it leaves in it is taken over.
 */

const ours = ['module', 'log'];

/** The place that stands in for what was published. */
const standIn = (context: BuildContext, published: string): { place: string; context: BuildContext } => {
  const { site, run } = context;
  const { confines } = site;
  if (!confines) return { place: published, context };
  const place = makeTemporary(run.scratch, 'post-build-', 0o755);
  for (const name of ours) makeDirectory(join(place, name));
  chown(place, confines.user.uid, confines.user.gid);
  const kept = ours.map((name) => join(published, name));
  const inPlace = ours.map((name): [string, string] => [join(published, name), join(place, name)]);
  const further = {
    ...confines,
    writable: [...confines.writable, published],
    kept,
    binds: [...confines.binds, ...inPlace, [place, published] as const],
  };
  return { place, context: { ...context, site: { ...site, confines: further } } };
};

const takeOver = (place: string, published: string): void => {
  const names = readDirectory(place).filter((name) => !ours.includes(name));
  for (const path of walk(place).filter((one) => names.includes(one.split('/')[0] ?? ''))) {
    const [from, to] = [join(place, path), join(published, path)];
    const found = lstat(from);
    const target = readLink(from);
    // Nobody follows one in the tree.
    if (target !== undefined) symlinkAtomic(target, to);
    else if (found?.kind !== 'file') throw new FailureError({ kind: 'object-foreign', at: path });
    else {
      copyFile(from, to);
      chmod(to, found.mode & 0o755);
    }
  }
};

/**
 * Run POST_BUILD.
 *
 * @param published where the objects are
 * @param script runs it
 */
export const postBuild = async (
  context: BuildContext,
  published: string,
  script: (context: BuildContext) => Promise<void>,
): Promise<void> => {
  if (context.conf.scripts.POST_BUILD === undefined || !context.site.confines) return script(context);
  const { place, context: standing } = standIn(context, published);
  try {
    await script(standing);
    takeOver(place, published);
  } finally {
    remove(place);
  }
};
