import { join } from 'node:path';
import type { Settings } from '../settings.ts';
import { logDirectory, recordsDirectory, storeDirectory, vetoesDirectory } from '../state/paths.ts';
import type { Argv } from '../system/exec.ts';
import { exists, readLink, realPath } from '../system/files.ts';
import { fstabLine } from '../system/mounts.ts';
import { makeDirectory, symlinkAtomic, writeText } from '../system/publish.ts';
import { readTree } from '../tree/tree.ts';

/**
 * The machine as it would be: what packages bring lies over what is there, and whatever a run changes is in a place of
 * its own that goes away with it, but for the Store and the logs. Made of mount namespaces and overlays: unshare(1),
 * kernel documentation, filesystems/overlayfs.rst.
 */

/** Where a tree is, and what lies over it. */
interface Layer {
  readonly tree: string;
  readonly over: string;
}

const isBelow = (path: string, directory: string): boolean => path.startsWith(`${directory}/`);

/** /usr, and trees of kernels and sources that are elsewhere. */
const layersOf = ({ installTree, sourceTree }: Settings, root: string): Layer[] => {
  const elsewhere = [
    { tree: realPath(installTree) ?? installTree, over: join(root, 'usr/lib/modules') },
    { tree: realPath(sourceTree) ?? sourceTree, over: join(root, 'usr/src') },
  ].filter(({ tree }) => !isBelow(tree, '/usr'));
  return [{ tree: '/usr', over: join(root, 'usr') }, ...elsewhere].filter(({ tree }) => exists(tree));
};

/** A dkms tree that knows the same Modules, or none, and in which nothing is built. */
const makeTree = ({ dkmsTree, sourceTree }: Settings, place: string, isBare: boolean): void => {
  makeDirectory(place);
  if (isBare) return;
  for (const { module } of readTree(dkmsTree, sourceTree).filter((entry) => !entry.broken)) {
    const target = readLink(join(dkmsTree, module.name, module.version, 'source'));
    if (target !== undefined) symlinkAtomic(target, join(place, module.name, module.version, 'source'));
  }
};

/** What is written there stays, through the view as well. */
const shared = (settings: Settings, state: string, remembers: boolean): string[] =>
  [
    [storeDirectory(settings.stateDir), storeDirectory(state)],
    [logDirectory(settings.stateDir), logDirectory(state)],
    ...(remembers ? [[recordsDirectory(vetoesDirectory(settings.stateDir)), recordsDirectory(state)]] : []),
  ].map(([from = '', to = '']) => {
    makeDirectory(from);
    makeDirectory(to);
    return fstabLine(from, to, 'none', ['rbind']);
  });

/** Compilers that are asked what they are write there, too; where something of ours lies in it, it stays as it is. */
const ownTemporary = (settings: Settings, state: string, seen: readonly string[]): string[] => {
  const { dkmsTree, sourceTree, installTree, confDir, stateDir, osRelease } = settings;
  const needed = [dkmsTree, sourceTree, installTree, confDir, stateDir, osRelease, ...seen];
  const places = ['/tmp', '/var/tmp'].filter((place) => exists(place) && !needed.some((path) => isBelow(path, place)));
  return places.map((place) => fstabLine(join(state, 'tmp'), place, 'none', ['rbind']));
};

const overlay = ({ tree, over }: Layer, place: string): string =>
  fstabLine('kmodsort-trial', tree, 'overlay', [
    `lowerdir=${over}:${tree}`,
    `upperdir=${join(place, 'upper')}`,
    `workdir=${join(place, 'work')}`,
  ]);

/** A file system of its own for what changes: an overlay cannot be written into another one. */
const setUp = `
over=$1 table=$2; shift 2
mount -n -t tmpfs -o mode=755 kmodsort-trial "$over" || exit 125
for name in $1; do mkdir -p "$over/$name/upper" "$over/$name/work" || exit 125; done
shift
mount -n -a -T "$table" || exit 125
"$@"
exit $?
`;

/** All that dies with whoever asked: also where that one was killed. */
const apart = ['setpriv', '--pdeathsig', 'KILL', 'unshare', '--mount', '--pid', '--fork', '--kill-child'] as const;

/** How it is looked at. */
interface View {
  /** What failed is to be known the next time. */
  readonly remembers: boolean;
  /** Paths that have to be seen there. */
  readonly needed: readonly string[];
  /** The Modules that are known here are not known there. */
  readonly isBare: boolean;
}

/** The state directory of a view, as it is seen from outside. */
export const stateInView = (directory: string): string => join(directory, 'state');

/**
 * The words that run a program in the view.
 *
 * @param directory a private directory (0700) in the state directory
 * @param root where packages are unpacked
 */
export const inView = (
  settings: Settings,
  directory: string,
  root: string,
  program: Argv,
  { remembers, needed, isBare }: View,
): Argv => {
  const [tree, state, over] = [join(directory, 'dkms'), stateInView(directory), join(directory, 'over')];
  makeTree(settings, tree, isBare);
  for (const path of [over, join(state, 'tmp'), settings.dkmsTree]) makeDirectory(path);
  const layers = layersOf(settings, root);
  for (const { over: layer } of layers) makeDirectory(layer);
  const table = [
    ...layers.map((layer, index) => overlay(layer, join(over, String(index)))),
    fstabLine(tree, settings.dkmsTree, 'none', ['rbind']),
    ...shared(settings, state, remembers),
    ...ownTemporary(settings, state, [...program, ...needed]),
    // Last of all: the others lie below it.
    fstabLine(state, settings.stateDir, 'none', ['rbind']),
  ];
  const file = join(directory, 'mounts');
  writeText(file, table.join(''));
  const indexes = layers.map((_, index) => index).join(' ');
  return [...apart, '--mount-proc', '--', 'sh', '-c', setUp, 'kmodsort', over, file, indexes, ...program];
};
