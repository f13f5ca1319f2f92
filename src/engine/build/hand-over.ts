import { basename, dirname, join } from 'node:path';
import { FailureError, saidFailure } from '../errors.ts';
import type { BuildSite } from '../run/build-site.ts';
import type { BuildUser, Confines } from '../run/confinement.ts';
import type { Run } from '../run/run.ts';
import { isDirectory, lstat, realPath } from '../system/files.ts';
import { chmod, chown } from '../system/publish.ts';
import { temporaryDirectories } from './confine.ts';
import { holdingLock } from './scripts.ts';

/** Whether a Module's build is confined, to what, and how its directory changes hands. */

const logOf = (build: string): string => join(build, 'make.log');

/** The kernel's own directory, where the others' beside it can be hidden: a name in it leads nowhere else. */
const kernelDirectory = ({ settings, switches }: Run, { kernel }: BuildSite): string | undefined => {
  const directory = join(settings.installTree, kernel.release);
  return switches.kernelSource === undefined && lstat(directory)?.kind === 'directory' ? directory : undefined;
};

/** Headers often lean on what lies elsewhere: Debian's on those that its kernels have in common, and on kbuild's own. */
const headersPlaces = ({ facts: { headers } }: BuildSite): string[] => {
  const real = realPath(headers ?? '');
  return headers === undefined || real === undefined
    ? []
    : [headers, real, dirname(real), ...['scripts', 'tools'].map((name) => join(real, name))];
};

/** A name that is a link leads nowhere where it is not seen. */
const aliasOf = (path: string): [string, string][] => {
  const [real, above] = [realPath(path), realPath(dirname(path))];
  const name = join(above ?? dirname(path), basename(path));
  return real !== undefined && real !== name && isDirectory(real) ? [[real, name]] : [];
};

/** To what the build of a Module is confined; `symbols` are its dependencies' Module.symvers. */
const confinesOf = (run: Run, site: BuildSite, user: BuildUser, symbols: readonly string[]): Confines => {
  const { dkmsTree, sourceTree, installTree, confDir } = run.settings;
  const build = join(realPath(site.entry) ?? site.entry, 'build');
  const ofKernel = kernelDirectory(run, site);
  const seen = [dkmsTree, sourceTree, site.source, join(confDir, site.module.name), site.unameDirectory];
  const places = [...seen, ofKernel ?? installTree, ...headersPlaces(site), ...symbols.map(dirname)];
  const tree = realPath(installTree);
  return {
    user,
    writable: [build],
    kept: [],
    binds: [[build, build]],
    visible: [...new Set(places.flatMap((path) => realPath(path) ?? []))].filter(isDirectory),
    aliases: places.flatMap(aliasOf),
    hidden: [...temporaryDirectories, ...(tree !== undefined && ofKernel !== undefined ? [tree] : [])],
  };
};

/**
 * The site of a build, confined as framework.conf says. Where that does not go builds are as they always were, and it is
 * told once. Throws not-confined (FailureError) where they must be confined.
 */
export const confinedSite = async (run: Run, site: BuildSite, symbols: readonly string[]): Promise<BuildSite> => {
  const { sandbox, unconfinedModules } = run.settings;
  const isExempt = unconfinedModules.includes(site.module.name);
  if (run.settings.isTrial && isExempt) throw new FailureError({ kind: 'not-tried', detail: 'unconfined_modules' });
  if (sandbox === 'no' || isExempt) return site;
  // On trees of one's own nobody has more rights to lose.
  if (sandbox === 'auto' && process.getuid?.() !== 0) return site;
  const confinement = await run.confinement();
  if ('user' in confinement) return { ...site, confines: confinesOf(run, site, confinement.user, symbols) };
  if (run.abort.aborted) throw new FailureError({ kind: 'interrupted' });
  if (sandbox === 'strict') throw new FailureError({ kind: 'not-confined', detail: confinement.refusal });
  run.note({ note: 'not-confined', why: confinement.refusal });
  return site;
};

const chownAll = (run: Run, site: BuildSite, owner: string): ReturnType<Run['processes']['ask']> =>
  run.finishing.ask(['chown', '-Rh', owner, join(site.entry, 'build')], { limit: 600, ...holdingLock(site) });

/** The build directory and all in it becomes the user's, but for its name and the log, which stay root's. */
export const handOver = async (run: Run, site: BuildSite): Promise<void> => {
  if (!site.confines) return;
  const { uid, gid } = site.confines.user;
  const build = join(site.entry, 'build');
  const { code, errors } = await chownAll(run, site, `${uid}:${gid}`);
  if (code !== 0) throw new FailureError(saidFailure(errors));
  for (const path of [build, logOf(build)]) chown(path, 0, gid);
  // Sticky: what is not its own it can neither remove nor replace.
  chmod(build, 0o1775);
  // Written also by its name: /dev/stderr.
  chmod(logOf(build), 0o664);
};

/** What stays of a build, for people to look at, is root's again, without a setuid bit that it was given meanwhile. */
export const takeBack = async (run: Run, site: BuildSite): Promise<void> => {
  const build = join(site.entry, 'build');
  if (!site.confines || !isDirectory(build)) return;
  await run.finishing.ask(['chmod', '-R', 'u-s,g-s', build], { limit: 600 });
  await chownAll(run, site, '0:0');
  chmod(build, 0o755);
  if (lstat(logOf(build))?.kind === 'file') chmod(logOf(build), 0o644);
};

/** What a build does not find, or may not do, when it is confined. */
const signs =
  /name resolution|could not resolve|name or service not known|network is unreachable|read-only file system|permission denied|operation not permitted|\b(must|need to|have to) (be|run|be run as) (as )?root\b|^(mount|unshare|setpriv): /i;

/** The first line of a log that says so; undefined if none does. */
export const signOfConfinement = (log: string): string | undefined =>
  log
    .split('\n')
    .find((line) => !line.startsWith('# ') && signs.test(line))
    ?.trim();
