import { join } from 'node:path';
import { openJobLog } from '../build/log.ts';
import { runScript } from '../build/scripts.ts';
import { type Identified, identify } from '../conf/identify.ts';
import type { Failure } from '../errors.ts';
import { machineArch, runningKernel } from '../kernel/kernel.ts';
import type { Kernel } from '../request.ts';
import { siteOf } from '../run/build-site.ts';
import type { Run } from '../run/run.ts';
import { exists, isDirectory, readDirectory, realPath } from '../system/files.ts';
import { lookOr } from '../system/look.ts';
import { distrustedSource } from '../system/trust.ts';
import { newestOf } from '../system/version.ts';
import { cancelReplacement } from '../tree/superseded.ts';
import { entryDirectory, isRegistered, register, type TreeEntry } from '../tree/tree.ts';

/** Sources that a package brought become known Modules. */

export interface Registration {
  readonly entries: readonly TreeEntry[];
  readonly failures: readonly Failure[];
}

interface Registered extends Registration {
  readonly found: readonly Identified[];
}

/** A source belongs in the directory of its name and version. */
const misplaced = (run: Run, { module, directory }: Identified): Failure | undefined => {
  const expected = join(run.settings.sourceTree, `${module.name}-${module.version}`);
  if (realPath(expected) === realPath(directory)) return undefined;
  const problem = { problem: 'other-directory', module, expected } as const;
  return { kind: 'name-mismatch', at: join(directory, 'dkms.conf'), problem };
};

const runPostAdd = async (run: Run, found: Identified, kernel: Kernel): Promise<void> => {
  const log = openJobLog(join(run.scratch, `${found.module.name}.post-add.log`), found.module, kernel);
  const entry = { ...found, directory: entryDirectory(run.settings.dkmsTree, found.module), source: found.directory };
  const site = siteOf(run, entry, kernel);
  const code = await runScript(run, site, 'POST_ADD', found.postAdd, found.directory, log);
  log.close();
  if (code !== 0) run.note({ note: 'script-failed', path: `POST_ADD ${found.postAdd ?? ''}`, code });
};

/** Directories that are there, may be read, and are not registered yet. */
const newSources = (
  run: Run,
  sources: readonly string[],
  known: readonly TreeEntry[],
): { readonly safe: string[]; readonly failures: Failure[] } => {
  const directories = sources
    .map((source) => join(run.settings.sourceTree, source))
    .filter((directory) => isDirectory(directory) && !isRegistered(known, directory));
  return {
    safe: directories.filter((directory) => !distrustedSource(directory)),
    failures: directories.map(distrustedSource).filter((failure) => failure !== undefined),
  };
};

const entryOf = (run: Run, { module, directory }: Identified): TreeEntry => ({
  module,
  directory: entryDirectory(run.settings.dkmsTree, module),
  source: realPath(directory) ?? directory,
  broken: false,
  built: [],
});

/** Unpacked, but its own package is not set up yet: the newest source of each needed name that nobody registered. */
const neededSources = (run: Run, found: readonly Identified[], known: readonly TreeEntry[]): string[] => {
  const missing = [...new Set(found.flatMap((one) => one.needs))].filter(
    (name) => !known.some((entry) => entry.module.name === name),
  );
  const there = readDirectory(run.settings.sourceTree).filter((name) =>
    lookOr(
      () => exists(join(run.settings.sourceTree, name, 'dkms.conf')),
      () => false,
    ),
  );
  return missing.flatMap((name) => {
    const versions = there.filter((one) => one.startsWith(`${name}-`)).map((one) => one.slice(name.length + 1));
    const version = newestOf(versions.filter((one) => /^\d/.test(one)));
    return version === undefined ? [] : [`${name}-${version}`];
  });
};

/**
 * Make sources known. In a dry run the entries are told as if they were known.
 *
 * @param sources directory names below the source tree
 */
export const registerSources = async (
  run: Run,
  sources: readonly string[],
  known: readonly TreeEntry[],
  kernel: Kernel | undefined,
  dryRun: boolean,
): Promise<Registered> => {
  const { safe, failures } = newSources(run, sources, known);
  if (safe.length === 0) return { entries: [], failures, found: [] };
  const at = kernel ?? { release: runningKernel(), arch: machineArch() };
  const good: Identified[] = [];
  for (const found of await identify(run, safe, at)) {
    const failure = 'kind' in found ? found : misplaced(run, found);
    if (failure) failures.push(failure);
    else if (!('kind' in found)) good.push(found);
  }
  const entries = good.map((found) => entryOf(run, found));
  for (const found of dryRun ? [] : good) {
    register(run.settings.dkmsTree, found.module, found.directory);
    cancelReplacement(run.settings.stateDir, found.module);
    run.note({ note: 'registered', module: found.module });
    await runPostAdd(run, found, at);
  }
  return { entries, failures, found: good };
};

/** Make known what an event brought, and what that needs if it is on the disk too. */
export const registerWithNeeds = async (
  run: Run,
  sources: readonly string[],
  known: readonly TreeEntry[],
  kernel: Kernel | undefined,
  dryRun: boolean,
): Promise<Registration> => {
  const { entries, failures, found } = await registerSources(run, sources, known, kernel, dryRun);
  if (found.length === 0) return { entries, failures };
  const all = [...known, ...entries];
  const needed = await registerWithNeeds(run, neededSources(run, found, all), all, kernel, dryRun);
  return { entries: [...entries, ...needed.entries], failures: [...failures, ...needed.failures] };
};
