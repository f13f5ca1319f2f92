import { dirname, join } from 'node:path';
import { type Kernel, type Module, sameModule } from '../request.ts';
import type { Run } from '../run/run.ts';
import { forgetRecord, recordedEntries } from '../state/record.ts';
import { remove, removeEmpty } from '../system/publish.ts';
import { builtDirectory, type TreeEntry } from './tree.ts';

/** What leaves the dkms tree. */

/** Forget what was built of a Module for one kernel; it must not be installed. */
export const unbuildModule = (run: Run, module: Module, kernel: Kernel): void => {
  const directory = builtDirectory(run.settings.dkmsTree, module, kernel);
  remove(directory);
  removeEmpty(dirname(directory), join(run.settings.dkmsTree, module.name, module.version));
};

/** Forget a version: its place in the dkms tree and what we remember of it. The source stays. */
export const forgetEntry = (run: Run, { module, directory }: TreeEntry): void => {
  const { dkmsTree, stateDir } = run.settings;
  remove(directory);
  removeEmpty(dirname(directory), dkmsTree);
  for (const { module: known, kernel } of recordedEntries(stateDir)) {
    if (sameModule(known, module)) forgetRecord(stateDir, module, kernel);
  }
  run.note({ note: 'forgotten', module });
};
