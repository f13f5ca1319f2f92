import type { BootHeld } from '../answers.ts';
import type { Failure } from '../errors.ts';
import type { BootHold } from '../state/boot-hold.ts';
import { findGrub, holdInGrub, releaseInGrub } from './grub.ts';
import type { Place } from './place.ts';
import { hasSystemdBoot, holdInSystemdBoot, releaseInSystemdBoot } from './systemd-boot.ts';

/** A boot loader that this machine may be booted by. */
export interface BootLoader {
  readonly name: string;
  /** See to it that no kernel that is held back is booted by default. Doing it twice changes nothing. */
  readonly hold: (hold: BootHeld) => Promise<Failure | undefined>;
  /** Take back whatever of that was done. */
  readonly release: (known: BootHold) => Promise<Failure | undefined>;
}

/** Every one that is set up here: which of them the firmware starts is not ours to know. */
export const bootLoaders = async (place: Place): Promise<BootLoader[]> => {
  const grub = findGrub();
  return [
    ...(grub
      ? [
          {
            name: 'GRUB',
            hold: (hold: BootHeld) => holdInGrub(place, grub, hold),
            release: (known: BootHold) => releaseInGrub(place, grub, known),
          },
        ]
      : []),
    ...((await hasSystemdBoot(place))
      ? [
          {
            name: 'systemd-boot',
            hold: (hold: BootHeld) => holdInSystemdBoot(place, hold),
            release: ({ renamed }: BootHold) => releaseInSystemdBoot(renamed),
          },
        ]
      : []),
  ];
};
