import { basename } from 'node:path';
import { FailureError } from '../errors.ts';
import { compressCommand, suffixOf } from '../kernel/compression.ts';
import { exists } from '../system/files.ts';
import { remove } from '../system/publish.ts';
import { isFatal, type StagedContext, stagedObjects, tryTool } from './context.ts';

/** Compress as the kernel's own modules are. As in dkms a failure is a warning: the objects are installed uncompressed. */
export const compressObjects = async (context: StagedContext): Promise<void> => {
  const { run, site, staging } = context;
  const { compression } = site.facts;
  const files = stagedObjects(context);
  if (compression === 'none' || files.length === 0) return;
  const command = compressCommand(compression, run.settings.compressOptions[compression], files);
  const failure = await tryTool(context, 'Compressing', command, staging);
  const left = files.filter(exists);
  if (!failure && left.length === 0) return;
  if (failure && isFatal(failure)) throw new FailureError(failure);
  for (const file of left) remove(file.replace(/\.ko$/, suffixOf(compression)));
  const detail = failure?.detail ?? `${command[0]} left ${basename(left[0] ?? '')} as it was`;
  run.note({ note: 'not-compressed', module: site.module, kernel: site.kernel, detail });
};
