import { FailureError } from '../engine/errors.ts';
import type { Adapter, Event } from './events.ts';
import { type TouchedPath, touchedPaths } from './touched-paths.ts';

const usage = "kmodsort hook run pacman install|remove, with the hook's targets on stdin";

const isConf = ({ tree, rest }: TouchedPath): boolean => tree === 'source' && rest.join('/') === 'dkms.conf';
const isImage = ({ tree, rest }: TouchedPath): boolean => tree === 'modules' && rest.join('/') === 'vmlinuz';
const isHeaders = ({ tree, rest }: TouchedPath): boolean => tree === 'modules' && rest.join('/') === 'build/include';

const touched = (path: TouchedPath): Event[] => {
  if (isConf(path)) return [{ kind: 'source-touched', source: path.name }];
  if (isImage(path)) return [{ kind: 'kernel-touched', release: path.name, image: true }];
  if (isHeaders(path)) return [{ kind: 'kernel-touched', release: path.name }];
  return [];
};

const leaving = (path: TouchedPath): Event[] => {
  if (isConf(path)) return [{ kind: 'source-leaving', source: path.name }];
  if (isImage(path)) return [{ kind: 'kernel-leaving', release: path.name }];
  return [];
};

/** pacman: `install` runs after the transaction, `remove` before it; both get their targets on stdin. */
export const pacman: Adapter = {
  readsStdin: ([word]) => word === 'install' || word === 'remove',
  events: ([word], stdin) => {
    if (word === 'install') return [...touchedPaths(stdin).flatMap(touched), { kind: 'transaction-ended' }];
    if (word === 'remove') return touchedPaths(stdin).flatMap(leaving);
    throw new FailureError({ kind: 'bad-usage', at: ['hook run pacman', word].join(' ').trim(), detail: usage });
  },
};
