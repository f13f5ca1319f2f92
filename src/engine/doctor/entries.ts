import { join } from 'node:path';
import { exists, isDirectory, lstat, readDirectory, walk } from '../system/files.ts';
import { isCleanName } from '../system/names.ts';
import { remove, removeEmpty } from '../system/publish.ts';
import { distrustedSource } from '../system/trust.ts';
import { isSuperseded } from '../tree/superseded.ts';
import { entryDirectory, register, type TreeEntry } from '../tree/tree.ts';
import { type Check, entryOf, type Found, type View } from './view.ts';

/** Entries of the dkms tree: their sources, and links of what is installed. */

const isUnregistered = ({ directory }: TreeEntry): boolean => lstat(join(directory, 'source')) === undefined;

/** A version that waits for its successor is without its source on purpose. */
const missingSource = (view: View, entry: TreeEntry): Found[] => {
  if (!entry.broken || entry.unreadable || isUnregistered(entry)) return [];
  if (isSuperseded(view.settings.stateDir, entry.module)) return [];
  const path = join(entry.directory, 'source');
  return [{ diagnosis: { code: 'source-missing', path, module: entry.module, source: entry.source } }];
};

/** Its source is registered only where that is what would be registered by hand, too. */
const unregistered = ({ settings }: View, entry: TreeEntry): Found[] => {
  if (!isUnregistered(entry)) return [];
  const { module, directory } = entry;
  const source = join(settings.sourceTree, `${module.name}-${module.version}`);
  const isUsable = exists(join(source, 'dkms.conf')) && distrustedSource(source) === undefined;
  const diagnosis = { code: 'entry-unregistered', path: directory, module, source, isUsable } as const;
  return [isUsable ? { diagnosis, repair: () => register(settings.dkmsTree, module, source) } : { diagnosis }];
};

/** Directories of a version in which nothing is, as a removal that was killed leaves them. */
const emptyIn = (view: View, name: string): Found[] => {
  const { dkmsTree } = view.settings;
  const versions = readDirectory(join(dkmsTree, name)).filter(
    (version) => isCleanName(version) && version !== 'original_module' && !version.startsWith('kernel-'),
  );
  return versions
    .map((version) => ({ name, version }))
    .filter((module) => isDirectory(entryDirectory(dkmsTree, module)) && !entryOf(view, module))
    .filter((module) => walk(entryDirectory(dkmsTree, module)).length === 0)
    .map((module) => {
      const path = entryDirectory(dkmsTree, module);
      const repair = (): void => {
        remove(path);
        removeEmpty(join(dkmsTree, name), dkmsTree);
      };
      return { diagnosis: { code: 'entry-empty', path, module }, repair };
    });
};

const brokenLinks = ({ links }: View): Found[] =>
  links
    .filter(({ leadsNowhere }) => leadsNowhere)
    .map(({ path, module, kernel }) => ({
      diagnosis: { code: 'installed-link-broken', path, module, kernel },
      repair: () => remove(path),
    }));

export const checkEntries: Check = (view) => {
  const { dkmsTree } = view.settings;
  const names = readDirectory(dkmsTree).filter((name) => isCleanName(name) && isDirectory(join(dkmsTree, name)));
  return [
    ...view.entries.flatMap((entry) => [...missingSource(view, entry), ...unregistered(view, entry)]),
    ...names.flatMap((name) => emptyIn(view, name)),
    ...brokenLinks(view),
  ];
};
