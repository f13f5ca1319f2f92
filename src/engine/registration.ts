import { join } from 'node:path';
import { confOf, confScope } from './conf.ts';
import { readConfs } from './conf-reader.ts';
import type { Failure } from './errors.ts';
import { isDirectory, look, realPath } from './files.ts';
import { machineArch, runningKernel } from './kernel.ts';
import { openJobLog } from './log.ts';
import type { Kernel, Module } from './request.ts';
import type { Run } from './run.ts';
import { runScript } from './scripts.ts';
import { entryDirectory, register, type TreeEntry } from './tree.ts';
import { makeUname } from './uname.ts';

/** Sources that a package brought become known Modules. */

export interface Registration {
  readonly entries: readonly TreeEntry[];
  readonly failures: readonly Failure[];
}

const emptyFacts = (kernel: Kernel, directory: string) => ({
  kernel,
  directory,
  bootable: false,
  config: new Map<string, string>(),
  compression: 'none' as const,
  headersHash: '',
  compilerHash: '',
});

/** Why a source must not be read as root, if it must not. */
export const unsafeSource = (directory: string): Failure | undefined => {
  const conf = join(directory, 'dkms.conf');
  if (((look(conf)?.mode ?? 0) & 0o002) !== 0) return { kind: 'conf-unsafe', at: conf };
  return ((look(directory)?.mode ?? 0) & 0o002) !== 0 ? { kind: 'source-unsafe', at: directory } : undefined;
};

/** What a source directory says that it is. */
export type Identified = { readonly module: Module; readonly directory: string; readonly postAdd?: string };

/**
 * Read the dkms.conf of directories that nobody registered.
 *
 * @returns for each what it is, or why its conf cannot be used
 */
export const identify = async (
  run: Run,
  directories: readonly string[],
  kernel: Kernel,
): Promise<(Identified | Failure)[]> => {
  const { settings } = run;
  const headers = run.factsOf(kernel).headers ?? join(settings.installTree, kernel.release, 'build');
  const questions = directories.map((directory) => ({
    files: [run.switches.conf ?? join(directory, 'dkms.conf')],
    release: kernel.release,
    scope: confScope(kernel, headers, settings, undefined, settings.variables),
    directives: [],
  }));
  const readings = await readConfs(questions, run.processes, run.scratch, settings.environment);
  return directories.map((directory, index) => {
    const at = join(directory, 'dkms.conf');
    const reading = readings[index];
    if (!reading || reading.kind === 'failed') return reading?.failure ?? { kind: 'conf-broken', at };
    const result = confOf(reading.raw, undefined, emptyFacts(kernel, directory));
    if ('invalid' in result) return { ...result.invalid, at };
    const { module, scripts } = result.conf;
    return { module, directory, ...(scripts.POST_ADD ? { postAdd: scripts.POST_ADD } : {}) };
  });
};

/** A source belongs in the directory of its name and version. */
const misplaced = (run: Run, { module, directory }: Identified): Failure | undefined => {
  const expected = join(run.settings.sourceTree, `${module.name}-${module.version}`);
  if (realPath(expected) === realPath(directory)) return undefined;
  const detail = `it says ${module.name}/${module.version}, so it belongs in ${expected}`;
  return { kind: 'name-mismatch', at: join(directory, 'dkms.conf'), detail };
};

const runPostAdd = async (run: Run, found: Identified, kernel: Kernel): Promise<void> => {
  const log = openJobLog(join(run.scratch, `${found.module.name}.post-add.log`), found.module, kernel);
  const place = {
    module: found.module,
    kernel,
    facts: emptyFacts(kernel, found.directory),
    entry: entryDirectory(run.settings.dkmsTree, found.module),
    source: found.directory,
    lock: log.descriptor,
    unameDirectory: makeUname(join(run.scratch, 'uname'), kernel.release, run.environment.PATH ?? ''),
  };
  const code = await runScript(run, place, 'POST_ADD', found.postAdd, found.directory, log);
  log.close();
  if (code !== 0) run.note({ note: 'script-failed', path: `POST_ADD ${found.postAdd ?? ''}`, code });
};

/**
 * Make known what the event brought. In a dry run the entries are told as if they were known.
 *
 * @param sources directory names below the source tree
 */
export const registerSources = async (
  run: Run,
  sources: readonly string[],
  known: readonly TreeEntry[],
  kernel: Kernel | undefined,
  dryRun: boolean,
): Promise<Registration> => {
  const directories = sources
    .map((source) => join(run.settings.sourceTree, source))
    .filter((directory) => isDirectory(directory) && !known.some((entry) => entry.source === realPath(directory)));
  if (directories.length === 0) return { entries: [], failures: [] };
  const failures: Failure[] = directories.map(unsafeSource).filter((failure) => failure !== undefined);
  const safe = directories.filter((directory) => !unsafeSource(directory));
  const at = kernel ?? { release: runningKernel(), arch: machineArch() };
  const entries: TreeEntry[] = [];
  for (const found of await identify(run, safe, at)) {
    const failure = 'kind' in found ? found : misplaced(run, found);
    if (failure || 'kind' in found) {
      if (failure) failures.push(failure);
      continue;
    }
    const { module } = found;
    const source = realPath(found.directory) ?? found.directory;
    entries.push({
      module,
      directory: entryDirectory(run.settings.dkmsTree, module),
      source,
      broken: false,
      built: [],
    });
    if (dryRun) continue;
    register(run.settings.dkmsTree, module, found.directory);
    run.note({ note: 'registered', module });
    await runPostAdd(run, found, at);
  }
  return { entries, failures };
};
