import { join } from 'node:path';
import type { ModuleConf } from '../conf/conf.ts';
import { FailureError } from '../errors.ts';
import { compressionOf, decompressCommand, objectNameOf, suffixOf } from '../kernel/compression.ts';
import { unsignedSize } from '../kernel/signature.ts';
import type { BuildSite } from '../run/build-site.ts';
import type { Run } from '../run/run.ts';
import { makeTemporary, remove, truncate } from '../system/publish.ts';
import { builtFiles } from '../tree/tree.ts';
import { compressObjects } from './compress.ts';
import { type BuildContext, isFatal, publishBuilt, resultOf, stagedObjects, tool, tryTool } from './context.ts';
import { openJobLog } from './log.ts';
import { signObjects } from './sign.ts';

/** Sign what is built with another key: the objects are those of the build, only their signatures are not. */

/** What came of signing anew. */
export interface SignedAgain {
  /** File names in `<kernel>/<arch>/module/`; missing where nothing was signed and all is as it was. */
  readonly objects?: readonly string[];
  /** As in the build's record. */
  readonly signer?: string;
}

/**
 * A copy of what is built, its objects without compression and without a signature.
 *
 * @returns false where an object cannot be decompressed
 */
const stagePlain = async (context: BuildContext): Promise<boolean> => {
  const { site, staging } = context;
  const built = join(site.entry, site.kernel.release, site.kernel.arch);
  await tool(context, 'Copying what is built', ['cp', '-a', '--reflink=auto', `${built}/.`, `${staging}/`], '/');
  for (const name of builtFiles(staging)) {
    const file = join(staging, 'module', name);
    const plain = join(staging, 'module', `${objectNameOf(name)}${suffixOf('none')}`);
    const compression = compressionOf(name) ?? 'none';
    if (compression !== 'none') {
      const command = decompressCommand(compression, file, plain);
      const failure = await tryTool(context, `Decompressing ${name}`, command, staging);
      if (failure && isFatal(failure)) throw new FailureError(failure);
      if (failure) return false;
      remove(file);
    }
    truncate(plain, unsignedSize(plain));
  }
  return true;
};

const signStaged = async (
  context: BuildContext,
  result: string | undefined,
  onPublished: () => void,
): Promise<SignedAgain | undefined> => {
  const { run, site, staging, log } = context;
  if (!(await stagePlain(context))) return undefined;
  const objects = stagedObjects(context);
  if (objects.length !== builtFiles(staging).length || resultOf(objects) !== result) return undefined;
  const { isSigned, signer } = await signObjects(run, site, objects, log);
  const attempt = signer === undefined ? {} : { signer };
  if (!isSigned) return attempt;
  await compressObjects(context);
  publishBuilt(site, staging);
  onPublished();
  return { objects: builtFiles(join(site.entry, site.kernel.release, site.kernel.arch)), ...attempt };
};

/**
 * Sign the built objects of a Module for a Kernel anew: no compiler runs, and nothing changes where it fails.
 *
 * @param result of the build, as in its record
 * @param onPublished told when what was built before is replaced
 * @returns undefined where the objects, without their signatures, are not those of the build
 */
export const signAgain = async (
  run: Run,
  site: BuildSite,
  conf: ModuleConf,
  result: string | undefined,
  onPublished: () => void,
): Promise<SignedAgain | undefined> => {
  const { module, kernel, entry } = site;
  const log = openJobLog(join(run.scratch, `${module.name}-${kernel.release}.sign.log`), module, kernel);
  const staging = makeTemporary(join(entry, kernel.release), `.tmp_${kernel.arch}_`, 0o755);
  const build = join(entry, 'build');
  try {
    return await signStaged({ run, site, conf, dependencies: [], build, staging, log }, result, onPublished);
  } finally {
    log.close();
    remove(staging);
  }
};
