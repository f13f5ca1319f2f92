import { join } from 'node:path';
import { FailureError } from '../errors.ts';
import { llvmProgram } from '../kernel/toolchain.ts';
import { type BuildContext, isFatal, stageObjects, tryTool } from './context.ts';

/** Strip debug information: strip(1). As in dkms a failure is a warning: the objects are installed with their debug information. */
export const stripObjects = async (context: BuildContext): Promise<void> => {
  const { run, site, staging } = context;
  const wanted = context.conf.objects.filter((object) => object.strip);
  if (wanted.length === 0) return;
  const program = site.facts.config.has('CONFIG_CC_IS_CLANG') ? llvmProgram('llvm-strip', site.facts) : 'strip';
  const files = wanted.map((object) => join(staging, 'module', `${object.dest}.ko`));
  const failure = await tryTool(context, 'Stripping debug information', [program, '-g', ...files], staging);
  if (!failure) return;
  if (isFatal(failure)) throw new FailureError(failure);
  // What strip leaves when it fails may be half of an object.
  stageObjects(context);
  run.note({ note: 'not-stripped', module: site.module, kernel: site.kernel, detail: failure.detail ?? program });
};
