import { join } from 'node:path';
import { openJobLog } from '../build/log.ts';
import { runScript } from '../build/scripts.ts';
import { FailureError, failureOf } from '../errors.ts';
import { leftToKernel, newerInstalled } from '../install/in-tree.ts';
import { installModule } from '../install/install.ts';
import { tellWeakModules } from '../install/weak-modules.ts';
import type { Outcome, SkipReason } from '../outcome.ts';
import { findingsOn, needsOn, type Survey } from '../plan/survey.ts';
import type { Job } from '../plan.ts';
import type { Step } from '../progress.ts';
import { moduleLabel } from '../request.ts';
import { siteOf } from '../run/build-site.ts';
import { runFor } from '../run/given.ts';
import type { Run } from '../run/run.ts';
import { closeJournal, readJournal } from '../state/journal.ts';
import { readRecord } from '../state/record.ts';
import type { Lock } from '../system/lock.ts';
import { buildUnderJournal, isStillFresh } from './build-job.ts';
import type { JobContext } from './job-context.ts';
import { forgetFailure, remember } from './remember.ts';

/** One Job that builds and installs. */

const installedPaths = (run: Run, job: Job): string[] =>
  (readRecord(run.settings.stateDir, job.module, job.kernel).installed ?? []).map((file) => file.path);

/** Why nothing is installed: all of it is newer in the kernel, or in another version of the module. */
const whatStays = async (
  { run, job, conf }: JobContext,
  left: ReadonlyMap<string, string>,
): Promise<SkipReason | undefined> => {
  const [path] = left.values();
  if (path !== undefined && left.size === conf.objects.length) return { reason: 'newer-in-tree', path };
  const newer = await newerInstalled(run, job.module, job.kernel, conf);
  if (!newer) return undefined;
  return {
    reason: 'newer-installed',
    path: newer.path,
    version: moduleLabel({ ...job.module, version: newer.version }),
  };
};

/** What stays the kernel's own; where that is all of it, there is nothing to install. */
const install = async (context: JobContext): Promise<Outcome> => {
  const { run, job, conf, site, finding, say } = context;
  say('install');
  const left = await leftToKernel(run, job.module, job.kernel, conf);
  const why = await whatStays(context, left);
  if (why) {
    closeJournal(run.settings.stateDir, job.module.name, job.kernel);
    return { kind: 'skipped', why };
  }
  const log = openJobLog(
    join(run.scratch, `${job.module.name}-${job.kernel.release}.install.log`),
    job.module,
    job.kernel,
  );
  try {
    await run.serialize(job.kernel, async () => {
      const code = await runScript(run, site, 'PRE_INSTALL', conf.scripts.PRE_INSTALL, finding.entry.source, log);
      const at = conf.scripts.PRE_INSTALL ?? '';
      if (code !== 0 && !run.switches.force) {
        // Nothing was changed yet.
        if (!context.unfinished) closeJournal(run.settings.stateDir, job.module.name, job.kernel);
        throw new FailureError({ kind: 'pre-install-failed', at, code, log: log.path });
      }
      if (code !== 0) run.note({ note: 'script-failed', path: `PRE_INSTALL ${at}`, code });
      installModule(run, job.module, job.kernel, conf, left);
      context.onChanged();
    });
    if (!conf.noWeakModules) await tellWeakModules(run, job.module, job.kernel, 'add', installedPaths(run, job));
    // Not under the kernel's turn: a POST_INSTALL may call us for another module.
    const code = await runScript(run, site, 'POST_INSTALL', conf.scripts.POST_INSTALL, finding.entry.source, log);
    if (code !== 0) run.note({ note: 'script-failed', path: `POST_INSTALL ${conf.scripts.POST_INSTALL ?? ''}`, code });
    for (const { object, of } of job.replaces ?? [])
      run.note({ note: 'object-shared', module: job.module, kernel: job.kernel, object, of });
    return { kind: 'installed' };
  } finally {
    log.close();
  }
};

/**
 * Bring a Module into the state that a Job wants. Never rejects.
 *
 * @param onChanged told when files of the kernel have been changed
 */
export const installJob = async (
  run: Run,
  survey: Survey,
  job: Job,
  lock: Lock,
  say: (step: Step) => void,
  onChanged: () => void,
): Promise<Outcome> => {
  const finding = findingsOn(survey, job.kernel).get(job.module.name);
  const conf = finding?.conf;
  if (!finding || !conf) return { kind: 'failed', failure: { kind: 'conf-missing' }, remembered: false };
  const own = runFor(run, job.module, finding.record);
  const needs = needsOn(survey, job.kernel, job.module);
  const unfinished = readJournal(run.settings.stateDir, job.module.name, job.kernel) !== undefined;
  const context: JobContext = {
    run: own,
    job,
    finding,
    conf,
    site: siteOf(own, finding.entry, job.kernel, lock),
    needs,
    unfinished,
    say,
    onChanged,
  };
  if (isStillFresh(context)) return { kind: 'unchanged' };
  try {
    const { isNew, from } = await buildUnderJournal(context);
    if (!isNew) return { kind: 'unchanged' };
    const stored = from ? { from } : {};
    if (run.abort.aborted) return { kind: 'skipped', why: { reason: 'interrupted' } };
    if (job.want === 'built') {
      closeJournal(run.settings.stateDir, job.module.name, job.kernel);
      return { kind: 'built', ...stored };
    }
    const outcome = await install(context);
    forgetFailure(run, job);
    return outcome.kind === 'installed' ? { ...outcome, ...stored } : outcome;
  } catch (error) {
    if (run.abort.aborted) return { kind: 'skipped', why: { reason: 'interrupted' } };
    return {
      kind: 'failed',
      failure: remember(own, job, finding, needs, failureOf(error)),
      remembered: false,
    };
  }
};
