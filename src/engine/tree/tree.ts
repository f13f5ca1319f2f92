import { join } from 'node:path';
import type { Failure } from '../errors.ts';
import { compressionOf } from '../kernel/compression.ts';
import { type Kernel, type Module, sameKernel } from '../request.ts';
import { exists, isDirectory, lstat, readDirectory, readLink, realPath } from '../system/files.ts';
import { lookOr } from '../system/look.ts';
import { isCleanName } from '../system/names.ts';
import { isTemporary, symlinkAtomic } from '../system/publish.ts';
import { newestOf } from '../system/version.ts';

/** One Module as the dkms tree knows it. */
export interface TreeEntry {
  readonly module: Module;
  /** `<dkms tree>/<name>/<version>`. */
  readonly directory: string;
  /** Where its `source` leads; for a broken one where it should lead. */
  readonly source: string;
  /** `source` leads to nothing, or it cannot be looked at. */
  readonly broken: boolean;
  /** Why the entry or its source cannot be looked at. */
  readonly unreadable?: Failure;
  /** Kernels that it is built for. */
  readonly built: readonly Kernel[];
}

const ownNames = new Set(['source', 'build', 'tarball']);

export const entryDirectory = (dkmsTree: string, module: Module): string => join(dkmsTree, module.name, module.version);

/** `<name>/<version>/<release>/<arch>`: what was built for one Kernel. */
export const builtDirectory = (dkmsTree: string, module: Module, kernel: Kernel): string =>
  join(entryDirectory(dkmsTree, module), kernel.release, kernel.arch);

/** Names of the module files in a built directory's module/. */
export const builtFiles = (directory: string): string[] =>
  readDirectory(join(directory, 'module')).filter((name) => compressionOf(name));

/** `<name>/kernel-<release>-<arch>`: the link that makes a built version the installed one. */
export const installedLink = (dkmsTree: string, name: string, kernel: Kernel): string =>
  join(dkmsTree, name, `kernel-${kernel.release}-${kernel.arch}`);

/** `<name>/original_module/<release>/<arch>`: in-tree modules that ours replaced. */
export const originalsDirectory = (dkmsTree: string, name: string, kernel: Kernel): string =>
  join(dkmsTree, name, 'original_module', kernel.release, kernel.arch);

const builtKernels = (directory: string): Kernel[] =>
  readDirectory(directory)
    .filter((name) => !ownNames.has(name) && !name.startsWith('.') && isDirectory(join(directory, name)))
    .flatMap((release) =>
      readDirectory(join(directory, release))
        .filter((arch) => !isTemporary(arch) && isDirectory(join(directory, release, arch, 'module')))
        .map((arch) => ({ release, arch })),
    );

const readEntry = (dkmsTree: string, sourceTree: string, module: Module): TreeEntry | undefined => {
  const directory = entryDirectory(dkmsTree, module);
  const link = join(directory, 'source');
  const kind = lstat(link)?.kind;
  const usual = join(sourceTree, `${module.name}-${module.version}`);
  // Without `source` it is an entry only if its source directory says so, or something was built.
  const built = builtKernels(directory);
  if (kind === undefined && !isDirectory(usual) && built.length === 0) return undefined;
  const source = kind === 'link' ? join('/', readLink(link) ?? '') : usual;
  const found = lookOr<Pick<TreeEntry, 'source' | 'broken' | 'unreadable'>>(
    () => ({ source: realPath(link) ?? source, broken: !exists(link) }),
    (unreadable) => ({ source, broken: true, unreadable }),
  );
  return { module, directory, ...found, built };
};

const entryOrReason = (dkmsTree: string, sourceTree: string, module: Module): TreeEntry | undefined =>
  lookOr<TreeEntry | undefined>(
    () => readEntry(dkmsTree, sourceTree, module),
    (unreadable) => {
      const directory = entryDirectory(dkmsTree, module);
      return { module, directory, source: join(directory, 'source'), broken: true, unreadable, built: [] };
    },
  );

/** No for what cannot be looked at, too. */
const isSurelyDirectory = (path: string): boolean =>
  lookOr(
    () => isDirectory(path),
    () => false,
  );

/** Whether a source directory is that of one of these: their link leads there, and they do not merely have its name. */
export const isRegistered = (entries: readonly TreeEntry[], directory: string): boolean => {
  const real = realPath(directory);
  return entries.some((entry) => !entry.broken && entry.source === real);
};

/** Every Module in the dkms tree, in the order of a shell glob over names and versions. */
export const readTree = (dkmsTree: string, sourceTree: string): TreeEntry[] =>
  readDirectory(dkmsTree)
    .filter((name) => isCleanName(name) && isSurelyDirectory(join(dkmsTree, name)))
    .flatMap((name) =>
      readDirectory(join(dkmsTree, name))
        .filter((version) => isCleanName(version) && version !== 'original_module' && !version.startsWith('kernel-'))
        .filter((version) => lstat(join(dkmsTree, name, version))?.kind === 'directory')
        .map((version) => entryOrReason(dkmsTree, sourceTree, { name, version })),
    )
    .filter((entry) => entry !== undefined);

/** The version that is installed on a Kernel, undefined if none is. */
export const installedVersion = (dkmsTree: string, name: string, kernel: Kernel): string | undefined => {
  const link = installedLink(dkmsTree, name, kernel);
  const target = readLink(link);
  if (target === undefined || !isDirectory(link)) return undefined;
  return target.split('/').filter((part) => part !== '.' && part !== '')[0];
};

export type BuildState = 'added' | 'built' | 'installed';

/** How far a Module has come on a Kernel, as the tree alone says it. */
export const stateOn = (dkmsTree: string, entry: TreeEntry, kernel: Kernel): BuildState => {
  const isBuilt = entry.built.some((one) => sameKernel(one, kernel));
  if (!isBuilt) return 'added';
  return installedVersion(dkmsTree, entry.module.name, kernel) === entry.module.version ? 'installed' : 'built';
};

/** Of each name the newest version, one whose source is there before any broken one. */
export const newestEntries = (entries: readonly TreeEntry[]): TreeEntry[] => {
  const names = [...new Set(entries.map((entry) => entry.module.name))];
  return names.flatMap((name) => {
    const all = entries.filter((entry) => entry.module.name === name);
    const sound = all.filter((entry) => !entry.broken);
    const version = newestOf((sound.length > 0 ? sound : all).map((entry) => entry.module.version));
    return all.filter((entry) => entry.module.version === version);
  });
};

/** Make a Module known: the tree's `source` link to its source directory. */
export const register = (dkmsTree: string, module: Module, source: string): void =>
  symlinkAtomic(source, join(entryDirectory(dkmsTree, module), 'source'));
