import { join } from 'node:path';
import { FailureError } from '../errors.ts';
import type { Run } from '../run/run.ts';
import { familyOf } from '../system/distribution.ts';
import type { Argv, Ended } from '../system/exec.ts';
import { exists, readDirectory } from '../system/files.ts';
import { isBuildTool } from '../system/names.ts';
import { makeDirectory, symlinkAtomic } from '../system/publish.ts';

/** Packages that the package manager would install next, brought into a directory; nothing is installed. */

/** Kernels with their headers, what builds, and modules; whatever else would come changes no build. */
const isOfInterest = (name: string): boolean => /^(linux|kernel)\b|dkms/.test(name) || isBuildTool(name);

const download = 1800;

/** Throws no-packages (FailureError) with the first of its errors. */
const orFailure = async (ended: Promise<Ended>): Promise<string> => {
  const { code, output, problem } = await ended;
  if (code !== 0) throw new FailureError({ kind: 'no-packages', detail: problem });
  return output;
};

/** `Inst linux-headers-6.1.0-57-amd64 (6.1.160-1 Debian:12.13/stable [amd64])`. Source: apt-get(8), --simulate. */
const instLine = /^Inst (\S+) (?:\[[^\]]*\] )?\((\S+) .*?\[(\S+?)\]\)/;

/** The packages of a simulation, as apt-get takes them: name:arch=version. */
export const simulatedPackages = (output: string): string[] =>
  output.split('\n').flatMap((line) => {
    const [, name, version, arch] = instLine.exec(line) ?? [];
    return name && isOfInterest(name) ? [`${name}${arch === 'all' ? '' : `:${arch}`}=${version}`] : [];
  });

/** In which a kernel's headers are, and the kernel itself where the archive has it. */
const aptWords = async (run: Run, releases: readonly string[]): Promise<string[]> => {
  if (releases.length === 0) return ['dist-upgrade'];
  const images = releases.map((release) => `linux-image-${release}`);
  const { output } = await run.processes.ask(['apt-cache', 'pkgnames', 'linux-image-'], { limit: 60 });
  const known = new Set(output.split('\n'));
  return [
    'install',
    ...releases.map((release) => `linux-headers-${release}`),
    ...images.filter((image) => known.has(image)),
  ];
};

/** It writes neither a cache nor a log of its own for a question. */
const quiet = ['Dir::Cache::pkgcache=', 'Dir::Cache::srcpkgcache=', 'Dir::Log::Planner=/dev/null'];
const apt = ['apt-get', '-q', ...quiet.flatMap((option) => ['-o', option])] as const;

const fromApt = async (run: Run, releases: readonly string[], directory: string): Promise<void> => {
  const words = await aptWords(run, releases);
  const simulate: Argv = [...apt, '--simulate', '-o', 'Debug::NoLocking=1', ...words];
  const packages = simulatedPackages(await orFailure(run.processes.ask(simulate, { limit: 300 })));
  if (packages.length === 0) return;
  // As root: apt's own user cannot enter a private directory.
  const argv: Argv = [...apt, '-o', 'APT::Sandbox::User=root', 'download', '--', ...packages];
  await orFailure(run.processes.ask(argv, { directory, limit: download }));
};

/**
 * Lists of its own, as new as the repositories', beside what is installed: the next -Syu will have them. As checkupdates
 * of pacman-contrib does it; without a network those that are here have to do.
 */
const pacmanLists = async (run: Run, place: string): Promise<readonly string[]> => {
  const { output } = await run.processes.ask(['pacman-conf', 'DBPath'], { limit: 60 });
  const database = output.trim() || '/var/lib/pacman/';
  makeDirectory(place);
  symlinkAtomic(join(database, 'local'), join(place, 'local'));
  await orFailure(run.processes.ask(['cp', '-a', join(database, 'sync'), place], { limit: 60 }));
  const options = ['--dbpath', place, '--logfile', '/dev/null'];
  await run.processes.ask(['pacman', '-Sy', ...options], { limit: 300 });
  return options;
};

const fromPacman = async (run: Run, directory: string): Promise<void> => {
  const options = await pacmanLists(run, `${directory}.lists`);
  const output = await orFailure(
    run.processes.ask(['pacman', '-Sup', '--print-format', '%n', ...options], { limit: 300 }),
  );
  const names = output.split('\n').filter((name) => isOfInterest(name));
  if (names.length === 0) return;
  const fetch = ['pacman', '-Sw', '--noconfirm', '--noprogressbar', '--cachedir', directory, ...options] as const;
  await orFailure(run.processes.ask([...fetch, '--', ...names], { limit: download }));
};

/**
 * Bring what would come into a directory.
 *
 * @param releases kernels that are wanted instead of the next one; of apt alone, which has many at once
 * @returns names of package files. Throws no-packages (FailureError).
 */
export const nextPackages = async (run: Run, releases: readonly string[], directory: string): Promise<string[]> => {
  const isArch = familyOf(run.settings.distribution) === 'arch';
  if (isArch && releases.length === 0) await fromPacman(run, directory);
  else if (!isArch && exists('/usr/bin/apt-get')) await fromApt(run, releases, directory);
  else {
    const detail = 'there is neither apt-get nor pacman here to ask, or it knows one kernel only';
    throw new FailureError({ kind: 'no-packages', detail });
  }
  return readDirectory(directory).filter((name) => /\.deb$|\.pkg\.tar(\.\w+)?$/.test(name));
};
