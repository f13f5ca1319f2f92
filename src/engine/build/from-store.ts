import { join } from 'node:path';
import type { ModuleConf } from '../conf/conf.ts';
import { signedByBuilder } from '../kernel/signer.ts';
import { importsOf } from '../kernel/symvers.ts';
import { vermagicProblem, vermagicsOf } from '../kernel/vermagic.ts';
import type { BuildSite } from '../run/build-site.ts';
import type { Run } from '../run/run.ts';
import type { Statement } from '../store/layout.ts';
import { type NotTaken, takeArtifact } from '../store/take.ts';
import { isDirectory } from '../system/files.ts';
import { append, makeTemporary, remove } from '../system/publish.ts';
import { builtFiles } from '../tree/tree.ts';
import type { Built } from './build.ts';
import { compressObjects } from './compress.ts';
import { type BuildContext, publishBuilt, resultOf, type StagedContext, stagedObjects, tool } from './context.ts';
import { openJobLog } from './log.ts';
import { dependencyMarks } from './marks.ts';
import { signObjects } from './sign.ts';

/** Install a build from the Store: the same Key is the same build, so no compiler runs. */

/** What came out of the Store. */
export interface FromStore {
  readonly built: Built;
  readonly statement: Statement;
}

const hasExactly = (statement: Statement, conf: ModuleConf): boolean => {
  const names = conf.objects.map(({ dest }) => `${dest}.ko`);
  return names.length === Object.keys(statement.objects).length && names.every((name) => name in statement.objects);
};

/** Into the staging directory as a build leaves it: objects, what POST_BUILD made, the log. */
const stage = async (context: BuildContext, unpacked: string): Promise<void> => {
  const { staging } = context;
  const copies = [
    [join(unpacked, '0/module'), join(staging, 'module')],
    [join(unpacked, '0/other'), staging],
    [join(unpacked, '1'), staging],
  ] as const;
  for (const [from, to] of copies.filter(([path]) => isDirectory(path)))
    await tool(context, 'Taking what was built', ['cp', '-a', '--reflink=auto', `${from}/.`, `${to}/`], '/');
};

/** By its Key it is: where it is not, somebody has put it there. */
export const isForKernel = async (
  { run, site }: Pick<StagedContext, 'run' | 'site'>,
  objects: readonly string[],
): Promise<boolean> => {
  const ofHeaders = await run.vermagicOf(site.kernel);
  const found = await vermagicsOf(objects, run.processes);
  return (
    found.length === objects.length &&
    found.every((text) => vermagicProblem(text, site.kernel.release, ofHeaders) === undefined)
  );
};

/**
 * Give the objects the signatures that they came with, where framework.conf has them kept.
 *
 * @returns false where they are to be signed here
 */
export const appendSignatures = (
  { run, conf, staging, log }: StagedContext,
  { signatures, by }: Pick<Statement, 'signatures' | 'by'>,
): boolean => {
  if (!run.settings.prebuilt.keepSignatures || by === undefined || signatures === undefined) return false;
  const files = conf.objects.map(({ dest }) => `${dest}.ko`);
  if (files.some((file) => signatures[file] === undefined)) return false;
  log.step('Keeping the signatures', by)(0);
  for (const file of files) append(join(staging, 'module', file), Buffer.from(signatures[file] ?? '', 'base64'));
  return true;
};

const installStaged = async (
  context: BuildContext,
  statement: Statement,
  onPublished: () => void,
): Promise<FromStore | undefined> => {
  const { run, site, staging, log } = context;
  const objects = stagedObjects(context);
  if (resultOf(objects) !== statement.result || !(await isForKernel(context, objects))) return undefined;
  const imports = await importsOf(objects, run.processes);
  const signer = appendSignatures(context, statement)
    ? signedByBuilder
    : (await signObjects(run, site, objects, log)).signer;
  await compressObjects(context);
  dependencyMarks(context);
  publishBuilt(site, staging);
  onPublished();
  const files = builtFiles(join(site.entry, site.kernel.release, site.kernel.arch));
  const built = { objects: files, imports, result: statement.result, ...(signer === undefined ? {} : { signer }) };
  return { built, statement };
};

/**
 * Take a build out of the Store into the dkms tree, signed and compressed for this machine.
 *
 * @param key of the build
 * @param onPublished told when what was built before is replaced
 * @returns why not, where there is none that can be used: then it is built. Throws FailureError.
 */
export const takeBuilt = async (
  run: Run,
  site: BuildSite,
  conf: ModuleConf,
  dependencies: BuildContext['dependencies'],
  key: string,
  onPublished: () => void,
): Promise<FromStore | NotTaken> => {
  const { module, kernel, entry } = site;
  const parcel = makeTemporary(run.scratch, 'parcel-');
  const log = openJobLog(join(parcel, 'take.log'), module, kernel);
  let staging: string | undefined;
  try {
    const artifact = await takeArtifact(run.processes, run.settings.stateDir, module.name, key, parcel);
    if (!('statement' in artifact)) return artifact;
    if (!hasExactly(artifact.statement, conf)) return {};
    staging = makeTemporary(join(entry, kernel.release), `.tmp_${kernel.arch}_`, 0o755);
    const build = join(entry, 'build');
    const context: BuildContext = { run, site, conf, dependencies, build, staging, log };
    await stage(context, parcel);
    return (await installStaged(context, artifact.statement, onPublished)) ?? {};
  } finally {
    log.close();
    if (staging !== undefined) remove(staging);
    remove(parcel);
  }
};
