import { join } from 'node:path';
import { compressObjects } from '../build/compress.ts';
import { type StagedContext, stagedObjects } from '../build/context.ts';
import { appendSignatures, isForKernel } from '../build/from-store.ts';
import { openJobLog } from '../build/log.ts';
import { signObjects } from '../build/sign.ts';
import { FailureError } from '../errors.ts';
import { compressionOf, objectNameOf } from '../kernel/compression.ts';
import { fieldOf, modinfoOf } from '../kernel/modinfo.ts';
import { siteOf } from '../run/build-site.ts';
import type { Run } from '../run/run.ts';
import { kernelOf, moduleOf } from '../store/builds.ts';
import { readDirectory } from '../system/files.ts';
import { copyFile, makeTemporary, setTime } from '../system/publish.ts';
import { entryDirectory } from '../tree/tree.ts';
import type { UnpackedBuild } from './unpacked.ts';

/** Objects as a node gets them: signed and compressed as an installed build of this machine would be. */

export interface FinishedObjects {
  /** Absolute paths. */
  readonly files: readonly string[];
  readonly isSigned: boolean;
  /** MODULE_LICENSE of the first of them, in characters that every package manager takes. */
  readonly license: string;
}

const licenseOf = async (run: Run, object: string): Promise<string> =>
  fieldOf(await modinfoOf(run, object), 'license')
    .replaceAll(/[^\w .+/()-]/g, ' ')
    .trim() || 'unknown';

/**
 * Sign and compress a copy of what was built.
 *
 * @param seconds the time that the files get
 * @throws FailureError: wrong-kernel where an object is of another kernel, disk-full
 */
export const finishObjects = async (run: Run, build: UnpackedBuild, seconds: number): Promise<FinishedObjects> => {
  const { statement, directory } = build;
  const [module, kernel] = [moduleOf(statement.parts), kernelOf(statement.parts)];
  const entry = entryDirectory(run.settings.dkmsTree, module);
  const place = makeTemporary(run.scratch, 'objects-');
  const log = openJobLog(join(place, 'pack.log'), module, kernel);
  const names = Object.keys(statement.objects).sort();
  const objects = names.map((name) => ({ dest: objectNameOf(name) ?? name }));
  const site = siteOf(run, { module, directory: entry, source: '' }, kernel);
  const context: StagedContext = { run, site, build: place, staging: place, log, conf: { objects } };
  try {
    for (const name of names) copyFile(join(directory, name), join(place, 'module', name));
    const staged = stagedObjects(context);
    if (!(await isForKernel(context, staged))) throw new FailureError({ kind: 'wrong-kernel', at: module.name });
    const license = await licenseOf(run, staged[0] ?? '');
    const isSigned = appendSignatures(context, statement) || (await signObjects(run, site, staged, log)).isSigned;
    // gzip(1) puts it into what it writes.
    for (const path of staged) setTime(path, seconds);
    await compressObjects(context);
    const made = readDirectory(join(place, 'module')).filter((name) => compressionOf(name));
    return { files: made.map((name) => join(place, 'module', name)), isSigned, license };
  } finally {
    log.close();
  }
};
