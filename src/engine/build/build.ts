import { join } from 'node:path';
import type { ModuleConf } from '../conf/conf.ts';
import { FailureError } from '../errors.ts';
import { compressCommand, suffixOf } from '../kernel/compression.ts';
import { gatherSymvers, importsOf } from '../kernel/symvers.ts';
import { checkVermagics, vermagicsOf } from '../kernel/vermagic.ts';
import type { Step } from '../progress.ts';
import type { BuildSite } from '../run/build-site.ts';
import type { Run } from '../run/run.ts';
import { exists, isDirectory, list, walk } from '../system/files.ts';
import {
  copyFile,
  makeDirectory,
  makeTemporary,
  remove,
  removeEmpty,
  rename,
  syncPath,
  writeText,
} from '../system/publish.ts';
import { causeOf } from './cause.ts';
import { buildEnvironment } from './environment.ts';
import { type Log, openJobLog } from './log.ts';
import { type DependencySymbols, runMake } from './make.ts';
import { lockDescriptor, runScript } from './scripts.ts';
import { signObjects } from './sign.ts';

/** What a build left in the dkms tree. */
export interface Built {
  /** File names in `<kernel>/<arch>/module/`. */
  readonly objects: readonly string[];
  /** Symbols with CRCs that the objects take from elsewhere. */
  readonly imports: ReadonlyMap<string, string>;
}

interface Bench {
  readonly run: Run;
  readonly site: BuildSite;
  readonly conf: ModuleConf;
  readonly dependencies: readonly DependencySymbols[];
  readonly build: string;
  /** Where the finished objects are gathered before they are published. */
  readonly staging: string;
  readonly log: Log;
}

/** A command of the system's own in the log; throws what it says (FailureError) if it fails. */
const tool = async (
  bench: Bench,
  title: string,
  argv: readonly [string, ...string[]],
  directory: string,
): Promise<void> => {
  const end = bench.log.step(title, argv.join(' '));
  const before = bench.log.text().length;
  const ended = await bench.run.processes.ask(argv, {
    directory,
    log: bench.log.descriptor,
    descriptors: new Map([[lockDescriptor, bench.site.lock]]),
  });
  end(ended.code);
  if (ended.code === 0) return;
  const cause = causeOf(bench.log.text().slice(before), bench.build);
  if (ended.unstartable) throw new FailureError({ kind: 'tool-missing', at: argv[0], detail: ended.problem });
  throw new FailureError({ kind: cause.kind, at: argv[0], detail: cause.detail, code: ended.code });
};

const copySource = async (bench: Bench): Promise<void> => {
  const { site, run, build } = bench;
  if (list(site.source).length < 2) throw new FailureError({ kind: 'source-empty', at: site.source });
  await tool(bench, 'Copying the source', ['cp', '-a', '--reflink=auto', `${site.source}/.`, `${build}/`], '/');
  const patches = join(run.settings.confDir, site.module.name, 'patches');
  if (!isDirectory(patches)) return;
  makeDirectory(join(build, 'patches'));
  await tool(bench, 'Copying local patches', ['cp', '-a', `${patches}/.`, join(build, 'patches/')], '/');
};

const applyPatches = async (bench: Bench): Promise<void> => {
  for (const patch of bench.conf.patches) {
    const file = join(bench.build, 'patches', patch);
    if (!exists(file)) throw new FailureError({ kind: 'patch-missing', at: join(bench.site.source, 'patches', patch) });
    await tool(bench, `Applying patch ${patch}`, ['patch', '-p1', '--batch', '-i', file], bench.build).catch(
      (error: unknown) => {
        if (!(error instanceof FailureError)) throw error;
        throw new FailureError({ ...error.failure, kind: 'patch-failed', at: patch });
      },
    );
  }
};

const script = async (bench: Bench, name: 'PRE_BUILD' | 'POST_BUILD'): Promise<void> => {
  const { run, site, conf, build, log } = bench;
  const before = log.text().length;
  const code = await runScript(run, site, name, conf.scripts[name], build, log);
  if (code === 0) return;
  const { detail } = causeOf(log.text().slice(before), build);
  throw new FailureError({ kind: 'script-failed', at: `${name} ${conf.scripts[name] ?? ''}`, detail, code });
};

const stagedObjects = (bench: Bench): string[] =>
  bench.conf.objects.map((object) => join(bench.staging, 'module', `${object.dest}.ko`));

/** Every expected object is there and was built for this kernel; copies go to the staging directory. */
const checkObjects = async (bench: Bench): Promise<void> => {
  const { run, site, conf, build, staging } = bench;
  for (const object of conf.objects) {
    const file = join(build, object.location, `${object.built}.ko`);
    if (!exists(file)) throw new FailureError({ kind: 'object-missing', at: `${object.location}${object.built}.ko` });
    copyFile(file, join(staging, 'module', `${object.dest}.ko`));
  }
  const symvers = gatherSymvers(build);
  if (symvers) writeText(join(staging, 'module', 'Module.symvers'), symvers);
  if (conf.objects.length === 0) return;
  const found = await vermagicsOf(stagedObjects(bench), run.processes);
  const names = conf.objects.map((object) => `${object.dest}.ko`);
  const ofHeaders = await run.vermagicOf(site.kernel);
  // Whoever names the headers by hand means their release, whatever the kernel's is.
  const release = run.switches.kernelSource && ofHeaders ? (ofHeaders.split(' ')[0] ?? '') : site.kernel.release;
  checkVermagics(release, ofHeaders, names, found);
};

const stripObjects = async (bench: Bench): Promise<void> => {
  const wanted = bench.conf.objects.filter((object) => object.strip);
  if (wanted.length === 0) return;
  const program = bench.site.facts.config.has('CONFIG_CC_IS_CLANG') ? 'llvm-strip' : 'strip';
  const files = wanted.map((object) => join(bench.staging, 'module', `${object.dest}.ko`));
  await tool(bench, 'Stripping debug information', [program, '-g', ...files], bench.staging);
};

const compressObjects = async (bench: Bench): Promise<void> => {
  const { compression } = bench.site.facts;
  const files = stagedObjects(bench);
  if (compression === 'none' || files.length === 0) return;
  const command = compressCommand(compression, bench.run.settings.compressOptions[compression], files);
  await tool(bench, 'Compressing', command, bench.staging);
  for (const file of files) {
    const compressed = file.replace(/\.ko$/, suffixOf(compression));
    if (!exists(compressed)) throw new FailureError({ kind: 'compress-failed', at: compressed, detail: command[0] });
  }
};

const dependencyMarks = (bench: Bench): void => {
  if (!bench.conf.rebuildWithDependencies) return;
  for (const { name, version } of bench.dependencies) writeText(join(bench.staging, `.dep_${name}`), `${version}\n`);
};

/** Rename the finished directory into site; an earlier build makes room by a rename too. */
const publish = (bench: Bench): void => {
  const { site, staging, log } = bench;
  copyFile(log.path, join(staging, 'log', 'make.log'));
  dependencyMarks(bench);
  for (const file of walk(staging)) syncPath(join(staging, file));
  const parent = join(site.entry, site.kernel.release);
  const final = join(parent, site.kernel.arch);
  const old = join(parent, `.tmp_${site.kernel.arch}_old`);
  remove(old);
  if (exists(final)) rename(final, old);
  rename(staging, final);
  syncPath(parent);
  remove(old);
};

type BuildStep = readonly [Step, (bench: Bench) => Promise<void>];

const beforeImports: readonly BuildStep[] = [
  ['copy', copySource],
  ['patch', applyPatches],
  ['pre-build', (bench) => script(bench, 'PRE_BUILD')],
  ['make', (bench) => runMake(bench.run, bench.site, bench.conf, bench.dependencies, bench.log)],
  ['check', checkObjects],
];

const afterImports: readonly BuildStep[] = [
  ['strip', stripObjects],
  ['sign', (bench) => signObjects(bench.run, bench.site, stagedObjects(bench), bench.log)],
  ['compress', compressObjects],
];

const runSteps = async (bench: Bench, steps: readonly BuildStep[], say: (step: Step) => void): Promise<void> => {
  for (const [step, work] of steps) {
    if (bench.run.abort.aborted) throw new FailureError({ kind: 'interrupted' });
    say(step);
    await work(bench);
  }
};

/** Directories that a killed run left beside the built ones. */
const removeLeftovers = (parent: string): void => {
  for (const name of list(parent).filter((entry) => entry.startsWith('.tmp_'))) remove(join(parent, name));
};

/**
 * Build one Module for one Kernel: copy, patch, PRE_BUILD, MAKE, check, strip, sign, compress, publish,
 * POST_BUILD. On failure `build/make.log` stays and nothing in the tree has changed (a failing POST_BUILD
 * leaves it built, as in dkms). Throws FailureError.
 */
export const buildModule = async (
  run: Run,
  given: BuildSite,
  conf: ModuleConf,
  dependencies: readonly DependencySymbols[],
  say: (step: Step) => void,
): Promise<Built> => {
  const site = { ...given, building: await buildEnvironment(run, given) };
  const build = join(site.entry, 'build');
  const parent = join(site.entry, site.kernel.release);
  remove(build);
  makeDirectory(build);
  makeDirectory(parent);
  removeLeftovers(parent);
  const log = openJobLog(join(build, 'make.log'), site.module, site.kernel);
  const staging = makeTemporary(parent, `.tmp_${site.kernel.arch}_`, 0o755);
  const bench: Bench = { run, site, conf, dependencies, build, staging, log };
  try {
    makeDirectory(join(staging, 'module'));
    await runSteps(bench, beforeImports, say);
    const imports = await importsOf(stagedObjects(bench), run.processes);
    await runSteps(bench, afterImports, say);
    publish(bench);
    await runSteps(bench, [['post-build', (one) => script(one, 'POST_BUILD')]], say);
    remove(build);
    const suffix = suffixOf(site.facts.compression);
    return { objects: conf.objects.map((object) => `${object.dest}${suffix}`), imports };
  } finally {
    log.close();
    remove(staging);
    removeEmpty(parent, site.entry);
  }
};
