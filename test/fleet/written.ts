import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Manifest, standingAt } from '../torture/manifest.ts';
import type { FleetNode } from './node.ts';

/** Everything that a machine has written anywhere on its root, and which of it a run may. */

export const writtenBy = ({ written }: FleetNode): Manifest => {
  const entries = readdirSync(written, { recursive: true, withFileTypes: true });
  return new Map(
    entries.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      // What it has taken away of the layers below.
      return [path.slice(written.length), entry.isCharacterDevice() ? 'gone' : standingAt(path)];
    }),
  );
};

/** What may be otherwise after every run: what is remembered, locks, and what skopeo has seen where. */
const memory =
  /^\/var\/lib\/(kmodsort(\/(contents|objects|record|due|notice|vermagic|lock|lock\.d|journal|store)(\/.*)?)?|containers(\/cache(\/.*)?)?)$/;

/** What an installed module is. */
const modules = /^\/(var\/lib\/dkms\/(low|high)(\/.*)?|usr\/lib\/modules\/[^/]+(\/(updates(\/.*)?|modules\.[^/]+))?)$/;

/** Directories come into being above what is written. */
const wayThere = /^\/(usr|usr\/lib|usr\/lib\/modules|var|var\/lib|var\/lib\/dkms|etc|etc\/dkms)$/;

/** What lies in the Store, temporary files of ours, and open journals. */
const kept = /^\/var\/lib\/kmodsort\/(store|journal)\/.|\/\.tmp/;

const changed = (before: Manifest, after: Manifest): string[] =>
  [...new Set([...before.keys(), ...after.keys()])].filter((path) => before.get(path) !== after.get(path));

/** Paths that a run which has installed modules has changed and should not have. */
export const strangeAfterInstall = (before: Manifest, node: FleetNode): string[] =>
  changed(before, writtenBy(node)).filter(
    (path) => /\/\.tmp/.test(path) || !(memory.test(path) || modules.test(path) || wayThere.test(path)),
  );

/** Paths that a run which has failed has changed and should not have: nothing is kept, nothing installed. */
export const strangeAfterFailure = (before: Manifest, node: FleetNode): string[] =>
  changed(before, writtenBy(node)).filter((path) => kept.test(path) || !(memory.test(path) || wayThere.test(path)));
