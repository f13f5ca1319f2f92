import { join } from 'node:path';
import type { ScriptName } from '../conf/directives.ts';
import { FailureError } from '../errors.ts';
import { moduleLabel } from '../request.ts';
import type { BuildSite } from '../run/build-site.ts';
import type { Run } from '../run/run.ts';
import type { Environment } from '../settings.ts';
import { markers, runMark } from '../state/nested.ts';
import type { Argv, CommandOptions } from '../system/exec.ts';
import { exists, isExecutable } from '../system/files.ts';
import { staysBelow } from '../system/names.ts';
import { isWorldWritable } from '../system/trust.ts';
import { stalledFailure, withinBuildLimit } from './build-limit.ts';
import { confinedArgv } from './confine.ts';
import type { Log } from './log.ts';

/** The descriptor number under which children hold their Module's lock. */
const lockDescriptor = 8;

/** What makes a command hold the Module's lock, and the lock name it; with further descriptors, by their number there. */
export const holdingLock = (
  { lock }: BuildSite,
  further: readonly (readonly [number, number])[] = [],
): Pick<CommandOptions, 'descriptors' | 'onStart'> =>
  lock
    ? { descriptors: new Map([[lockDescriptor, lock.descriptor], ...further]), onStart: lock.inheritedBy }
    : { descriptors: new Map(further) };

/** A command of the build, confined where the build is. */
export const confinedIn = (run: Run, { confines }: BuildSite, directory: string, argv: Argv): Argv =>
  confines ? confinedArgv(confines, run.scratch, directory, argv) : argv;

/** The environment of a Job's children; with `building` uname answers for the Kernel, and the compiler is named. */
export const jobEnvironment = (run: Run, site: BuildSite, building: boolean): Environment => ({
  ...run.environment,
  ...(building && site.confines ? { HOME: '/tmp', TMPDIR: '/tmp' } : {}),
  ...(building ? site.building : {}),
  ...(building ? { PATH: `${site.unameDirectory}:${site.building?.PATH ?? run.environment.PATH ?? ''}` } : {}),
  [markers.run]: run.environment[markers.run] ?? runMark(),
  [markers.working]: [run.environment[markers.working], moduleLabel(site.module)].filter(Boolean).join(' '),
});

/** The script's file: the admin's override if there is one, else the one below `base`. */
const findScript = (run: Run, site: BuildSite, base: string, file: string): string | undefined =>
  [join(run.settings.confDir, site.module.name, file), join(base, file)].find(exists);

const timedOutCode = 124;

const isBuildScript = (name: ScriptName): boolean => name === 'PRE_BUILD' || name === 'POST_BUILD';

/**
 * Run a script of a conf, its words split at blanks, in build/ or in the tree's source/: by the names that dkms gives
 * them, for a shell's `cd ..` goes by names. A missing or not executable one is a note, as in dkms.
 *
 * @param source where source/ leads to; it may not be there yet
 * @returns its exit code; 0 where there was nothing to run
 * Throws build-stalled (FailureError) where a script of the build says nothing for too long; any other then counts as
 * ended with 124, as by timeout(1).
 */
export const runScript = async (
  run: Run,
  site: BuildSite,
  name: ScriptName,
  line: string | undefined,
  source: string,
  log: Log,
): Promise<number> => {
  const [file, ...words] = (line ?? '').split(/\s+/).filter(Boolean);
  // The others change the machine.
  if (!file || (run.settings.isTrial && !isBuildScript(name))) return 0;
  const linked = join(site.entry, isBuildScript(name) ? 'build' : 'source');
  const base = exists(linked) ? linked : source;
  const path = staysBelow(file) ? findScript(run, site, base, file) : undefined;
  if (!path) {
    run.note({ note: 'script-missing', path: join(base, file) });
    return 0;
  }
  if (!isExecutable(path)) {
    run.note({ note: 'script-not-executable', path });
    return 0;
  }
  if (isWorldWritable(path)) run.note({ note: 'script-unsafe', path });
  const end = log.step(`Running the ${name} script`, [path, ...words].join(' '));
  const ended = await withinBuildLimit(run.settings, log, (abort) =>
    run.processes.run({
      argv: isBuildScript(name) ? confinedIn(run, site, base, [path, ...words]) : [path, ...words],
      environment: { ...jobEnvironment(run, site, isBuildScript(name)), PWD: base },
      directory: base,
      log: log.descriptor,
      abort,
      ...holdingLock(site),
    }),
  );
  end(ended.code);
  if (ended.timedOut && isBuildScript(name)) throw new FailureError(stalledFailure(run.settings, `${name} ${line}`));
  return ended.timedOut ? timedOutCode : ended.code;
};
