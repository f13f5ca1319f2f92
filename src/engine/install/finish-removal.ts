import type { Run } from '../run/run.ts';
import { closeJournal, type Journal } from '../state/journal.ts';
import { installedVersion } from '../tree/tree.ts';
import { uninstallModule } from './install.ts';

/** Finish what a run that was killed began to take off a kernel. */
export const finishRemoval = (run: Run, { module, kernel }: Journal): void => {
  const { dkmsTree, stateDir } = run.settings;
  if (installedVersion(dkmsTree, module.name, kernel) === module.version) uninstallModule(run, module, kernel);
  else closeJournal(stateDir, module.name, kernel);
  run.note({ note: 'recovered', module, kernel });
};
