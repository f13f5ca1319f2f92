import { uninstallModule } from '../install/install.ts';
import type { Kernel, Module } from '../request.ts';
import type { Run } from '../run/run.ts';
import { dueReleases } from '../state/due.ts';
import { dueFile } from '../state/paths.ts';
import { forgetRecord, readRecord } from '../state/record.ts';
import { remove } from '../system/publish.ts';
import { unbuildModule } from '../tree/forget.ts';
import { builtDirectory, installedLink } from '../tree/tree.ts';
import { type Check, type Found, isGone, isInstalledOn, isInterrupted, type View } from './view.ts';

/** What belongs to kernels that are gone: what their removal takes away while a hook is there to see it. */

const takeAway = (run: Run, module: Module, kernel: Kernel): void => {
  uninstallModule(run, module, kernel);
  unbuildModule(run, module, kernel);
  forgetRecord(run.settings.stateDir, module, kernel);
};

/** What was built against a directory of its own need not have a kernel here. */
const isMeantSo = ({ settings }: View, module: Module, kernel: Kernel): boolean =>
  readRecord(settings.stateDir, module, kernel).build?.given?.kernelSource !== undefined;

const builtForGone = (view: View): Found[] =>
  view.entries.flatMap(({ module, built }) =>
    built
      .filter((kernel) => isGone(view, kernel.release) && !isInterrupted(view, module.name, kernel))
      .flatMap((kernel): Found[] => {
        const { dkmsTree } = view.settings;
        if (isInstalledOn(view, module, kernel)) {
          const path = installedLink(dkmsTree, module.name, kernel);
          return [
            {
              diagnosis: { code: 'kernel-gone', path, module, kernel },
              repair: () => takeAway(view.run, module, kernel),
            },
          ];
        }
        if (isMeantSo(view, module, kernel)) return [];
        const path = builtDirectory(dkmsTree, module, kernel);
        return [{ diagnosis: { code: 'kernel-absent', path, module, kernel } }];
      }),
  );

const dueForGone = (view: View): Found[] => {
  const { stateDir } = view.settings;
  return dueReleases(stateDir)
    .filter((release) => isGone(view, release))
    .map((release) => {
      const path = dueFile(stateDir, release);
      return { diagnosis: { code: 'due-left', path, release }, repair: () => remove(path) };
    });
};

export const checkKernels: Check = (view) => [...builtForGone(view), ...dueForGone(view)];
