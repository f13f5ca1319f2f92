import { join } from 'node:path';
import { openJobLog } from '../build/log.ts';
import { runScript } from '../build/scripts.ts';
import { askAbout, readModuleConfs } from '../conf/module-confs.ts';
import { failureOf } from '../errors.ts';
import { uninstallModule } from '../install/install.ts';
import { tellWeakModules } from '../install/weak-modules.ts';
import type { Outcome } from '../outcome.ts';
import type { Job } from '../plan.ts';
import type { Step } from '../progress.ts';
import { sameModule } from '../request.ts';
import { siteOf } from '../run/build-site.ts';
import type { Run } from '../run/run.ts';
import { forgetRecord, readRecord } from '../state/record.ts';
import { readText } from '../system/files.ts';
import type { Lock } from '../system/lock.ts';
import { unbuildModule } from '../tree/forget.ts';
import { installedVersion, readTree, type TreeEntry } from '../tree/tree.ts';

/** What a run does for a Job that takes a Module away. */

/** POST_REMOVE needs the conf; a source that is gone has none, and most confs have no such line. */
const runPostRemove = async (run: Run, job: Job, entry: TreeEntry, lock: Lock): Promise<void> => {
  const asked = askAbout(run, entry, job.kernel);
  if (!asked.files.some((file) => readText(file)?.includes('POST_REMOVE'))) return;
  const [read] = await readModuleConfs(run, [asked]);
  const line = read && 'conf' in read ? read.conf.scripts.POST_REMOVE : undefined;
  const log = openJobLog(join(run.scratch, `${job.module.name}.post-remove.log`), job.module, job.kernel);
  const site = siteOf(run, entry, job.kernel, lock);
  const code = await runScript(run, site, 'POST_REMOVE', line, entry.source, log);
  log.close();
  if (code !== 0) run.note({ note: 'script-failed', path: `POST_REMOVE ${line ?? ''}`, code });
};

const takeAway = async (run: Run, job: Job, lock: Lock, onChanged: () => void): Promise<void> => {
  const { module, kernel } = job;
  const { dkmsTree, sourceTree, stateDir } = run.settings;
  const isInstalled = installedVersion(dkmsTree, module.name, kernel) === module.version;
  const entry = readTree(dkmsTree, sourceTree).find((one) => sameModule(one.module, module));
  const files = (readRecord(stateDir, module, kernel).installed ?? []).map((file) => file.path);
  await run.serialize(kernel, async () => {
    if (!isInstalled) return;
    uninstallModule(run, module, kernel);
    onChanged();
  });
  if (isInstalled && entry && !entry.broken) await runPostRemove(run, job, entry, lock);
  if (isInstalled) await tellWeakModules(run, module, kernel, 'remove', files);
  if (job.want === 'uninstalled') return;
  unbuildModule(run, module, kernel);
  forgetRecord(stateDir, module, kernel);
};

/**
 * Uninstall a Module, and with want `absent` forget what was built. Never rejects.
 *
 * @param onChanged told when files of the kernel have been changed
 */
export const removeModule = async (
  run: Run,
  job: Job,
  lock: Lock,
  say: (step: Step) => void,
  onChanged: () => void,
): Promise<Outcome> => {
  say('uninstall');
  try {
    await takeAway(run, job, lock, onChanged);
    return { kind: 'removed' };
  } catch (error) {
    return { kind: 'failed', failure: failureOf(error), remembered: false };
  }
};
