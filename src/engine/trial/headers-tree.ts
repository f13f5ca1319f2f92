import { dirname, join, normalize, relative, resolve } from 'node:path';
import { FailureError } from '../errors.ts';
import type { Run } from '../run/run.ts';
import { copyDirectory } from '../system/copy-directory.ts';
import { exists, isDirectory, lstat, readLink, readText, realPath, walk } from '../system/files.ts';
import { isCleanName } from '../system/names.ts';
import { copyFile, makeDirectory, remove, symlinkAtomic, writeText } from '../system/publish.ts';

/**
 * Headers of one kernel as a tree that stands by itself, for a machine that has none of its packages: the headers, the
 * source that they are part of, and in place of links that lead elsewhere what is there. Where the headers lie says
 * nothing about a build, and is no part of its Key. Source: kernel documentation, kbuild/modules.rst.
 */

/** Where headers of a release lie in such a tree. */
export const headersAt = (release: string): string => `usr/src/linux-headers-${release}`;

/** Let a kernel's headers be found where such a tree lies over the machine. */
export const linkHeadersTree = (root: string, release: string): void => {
  const place = join(root, 'usr/lib/modules', release);
  makeDirectory(place);
  symlinkAtomic(`/${headersAt(release)}`, join(place, 'build'));
};

/** A path of the machine as it would be: what packages bring lies over what is there. */
const seen = (root: string, path: string): string | undefined => [join(root, path), path].find(exists);

/** The same of a file below the root or not. */
const asOfMachine = (root: string, path: string): string =>
  path.startsWith(`${root}/`) ? path.slice(root.length) : path;

/** Where a link leads. */
const target = (root: string, link: string, to: string): string | undefined =>
  seen(root, to.startsWith('/') ? to : resolve(dirname(asOfMachine(root, link)), to));

/** The headers that a kernel's `build` leads to. */
const headersOf = ({ settings }: Run, root: string, release: string): string | undefined => {
  const places = [join(root, 'usr/lib/modules', release, 'build'), join(settings.installTree, release, 'build')];
  const build = places.find((path) => lstat(path) !== undefined);
  if (build === undefined) return undefined;
  const to = readLink(build);
  const found = to === undefined ? build : target(root, build, to);
  return found === undefined ? undefined : realPath(found);
};

const deepest = 4;

/** A copy in which no link leads out. Throws what cp(1) says (FailureError). */
const copyWhole = async (run: Run, root: string, from: string, to: string, depth = 0): Promise<void> => {
  const failure = await copyDirectory(run.processes, from, to);
  if (failure) throw new FailureError(failure);
  for (const path of walk(from)) {
    const link = readLink(join(from, path));
    if (link === undefined) continue;
    const isInside = !link.startsWith('/') && !normalize(join(dirname(path), link)).startsWith('..');
    if (isInside) continue;
    remove(join(to, path));
    const found = target(root, join(from, path), link);
    const real = found === undefined ? undefined : realPath(found);
    if (real === undefined || depth === deepest) continue;
    if (isDirectory(real)) await copyWhole(run, root, real, join(to, path), depth + 1);
    else copyFile(real, join(to, path));
  }
};

const include = /^include (\/\S+)\/Makefile$/m;

/** What the headers are part of, as their Makefile names it, and where it goes in the tree. */
const sourceIn = (makefile: string, release: string): { readonly named: string; readonly at: string } | undefined => {
  const named = include.exec(makefile)?.[1];
  if (named === undefined) return undefined;
  const name = relative('/usr/src', named);
  return { named, at: isCleanName(name) ? `/usr/src/${name}` : `/usr/src/linux-source-${release}` };
};

/**
 * Put the headers of a kernel into a directory of their own.
 *
 * @param root where packages were unpacked
 * Throws headers-missing (FailureError).
 */
export const stageHeaders = async (run: Run, root: string, release: string, directory: string): Promise<void> => {
  const own = headersOf(run, root, release);
  if (own === undefined) throw new FailureError({ kind: 'headers-missing', detail: release });
  const place = join(directory, headersAt(release));
  await copyWhole(run, root, own, place);
  const makefile = readText(join(own, 'Makefile')) ?? '';
  const source = sourceIn(makefile, release);
  const found = source && seen(root, source.named);
  if (!source || found === undefined || realPath(found) === own) return;
  await copyWhole(run, root, realPath(found) ?? found, join(directory, source.at));
  if (source.at === source.named) return;
  remove(join(place, 'Makefile'));
  writeText(join(place, 'Makefile'), makefile.replace(include, `include ${source.at}/Makefile`));
};
