import { join } from 'node:path';
import { buildModule } from '../build/build.ts';
import { openJobLog } from '../build/log.ts';
import type { DependencySymbols } from '../build/make.ts';
import { runScript } from '../build/scripts.ts';
import type { ModuleConf } from '../conf/conf.ts';
import { FailureError, failureOf } from '../errors.ts';
import { leftToKernel } from '../install/in-tree.ts';
import { installModule } from '../install/install.ts';
import { tellWeakModules } from '../install/weak-modules.ts';
import { symversFromObjects } from '../kernel/symvers.ts';
import type { Outcome } from '../outcome.ts';
import { type Finding, findingsOn, needsOn, type Survey } from '../plan/survey.ts';
import type { Job } from '../plan.ts';
import type { Step } from '../progress.ts';
import { type BuildSite, siteOf } from '../run/build-site.ts';
import type { Run } from '../run/run.ts';
import { closeJournal, openJournal, readJournal } from '../state/journal.ts';
import { type BuildRecord, readRecord, writeRecord } from '../state/record.ts';
import { exists } from '../system/files.ts';
import type { Lock } from '../system/lock.ts';
import { writeText } from '../system/publish.ts';
import { dependenciesNow } from '../tree/dependencies.ts';
import { changedDependencies, type DependencyNow, usedSymbols } from '../tree/fingerprint.ts';
import { builtDirectory } from '../tree/tree.ts';
import { forgetFailure, remember } from './remember.ts';

/** One Job that builds and installs. */

/** Each dependency's symbols in a file; made from its objects where dkms kept none. */
const dependencySymbols = async (
  run: Run,
  job: Job,
  now: ReadonlyMap<string, DependencyNow>,
): Promise<DependencySymbols[]> => {
  const symbols: DependencySymbols[] = [];
  for (const [name, { version, exported }] of now) {
    const directory = join(builtDirectory(run.settings.dkmsTree, { name, version }, job.kernel), 'module');
    const file = join(directory, 'Module.symvers');
    if (exists(file)) {
      symbols.push({ name, version, file, exported });
      continue;
    }
    const text = await symversFromObjects(directory, run.processes);
    if (!text) continue;
    const made = join(run.scratch, 'symvers', job.kernel.release, name, 'Module.symvers');
    writeText(made, text);
    symbols.push({ name, version, file: made, exported });
  }
  return symbols;
};

interface JobContext {
  readonly run: Run;
  readonly job: Job;
  readonly finding: Finding;
  readonly conf: ModuleConf;
  readonly site: BuildSite;
  readonly needs: readonly string[];
  /** A run that was killed had begun to change what is installed. */
  readonly unfinished: boolean;
  readonly say: (step: Step) => void;
  /** Told when files of the kernel have been changed. */
  readonly onChanged: () => void;
}

/** Reasons for which the objects in the tree are good as they are. */
const needsNoBuild = new Set(['not-installed', 'damaged']);

/** A dependency was rebuilt: are the symbols that we use still the same? */
const isStillFresh = ({ run, job, finding, conf, site, needs }: JobContext): boolean => {
  const { build } = finding.record;
  if (job.why.reason !== 'dependency-rebuilt' || !build) return false;
  // Of what was built without us we may not know what it uses.
  if (needs.some((name) => !build.dependencies[name])) return false;
  const options = {
    hasModversions: site.facts.config.has('CONFIG_MODVERSIONS'),
    onVersion: conf.rebuildWithDependencies,
  };
  return changedDependencies(build, dependenciesNow(run, job.kernel, needs), options).length === 0;
};

const build = async (context: JobContext, onPublished: () => void): Promise<void> => {
  const { run, job, conf, site, finding, needs, say } = context;
  const now = dependenciesNow(run, job.kernel, needs);
  const built = await buildModule(run, site, conf, await dependencySymbols(run, job, now), say, onPublished);
  const dependencies = Object.fromEntries(
    [...now].map(([name, dependency]) => [name, usedSymbols(dependency, built.imports)]),
  );
  const { objects, result } = built;
  const record: BuildRecord = { fingerprint: finding.fingerprint, dependencies, objects, result };
  const rest = readRecord(run.settings.stateDir, job.module, job.kernel);
  writeRecord(run.settings.stateDir, job.module, job.kernel, { ...rest, build: record });
  forgetFailure(run, job);
};

const installedPaths = (run: Run, job: Job): string[] =>
  (readRecord(run.settings.stateDir, job.module, job.kernel).installed ?? []).map((file) => file.path);

/** What stays the kernel's own; where that is all of it, there is nothing to install. */
const install = async (context: JobContext): Promise<Outcome> => {
  const { run, job, conf, site, finding, say } = context;
  say('install');
  const left = await leftToKernel(run, job.module, job.kernel, conf);
  const [path] = left.values();
  if (path !== undefined && left.size === conf.objects.length) {
    closeJournal(run.settings.stateDir, job.module.name, job.kernel);
    return { kind: 'skipped', why: { reason: 'newer-in-tree', path } };
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
    return { kind: 'installed' };
  } finally {
    log.close();
  }
};

/**
 * Build with the journal open from before the first change to the tree: what is built and not yet installed
 * is known as unfinished. A build that fails before it replaces anything closes what it opened.
 */
const buildUnderJournal = async (context: JobContext): Promise<void> => {
  const { run, job } = context;
  const { stateDir } = run.settings;
  openJournal(stateDir, { version: 1, module: job.module, kernel: job.kernel, action: 'install', ours: [] });
  if (needsNoBuild.has(job.why.reason)) return;
  let published = false;
  try {
    await build(context, () => {
      published = true;
    });
  } catch (error) {
    if (!context.unfinished && !published) closeJournal(stateDir, job.module.name, job.kernel);
    throw error;
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
  const needs = needsOn(survey, job.kernel, job.module);
  const unfinished = readJournal(run.settings.stateDir, job.module.name, job.kernel) !== undefined;
  const context: JobContext = {
    run,
    job,
    finding,
    conf,
    site: siteOf(run, finding.entry, job.kernel, lock),
    needs,
    unfinished,
    say,
    onChanged,
  };
  if (isStillFresh(context)) return { kind: 'unchanged' };
  try {
    await buildUnderJournal(context);
    if (run.abort.aborted) return { kind: 'skipped', why: { reason: 'interrupted' } };
    if (job.want === 'built') {
      closeJournal(run.settings.stateDir, job.module.name, job.kernel);
      return { kind: 'built' };
    }
    const outcome = await install(context);
    forgetFailure(run, job);
    return outcome;
  } catch (error) {
    if (run.abort.aborted) return { kind: 'skipped', why: { reason: 'interrupted' } };
    return {
      kind: 'failed',
      failure: remember(run, job, finding.fingerprint, needs, failureOf(error)),
      remembered: false,
    };
  }
};
