import { dirname } from 'node:path';
import type { BootHeld } from '../answers.ts';
import type { Failure } from '../errors.ts';
import { type Renamed, readBootHold, rememberRenamed } from '../state/boot-hold.ts';
import { exists } from '../system/files.ts';
import { remove, rename, syncPath } from '../system/publish.ts';
import { type BootEntry, isEntryOf, parseBootList, withoutTries } from './boot-entries.ts';
import { guardFailure, type Place } from './place.ts';

/** systemd-boot boots the first of its entries; one without tries left is the last. */

const name = 'systemd-boot';

/** Whether it is what an EFI system partition of this machine has. */
export const hasSystemdBoot = async ({ processes, environment }: Place): Promise<boolean> =>
  (await processes.run({ argv: ['bootctl', 'is-installed'], environment, limit: 60 })).code === 0;

const entriesOf = async ({ processes, environment }: Place): Promise<BootEntry[]> =>
  parseBootList((await processes.run({ argv: ['bootctl', 'list', '--no-pager'], environment, limit: 60 })).output);

const isOfHeld = ({ settings }: Place, { held }: BootHeld, entry: BootEntry): boolean =>
  held.some(({ release }) => isEntryOf(settings, release, entry));

const move = ({ from, to }: Renamed): void => {
  rename(from, to);
  syncPath(dirname(to));
};

/** Take back what holdInSystemdBoot did. Where an entry was made anew meanwhile, that one counts. */
export const releaseInSystemdBoot = async (renamed: readonly Renamed[]): Promise<undefined> => {
  for (const { from, to } of renamed) {
    if (!exists(to)) continue;
    if (exists(from)) remove(to);
    else move({ from: to, to: from });
  }
};

/**
 * Put the entries of kernels that are held back behind all others. Those of a kernel that is being installed may still
 * have to come.
 */
export const holdInSystemdBoot = async (place: Place, hold: BootHeld): Promise<Failure | undefined> => {
  const entries = await entriesOf(place);
  const ours = entries.filter((entry) => isOfHeld(place, hold, entry));
  // Of kernels that are no longer held back while others are.
  const ended = entries.filter((entry) => !ours.includes(entry));
  const known = readBootHold(place.settings.stateDir)?.renamed ?? [];
  await releaseInSystemdBoot(known.filter(({ to }) => ended.some(({ source }) => source === to)));
  const renamed = ours.flatMap(({ source }): Renamed[] => {
    const to = withoutTries(source);
    return to === undefined ? [] : [{ from: source, to }];
  });
  rememberRenamed(place.settings.stateDir, renamed);
  for (const one of renamed) move(one);
  if (place.menuFollows) return undefined;
  const isDefault = (await entriesOf(place)).find((entry) => entry.isDefault);
  if (isDefault && isOfHeld(place, hold, isDefault))
    return guardFailure(name, `${isDefault.id} is still the default: see loader.conf and bootctl set-default`);
  if (ours.length > 0) return undefined;
  return guardFailure(name, `found no entry of ${hold.held.map(({ release }) => release).join(' or ')}`);
};
