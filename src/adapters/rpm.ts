import { FailureError } from '../engine/errors.ts';
import { isCleanName } from '../engine/system/names.ts';
import type { Adapter, Event } from './events.ts';
import { type TouchedPath, touchedPaths } from './touched-paths.ts';

const usages = {
  add: 'kmodsort hook run rpm add KERNEL [ENTRY_DIR [IMAGE]]',
  remove: 'kmodsort hook run rpm remove KERNEL [ENTRY_DIR]',
};

const releaseIn = (word: 'add' | 'remove', release: string | undefined): string => {
  if (release !== undefined && isCleanName(release)) return release;
  throw new FailureError({ kind: 'bad-usage', at: `hook run rpm ${word}`, detail: usages[word] });
};

/** Headers of Fedora and its relatives are in /usr/src/kernels/RELEASE. */
const headersRelease = ({ name, rest: [release] }: TouchedPath): string | undefined =>
  name === 'kernels' && release !== undefined && isCleanName(release) ? release : undefined;

const touched = (path: TouchedPath): Event[] => {
  if (path.tree === 'modules') return [{ kind: 'kernel-touched', release: path.name }];
  const release = headersRelease(path);
  if (release !== undefined) return [{ kind: 'kernel-touched', release }];
  return path.rest.join('/') === 'dkms.conf' ? [{ kind: 'source-touched', source: path.name }] : [];
};

/** rpm and dnf: kernel-install's add and remove, and our own package's file triggers with their paths on stdin. */
export const rpm: Adapter = {
  readsStdin: ([word]) => word === 'files-in' || word === 'files-out',
  events: ([word, release], stdin) => {
    if (word === 'add') return [{ kind: 'kernel-arrived', release: releaseIn(word, release) }];
    if (word === 'remove') return [{ kind: 'kernel-leaving', release: releaseIn(word, release) }];
    if (word === 'files-in' || word === 'files-out') {
      return [...touchedPaths(stdin).flatMap(touched), { kind: 'transaction-ended' }];
    }
    throw new FailureError({
      kind: 'bad-usage',
      at: ['hook run rpm', word].join(' ').trim(),
      detail: 'kmodsort hook run rpm add|remove KERNEL, files-in or files-out',
    });
  },
};
