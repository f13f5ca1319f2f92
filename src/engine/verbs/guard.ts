import { join } from 'node:path';
import type { GuardAnswer, GuardFinding } from '../answers.ts';
import { identify } from '../conf/identify.ts';
import { askAbout, readModuleConfs } from '../conf/module-confs.ts';
import { isFailureError } from '../errors.ts';
import { kernelFacts, machineArch } from '../kernel/kernel.ts';
import { passedOverBy } from '../plan/kernel-choice.ts';
import type { Emit } from '../progress.ts';
import { type IncomingFiles, readIncoming } from '../register/packages.ts';
import type { GuardRequest, Kernel } from '../request.ts';
import { noSwitches, type Run } from '../run/run.ts';
import type { Settings } from '../settings.ts';
import { readDirectory, realPath } from '../system/files.ts';
import { newestEntries, readTree, type TreeEntry } from '../tree/tree.ts';
import { guardBuilds } from './guard-builds.ts';
import { withRun } from './with-run.ts';

/**
 * Before a transaction changes anything: modules whose BUILD_EXCLUSIVE rules out a kernel that comes in. A module that
 * comes in the same transaction counts as its new version.
 */

/** Modules as they will be: what comes in the place of what is here. */
const modulesAfter = async (run: Run, incoming: IncomingFiles, kernel: Kernel): Promise<TreeEntry[]> => {
  const known = readTree(run.settings.dkmsTree, run.settings.sourceTree);
  const found = await identify(run, incoming.sources, kernel);
  const coming = found.flatMap((one): TreeEntry[] =>
    'kind' in one
      ? []
      : [
          {
            module: one.module,
            directory: one.directory,
            source: realPath(one.directory) ?? one.directory,
            broken: false,
            built: [],
          },
        ],
  );
  const names = new Set(coming.map((entry) => entry.module.name));
  return [...newestEntries(known.filter((entry) => !names.has(entry.module.name))), ...newestEntries(coming)];
};

/** Each kernel that it is installed on has a link `kernel-<release>-<arch>` beside its versions. */
const isInstalledAnywhere = (run: Run, name: string): boolean =>
  readDirectory(join(run.settings.dkmsTree, name)).some((link) => link.startsWith('kernel-'));

const findingsOn = async (run: Run, incoming: IncomingFiles, kernel: Kernel): Promise<GuardFinding[]> => {
  const entries = await modulesAfter(run, incoming, kernel);
  const asked = entries.filter((entry) => !entry.broken).map((entry) => askAbout(run, entry, kernel));
  const reads = await readModuleConfs(run, asked);
  const required = new Set(run.settings.requiredModules);
  return asked.flatMap(({ entry: { module } }, index): GuardFinding[] => {
    const read = reads[index];
    const exclusion = read && 'conf' in read ? read.conf.exclusion : undefined;
    const isRequired = required.has(module.name);
    // What was never here is not lost.
    if (!exclusion || !(isRequired || isInstalledAnywhere(run, module.name))) return [];
    return [{ module, release: kernel.release, ...exclusion, required: isRequired }];
  });
};

/** Check the kernels of a transaction. Throws nothing that is the packages' fault: what cannot be read is passed over. */
export const guard = (
  settings: Settings,
  request: GuardRequest,
  emit: Emit,
  abort: AbortSignal,
): Promise<GuardAnswer> =>
  withRun<GuardAnswer>(settings, noSwitches, emit, abort, async (run) => {
    const incoming = await readIncoming(run, request);
    const findings: GuardFinding[] = [];
    for (const { release, config } of incoming.kernels.filter((one) => !passedOverBy(settings, one.release))) {
      const kernel: Kernel = { release, arch: machineArch() };
      const facts = kernelFacts(settings, kernel, undefined, config);
      try {
        findings.push(...(await findingsOn({ ...run, factsOf: () => facts }, incoming, kernel)));
      } catch (error) {
        if (!isFailureError(error)) throw error;
      }
    }
    const isStopped = findings.some(({ required }) => required);
    const isWanted = settings.kernelGuard === 'build' || settings.kernelGuard === 'build-all';
    const built = isWanted && !isStopped ? await guardBuilds(run, request) : { builds: [] };
    return { kind: 'guarded', findings, ...built };
  });
