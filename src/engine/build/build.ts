import { join } from 'node:path';
import type { ModuleConf } from '../conf/conf.ts';
import { FailureError, isFailureError } from '../errors.ts';
import { gatherSymvers, importsOf } from '../kernel/symvers.ts';
import { checkVermagics, vermagicsOf } from '../kernel/vermagic.ts';
import type { Step } from '../progress.ts';
import type { BuildSite } from '../run/build-site.ts';
import type { Run } from '../run/run.ts';
import type { Confined } from '../store/layout.ts';
import { exists, isDirectory, readDirectory, readText } from '../system/files.ts';
import { staysBelow } from '../system/names.ts';
import {
  copyFile,
  makeDirectory,
  makeTemporary,
  remove,
  removeEmpty,
  sweepTemporary,
  writeText,
} from '../system/publish.ts';
import { builtFiles } from '../tree/tree.ts';
import { causeOf, isDiskFull } from './cause.ts';
import { compressObjects } from './compress.ts';
import { type BuildContext, isFatal, publishBuilt, resultOf, stagedObjects, stageObjects, tool } from './context.ts';
import { buildEnvironment } from './environment.ts';
import { confinedSite, handOver, signOfConfinement, takeBack } from './hand-over.ts';
import { keepObjects } from './keep.ts';
import { openJobLog } from './log.ts';
import { type DependencySymbols, runMake } from './make.ts';
import { dependencyMarks } from './marks.ts';
import { postBuild } from './post-build.ts';
import { runScript } from './scripts.ts';
import { signObjects } from './sign.ts';
import { checkSource } from './source-trust.ts';
import { stripObjects } from './strip.ts';

/** What a build left in the dkms tree. */
export interface Built {
  /** File names in `<kernel>/<arch>/module/`. */
  readonly objects: readonly string[];
  /** Symbols with CRCs that the objects take from elsewhere. */
  readonly imports: ReadonlyMap<string, string>;
  /** Hash of the objects' bytes, before they are signed and compressed. */
  readonly result: string;
  /** What they were signed by; missing where there are none. */
  readonly signer?: string;
}

/** The same of a build that was made just now. */
interface NewlyBuilt extends Built {
  readonly confined: Confined;
}

const copySource = async (context: BuildContext): Promise<void> => {
  const { site, run, build } = context;
  if (readDirectory(site.source).length < 2) throw new FailureError({ kind: 'source-empty', at: site.source });
  await checkSource(run, site);
  await tool(context, 'Copying the source', ['cp', '-a', '--reflink=auto', `${site.source}/.`, `${build}/`], '/');
  const patches = join(run.settings.confDir, site.module.name, 'patches');
  if (!isDirectory(patches)) return;
  makeDirectory(join(build, 'patches'));
  await tool(context, 'Copying local patches', ['cp', '-a', `${patches}/.`, join(build, 'patches/')], '/');
};

const applyPatches = async (context: BuildContext): Promise<void> => {
  for (const patch of context.conf.patches) {
    if (!staysBelow(patch)) throw new FailureError({ kind: 'patch-unsafe', at: patch });
    const file = join(context.build, 'patches', patch);
    if (!exists(file))
      throw new FailureError({ kind: 'patch-missing', at: join(context.site.source, 'patches', patch) });
    await tool(context, `Applying patch ${patch}`, ['patch', '-p1', '--batch', '-i', file], context.build).catch(
      (error: unknown) => {
        if (!isFailureError(error)) throw error;
        throw new FailureError({ ...error.failure, kind: 'patch-failed', at: patch });
      },
    );
  }
};

const script = async (context: BuildContext, name: 'PRE_BUILD' | 'POST_BUILD'): Promise<void> => {
  const { run, site, conf, build, log } = context;
  const before = log.size();
  const code = await runScript(run, site, name, conf.scripts[name], build, log);
  if (code === 0) return;
  const { detail } = causeOf(log.since(before), build);
  if (isDiskFull(build)) throw new FailureError({ kind: 'disk-full', at: build, detail, code });
  throw new FailureError({ kind: 'script-failed', at: `${name} ${conf.scripts[name] ?? ''}`, detail, code });
};

/** Every expected object is there and was built for this kernel; copies go to the staging directory. */
const checkObjects = async (context: BuildContext): Promise<void> => {
  const { run, site, conf, build, staging } = context;
  stageObjects(context);
  const symvers = gatherSymvers(build);
  if (symvers) writeText(join(staging, 'module', 'Module.symvers'), symvers);
  if (conf.objects.length === 0) return;
  const found = await vermagicsOf(stagedObjects(context), run.processes);
  const names = conf.objects.map((object) => `${object.dest}.ko`);
  const ofHeaders = await run.vermagicOf(site.kernel);
  // Whoever names the headers by hand means their release, whatever the kernel's is.
  const release = run.switches.kernelSource && ofHeaders ? (ofHeaders.split(' ')[0] ?? '') : site.kernel.release;
  checkVermagics(release, ofHeaders, names, found);
};

/** What was built, with its log, takes the place of an earlier build. */
const publish = (context: BuildContext): void => {
  const { site, staging, log } = context;
  log.bound();
  copyFile(log.path, join(staging, 'log', 'make.log'));
  dependencyMarks(context);
  publishBuilt(site, staging);
};

type BuildStep = readonly [Step, (context: BuildContext) => Promise<void>];

const beforeImports: readonly BuildStep[] = [
  ['copy', copySource],
  ['patch', applyPatches],
  [
    'pre-build',
    async (context) => {
      await handOver(context.run, context.site);
      await script(context, 'PRE_BUILD');
    },
  ],
  ['make', (context) => runMake(context.run, context.site, context.conf, context.dependencies, context.log)],
  ['check', checkObjects],
];

const runSteps = async (
  context: BuildContext,
  steps: readonly BuildStep[],
  say: (step: Step) => void,
): Promise<void> => {
  for (const [step, work] of steps) {
    if (context.run.abort.aborted) throw new FailureError({ kind: 'interrupted' });
    say(step);
    await work(context);
  }
};

/** One try, in a fresh copy of the source. */
const buildOnce = async (
  run: Run,
  site: BuildSite,
  asked: Asked,
  /** What an earlier try failed with. */
  because?: string,
): Promise<Built> => {
  const { conf, dependencies, say, onPublished, keepAt } = asked;
  const build = join(site.entry, 'build');
  const parent = join(site.entry, site.kernel.release);
  remove(build);
  makeDirectory(build);
  makeDirectory(parent);
  sweepTemporary(parent, 0);
  const log = openJobLog(join(build, 'make.log'), site.module, site.kernel);
  if (because !== undefined) log.step('Building again without confinement', because)(0);
  const staging = makeTemporary(parent, `.tmp_${site.kernel.arch}_`, 0o755);
  const context: BuildContext = { run, site, conf, dependencies, build, staging, log };
  try {
    makeDirectory(join(staging, 'module'));
    await runSteps(context, beforeImports, say);
    const imports = await importsOf(stagedObjects(context), run.processes);
    await runSteps(context, [['strip', stripObjects]], say);
    const result = resultOf(stagedObjects(context));
    if (keepAt !== undefined) await keepObjects(run, keepAt, staging);
    say('sign');
    const { signer } = await signObjects(run, site, stagedObjects(context), log);
    await runSteps(context, [['compress', compressObjects]], say);
    publish(context);
    onPublished();
    const published = join(parent, site.kernel.arch);
    await runSteps(
      context,
      [['post-build', (one) => postBuild(one, published, (each) => script(each, 'POST_BUILD'))]],
      say,
    );
    remove(build);
    const objects = builtFiles(published);
    return { objects, imports, result, ...(signer === undefined ? {} : { signer }) };
  } finally {
    log.close();
    remove(staging);
    removeEmpty(parent, site.entry);
    await takeBack(run, site);
  }
};

/** Why a build may have failed only because it was confined; undefined where that is not so, or must not matter. */
const whyAgain = ({ settings, abort }: Run, site: BuildSite, error: unknown): string | undefined => {
  if (!site.confines || !isFailureError(error) || abort.aborted) return undefined;
  if (settings.sandbox !== 'auto' && !settings.isTrial) return undefined;
  return isFatal(error.failure) && error.failure.kind !== 'read-only'
    ? undefined
    : signOfConfinement(readText(join(site.entry, 'build', 'make.log')) ?? '');
};

/** What is built of, who is told, and where it is kept. */
interface Asked {
  readonly conf: ModuleConf;
  readonly dependencies: readonly DependencySymbols[];
  readonly say: (step: Step) => void;
  /** Told when what was built before is replaced. */
  readonly onPublished: () => void;
  /** A directory for the objects as they are before they are signed and compressed. */
  readonly keepAt?: string;
}

/**
 * Build one Module for one Kernel: copy, patch, PRE_BUILD, MAKE, check, strip, sign, compress, publish,
 * POST_BUILD. On failure `build/make.log` stays and nothing in the tree has changed (a failing POST_BUILD
 * leaves it built, as in dkms). A build that seems to have failed because it was confined is tried once more without
 * that. Throws FailureError.
 */
export const buildModule = async (run: Run, given: BuildSite, asked: Asked): Promise<NewlyBuilt> => {
  const plain = { ...given, building: await buildEnvironment(run, given) };
  const symbols = asked.dependencies.map((one) => one.file);
  const site = await confinedSite(run, plain, symbols);
  try {
    const built = await buildOnce(run, site, asked);
    const how = run.settings.sandbox === 'strict' ? 'strict' : 'auto';
    return { ...built, confined: site.confines ? how : 'no' };
  } catch (error) {
    const why = whyAgain(run, site, error);
    if (why === undefined) throw error;
    if (run.settings.isTrial) throw new FailureError({ kind: 'not-tried', detail: why });
    const built = await buildOnce(run, plain, asked, why);
    run.note({ note: 'built-unconfined', module: site.module, why });
    return { ...built, confined: 'no' };
  }
};
