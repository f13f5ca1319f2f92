import { join } from 'node:path';
import { memosOfGone } from '../key/contents.ts';
import { objectFactsDirectory } from '../state/paths.ts';
import { marksOfEnded } from '../state/rpm-upgrade.ts';
import { readDirectory } from '../system/files.ts';
import { remove } from '../system/publish.ts';
import { type Check, type Found, isGone, type View } from './view.ts';

/** What is remembered so that it need not be asked again, of kernels, directories and processes that are gone. */

const memory = (path: string, gone: string): Found => ({
  diagnosis: { code: 'memory-left', path, gone },
  repair: () => remove(path),
});

const objectsOfGone = (view: View): Found[] => {
  const directory = objectFactsDirectory(view.settings.stateDir);
  return readDirectory(directory).flatMap((name) => {
    const [, release] = /^([^.].*)\.(?:json|crcs)$/.exec(name) ?? [];
    return release !== undefined && isGone(view, release) ? [memory(join(directory, name), release)] : [];
  });
};

/** The file system of a source that is in the tree may just not be mounted. */
const contentsOfGone = ({ settings: { stateDir }, entries }: View): Found[] =>
  memosOfGone(stateDir)
    .filter(({ places }) => !entries.some(({ source }) => places.includes(source)))
    .map(({ path, places }) => memory(path, places.join(' ')));

const rpmMarks = ({ settings: { stateDir } }: View): Found[] =>
  marksOfEnded(stateDir).map((path) => ({
    diagnosis: { code: 'rpm-mark-left', path },
    repair: () => remove(path),
  }));

export const checkMemory: Check = (view) =>
  view.isBusy ? [] : [...objectsOfGone(view), ...contentsOfGone(view), ...rpmMarks(view)];
