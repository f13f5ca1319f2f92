import { join } from 'node:path';
import { bootableKernels, runningKernel } from '../kernel/kernel.ts';
import type { Settings } from '../settings.ts';
import { isInChroot } from '../system/chroot.ts';
import { exists, isDirectory, readDirectory } from '../system/files.ts';
import { isCleanName } from '../system/names.ts';
import { matches } from '../system/pattern.ts';
import { compareVersions } from '../system/version.ts';

/** Which kernels are meant where none is named. */

type Patterns = Pick<Settings, 'kernels' | 'skipKernels'>;

/** The setting of framework.conf that passes a kernel over. */
export type PassingSetting = 'kernels' | 'skip_kernels';

/** The setting that keeps a kernel from being looked after, where no command names it; undefined if none does. */
export const passedOverBy = ({ kernels, skipKernels }: Patterns, release: string): PassingSetting | undefined => {
  if (skipKernels.some((pattern) => matches(pattern, release))) return 'skip_kernels';
  return kernels.length === 0 || kernels.some((pattern) => matches(pattern, release)) ? undefined : 'kernels';
};

/** Installed kernels that the settings pass over, the newest first. */
export const passedOverKernels = (
  settings: Settings,
): { readonly release: string; readonly setting: PassingSetting }[] =>
  bootableKernels(settings.installTree)
    .reverse()
    .flatMap((release) => {
      const setting = passedOverBy(settings, release);
      return setting ? [{ release, setting }] : [];
    });

const isLookedAfter = (settings: Settings, release: string): boolean => passedOverBy(settings, release) === undefined;

/** Where images are built there are often headers alone. */
const withHeaders = (settings: Settings): string[] =>
  readDirectory(settings.installTree)
    .filter((release) => isCleanName(release) && exists(join(settings.installTree, release, 'build')))
    .sort(compareVersions);

/**
 * The kernel of a command that names none: the one that runs. In a chroot, or where that has no directory in the install
 * tree (an image that is built in a container), it is another system's: there it is the newest one that is installed.
 */
export const kernelHere = (settings: Settings): string => {
  const running = runningKernel();
  if (isDirectory(join(settings.installTree, running)) && !isInChroot()) return running;
  const found = [bootableKernels(settings.installTree), withHeaders(settings)].map((releases) =>
    releases.filter((release) => isLookedAfter(settings, release)).at(-1),
  );
  return found.find((release) => release !== undefined) ?? running;
};
