import { basename, join } from 'node:path';
import { restoreOriginals } from '../install/install.ts';
import { objectNameOf } from '../kernel/compression.ts';
import { type Kernel, sameKernel } from '../request.ts';
import { type InstalledFile, isAsInstalled, readRecord } from '../state/record.ts';
import { exists, hashFile, isDirectory, lstat, readDirectory, walk } from '../system/files.ts';
import { copyAtomic, remove } from '../system/publish.ts';
import { usualPlace } from '../tree/originals.ts';
import { savedOriginals } from '../tree/saved-originals.ts';
import { isOfAnother } from '../tree/shared-files.ts';
import { builtDirectory, builtFiles, originalsDirectory } from '../tree/tree.ts';
import { type Check, type Found, type InstalledLink, isGone, isInterrupted, type View } from './view.ts';

/** What is installed on kernels, against what was recorded and what was built. */

const isFile = (path: string, hash: string): boolean => exists(path) && hashFile(path) === hash;

/** A file that is gone comes back out of the dkms tree, if the same bytes are there. */
const missingFile = (view: View, { module, kernel }: InstalledLink, file: InstalledFile): Found => {
  const diagnosis = { code: 'installed-missing', path: file.path, module, kernel } as const;
  const built = join(builtDirectory(view.settings.dkmsTree, module, kernel), 'module', basename(file.path));
  if (view.settings.symlinkModules || !isFile(built, file.hash)) return { diagnosis };
  const repair = (): void => {
    view.run.beforeChange(kernel.release);
    copyAtomic(built, file.path, file.hash);
  };
  return { diagnosis, repair };
};

const filesOf = (view: View, link: InstalledLink): Found[] => {
  const { module, kernel } = link;
  const isTheirs = isOfAnother(view.run, module.name, kernel);
  const files = readRecord(view.settings.stateDir, module, kernel).installed ?? [];
  return files
    .filter((file) => !isAsInstalled(file) && !isTheirs(file.path))
    .map((file) =>
      exists(file.path)
        ? { diagnosis: { code: 'installed-differs', path: file.path, module, kernel } }
        : missingFile(view, link, file),
    );
};

/** Objects that a build had made, and that are not in the tree: they come back from where they are installed. */
const objectsOf = (view: View): Found[] =>
  view.records.flatMap(({ module, kernel, record }) => {
    const directory = builtDirectory(view.settings.dkmsTree, module, kernel);
    if (!isDirectory(directory) || isGone(view, kernel.release)) return [];
    const there = new Set(builtFiles(directory).map(objectNameOf));
    const lost = (record.build?.objects ?? []).filter((file) => !there.has(objectNameOf(file)));
    return lost.map((file): Found => {
      const diagnosis = { code: 'object-missing', path: join(directory, 'module', file), module, kernel } as const;
      const installed = record.installed?.find(({ path }) => objectNameOf(basename(path)) === objectNameOf(file));
      if (!installed || installed.differs || !isFile(installed.path, installed.hash)) return { diagnosis };
      const to = join(directory, 'module', basename(installed.path));
      return { diagnosis, repair: () => copyAtomic(installed.path, to, installed.hash) };
    });
  });

const originalKernels = (dkmsTree: string, name: string): Kernel[] => {
  const top = join(dkmsTree, name, 'original_module');
  return readDirectory(top).flatMap((release) =>
    readDirectory(join(top, release)).map((arch): Kernel => ({ release, arch })),
  );
};

/** Put back, unless another file stands where one belongs: which of the two is the kernel's own nobody knows then. */
const original = (view: View, name: string, kernel: Kernel): Found => {
  const { dkmsTree, installTree } = view.settings;
  const diagnosis = { code: 'original-left', path: originalsDirectory(dkmsTree, name, kernel), name, kernel } as const;
  const isFree = savedOriginals(dkmsTree, name, kernel).every(({ saved, origin }) => {
    const place = origin ?? usualPlace(join(installTree, kernel.release), saved);
    return !exists(place) || isFile(place, hashFile(saved));
  });
  if (!isFree) return { diagnosis };
  const repair = (): void => {
    view.run.beforeChange(kernel.release);
    restoreOriginals(view.run, name, kernel);
  };
  return { diagnosis, repair };
};

/** Whether a version of a name is on a Kernel, or its files still are. */
const isInUse = (view: View, name: string, kernel: Kernel): boolean =>
  isInterrupted(view, name, kernel) ||
  view.links.some((link) => link.module.name === name && sameKernel(link.kernel, kernel)) ||
  view.records.some(
    (one) =>
      one.module.name === name &&
      sameKernel(one.kernel, kernel) &&
      one.record.installed?.some(({ path }) => exists(path)),
  );

/** Modules of the kernel's own that ours replaced, where ours are gone. */
const originalsLeft = (view: View): Found[] => {
  const { dkmsTree } = view.settings;
  const names = readDirectory(dkmsTree).filter((name) => !name.startsWith('.') && isDirectory(join(dkmsTree, name)));
  return names.flatMap((name) =>
    originalKernels(dkmsTree, name)
      .filter((kernel) => savedOriginals(dkmsTree, name, kernel).length > 0 && !isInUse(view, name, kernel))
      .map((kernel) => original(view, name, kernel)),
  );
};

/** Links that weak-modules(8) made to a file that is gone. */
const weakLinks = (view: View): Found[] =>
  view.releases.flatMap((release) => {
    const top = join(view.settings.installTree, release, 'weak-updates');
    return walk(top)
      .map((path) => join(top, path))
      .filter((path) => lstat(path)?.kind === 'link' && !exists(path))
      .map((path) => ({
        diagnosis: { code: 'weak-link-broken', path },
        repair: () => {
          view.run.beforeChange(release);
          remove(path);
        },
      }));
  });

export const checkInstalled: Check = (view) => {
  if (view.isBusy) return [];
  const standing = view.links.filter(
    ({ module, kernel, leadsNowhere }) =>
      !leadsNowhere && !isGone(view, kernel.release) && !isInterrupted(view, module.name, kernel),
  );
  return [
    ...standing.flatMap((link) => filesOf(view, link)),
    ...objectsOf(view),
    ...originalsLeft(view),
    ...weakLinks(view),
  ];
};
