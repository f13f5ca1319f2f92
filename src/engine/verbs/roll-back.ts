import type { Row, SyncResult } from '../answers.ts';
import { askAbout, readModuleConfs } from '../conf/module-confs.ts';
import { leftToKernel } from '../install/in-tree.ts';
import { installModule, uninstallModule } from '../install/install.ts';
import { inOrder } from '../jobs/run-plan.ts';
import { type Kernel, kernelKey, type Module, sameModule } from '../request.ts';
import type { Run } from '../run/run.ts';
import { installedVersion } from '../tree/tree.ts';
import { entriesNow } from './done.ts';

/** Without its depmod an installation is of no use: what stood there before is put back. */

const keyOf = (name: string, kernel: Kernel): string => `${name} ${kernelKey(kernel)}`;

/** The version of each module that is installed on each kernel now. */
export const installedNow = (run: Run): Map<string, string> => {
  const found = new Map<string, string>();
  for (const { module, built } of entriesNow(run)) {
    for (const kernel of built) {
      const version = installedVersion(run.settings.dkmsTree, module.name, kernel);
      if (version !== undefined) found.set(keyOf(module.name, kernel), version);
    }
  }
  return found;
};

/** Install what is built of an earlier version; where its conf cannot be read any more, nothing is changed. */
const putBack = async (run: Run, module: Module, kernel: Kernel): Promise<void> => {
  const entry = entriesNow(run).find((one) => sameModule(one.module, module));
  if (!entry) return;
  const [read] = await readModuleConfs(run, [askAbout(run, entry, kernel)]);
  if (!read || 'failure' in read) return;
  installModule(run, module, kernel, read.conf, await leftToKernel(run, module, kernel, read.conf));
  run.note({ note: 'put-back', module, kernel });
};

/** Of one row: the new version makes room for the one before it, or goes if there was none. */
const takeBack = async (run: Run, { module, kernel }: Row, before: string | undefined): Promise<void> => {
  if (before === undefined) return uninstallModule(run, module, kernel);
  if (before !== module.version) await putBack(run, { name: module.name, version: before }, kernel);
};

/**
 * Take back what was installed on kernels whose depmod failed.
 *
 * @param before from installedNow, before the command began
 */
export const rollBack = async (
  run: Run,
  before: ReadonlyMap<string, string>,
  { rows, failures }: SyncResult,
): Promise<SyncResult> => {
  const back: Row[] = [];
  for (const row of rows) {
    const failure = failures.find((one) => one.kind === 'depmod-failed' && one.at === row.kernel.release);
    if (!failure || row.outcome.kind !== 'installed') {
      back.push(row);
      continue;
    }
    await takeBack(run, row, before.get(keyOf(row.module.name, row.kernel)));
    back.push({ ...row, outcome: { kind: 'failed', failure, remembered: false } });
  }
  return { rows: inOrder(back), failures: failures.filter((one) => one.kind !== 'depmod-failed') };
};
