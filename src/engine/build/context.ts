import { join } from 'node:path';
import type { ModuleConf } from '../conf/conf.ts';
import type { ConfObject } from '../conf/objects.ts';
import { type Failure, FailureError } from '../errors.ts';
import type { BuildSite } from '../run/build-site.ts';
import type { Run } from '../run/run.ts';
import type { Argv } from '../system/exec.ts';
import { exists, hashFile, hashText, lstat, realPath, walk } from '../system/files.ts';
import { chmod, copyFile, replaceDirectory, syncPath } from '../system/publish.ts';
import { causeOf } from './cause.ts';
import type { Log } from './log.ts';
import type { DependencySymbols } from './make.ts';
import { holdingLock } from './scripts.ts';

/** What the steps of one build share. */
export interface BuildContext {
  readonly run: Run;
  readonly site: BuildSite;
  readonly conf: ModuleConf;
  readonly dependencies: readonly DependencySymbols[];
  readonly build: string;
  /** Where the finished objects are gathered before they are published. */
  readonly staging: string;
  readonly log: Log;
}

/** Objects that are gathered in a staging directory, with what signs and compresses them there. */
export interface StagedContext extends Pick<BuildContext, 'run' | 'site' | 'build' | 'staging' | 'log'> {
  readonly conf: { readonly objects: readonly Pick<ConfObject, 'dest'>[] };
}

/** Run a command of the system's own with its output in the log; why it failed, undefined if it did not. */
export const tryTool = async (
  context: Pick<BuildContext, 'run' | 'site' | 'build' | 'log'>,
  title: string,
  argv: Argv,
  directory: string,
): Promise<Failure | undefined> => {
  const end = context.log.step(title, argv.join(' '));
  const before = context.log.size();
  const ended = await context.run.processes.ask(argv, {
    directory,
    log: context.log.descriptor,
    ...holdingLock(context.site),
  });
  end(ended.code);
  if (ended.code === 0) return undefined;
  if (context.run.abort.aborted) return { kind: 'interrupted' };
  if (ended.unstartable) return { kind: 'tool-missing', at: argv[0], detail: ended.problem };
  const { kind, detail } = causeOf(context.log.since(before), context.build);
  return { kind, at: argv[0], detail, code: ended.code };
};

/** The same; throws why it failed (FailureError). */
export const tool = async (context: BuildContext, title: string, argv: Argv, directory: string): Promise<void> => {
  const failure = await tryTool(context, title, argv, directory);
  if (failure) throw new FailureError(failure);
};

/** What makes every further step pointless, too. */
export const isFatal = ({ kind }: Failure): boolean =>
  kind === 'interrupted' || kind === 'disk-full' || kind === 'read-only';

/** Hash of the objects' bytes before they are signed and compressed: the same build again has the same. */
export const resultOf = (objects: readonly string[]): string => hashText(...objects.map(hashFile));

/** A finished directory takes the place of what was built before. */
export const publishBuilt = ({ entry, kernel }: BuildSite, staging: string): void => {
  for (const file of walk(staging)) syncPath(join(staging, file));
  replaceDirectory(staging, join(entry, kernel.release, kernel.arch));
};

/** Where the objects are gathered, under the names that they are installed by. */
export const stagedObjects = (context: Pick<StagedContext, 'conf' | 'staging'>): string[] =>
  context.conf.objects.map((object) => join(context.staging, 'module', `${object.dest}.ko`));

/** Where a built object is. What a confined build leaves is a stranger's: a link must not lead to another's file. */
const objectFile = ({ site, build }: BuildContext, file: string): string => {
  const path = join(build, file);
  if (!exists(path)) throw new FailureError({ kind: 'object-missing', at: file });
  if (!site.confines) return path;
  const real = realPath(path) ?? path;
  const isOurs = real.startsWith(`${realPath(build)}/`) && lstat(real)?.kind === 'file';
  if (!isOurs) throw new FailureError({ kind: 'object-foreign', at: file, detail: real });
  return real;
};

/** Copy what was built there. Throws object-missing, object-foreign (FailureError). */
export const stageObjects = (context: BuildContext): void => {
  for (const { location, built, dest } of context.conf.objects) {
    const staged = join(context.staging, 'module', `${dest}.ko`);
    copyFile(objectFile(context, `${location}${built}.ko`), staged);
    chmod(staged, 0o644);
  }
};
