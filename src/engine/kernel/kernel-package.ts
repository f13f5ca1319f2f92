import { join } from 'node:path';
import { type KernelPackage, packageManagers } from '../request.ts';
import { familyOf } from '../system/distribution.ts';
import type { Argv, Processes } from '../system/exec.ts';
import { realPath } from '../system/files.ts';
import { isObject } from '../system/json.ts';
import type { KernelFacts } from './kernel.ts';

/** Which package a kernel came in. Sources: dpkg-query(1), rpm(8), pacman(8). */

/** Whether a value that somebody wrote is one. */
export const isKernelPackage = (value: unknown): value is KernelPackage =>
  isObject(value) &&
  packageManagers.some((manager) => manager === value.manager) &&
  typeof value.name === 'string' &&
  typeof value.version === 'string';

/** What two packages of one build of a kernel have in common: names and architectures are in the release. */
export const packageVersion = ({ manager, version }: KernelPackage): string => `${manager} ${version}`;

/** Packages and people may still say lib where that is a link to usr/lib; dpkg knows a file by one of the two. */
const spellings = (path: string): string[] => {
  const [, rest] = /^(?:\/usr)?(\/lib\/.*)$/.exec(path) ?? [];
  return rest === undefined ? [path] : [rest, `/usr${rest}`];
};

type Ask = (argv: Argv) => Promise<string>;

const ofDpkg = async (ask: Ask, paths: readonly string[]): Promise<KernelPackage | undefined> => {
  const owned = await ask(['dpkg-query', '-S', ...paths.flatMap(spellings)]);
  const name = /^([^,\s]+): \//m.exec(owned)?.[1];
  if (name === undefined) return undefined;
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a placeholder of dpkg-query's own.
  const version = (await ask(['dpkg-query', '-W', '-f', '${Version}\n', name])).split('\n')[0];
  return version ? { manager: 'dpkg', name, version } : undefined;
};

const ofRpm = async (ask: Ask, paths: readonly string[]): Promise<KernelPackage | undefined> => {
  const owned = await ask(['rpm', '-q', '--qf', '%{NAME}\\t%{EVR}\\n', '-f', ...paths]);
  const [, name, version] = /^(\S+)\t(\S+)$/m.exec(owned) ?? [];
  return name && version ? { manager: 'rpm', name, version } : undefined;
};

const ofPacman = async (ask: Ask, paths: readonly string[]): Promise<KernelPackage | undefined> => {
  const owned = await ask(['pacman', '-Qo', ...paths]);
  const [, name, version] = / is owned by (\S+) (\S+)$/m.exec(owned) ?? [];
  return name && version ? { manager: 'pacman', name, version } : undefined;
};

const finders: Readonly<
  Record<KernelPackage['manager'], (ask: Ask, paths: readonly string[]) => Promise<KernelPackage | undefined>>
> = { dpkg: ofDpkg, rpm: ofRpm, pacman: ofPacman };

/** The package that has one of some files; undefined where none has. Absolute paths. */
export const packageOfFiles = (
  processes: Processes,
  manager: KernelPackage['manager'],
  paths: readonly string[],
): Promise<KernelPackage | undefined> =>
  // It ends badly if one path is nobody's, and has answered for the others.
  finders[manager](async (argv) => (await processes.ask(argv, { limit: 60 })).output, paths);

/** Files that a package itself brings: depmod's outlive it, and a directory has many owners. */
const filesOf = ({ directory, headers }: KernelFacts): string[] =>
  headers === undefined
    ? ['modules.builtin', 'modules.order', 'vmlinuz'].map((name) => join(directory, name))
    : [join(realPath(headers) ?? headers, 'Makefile')];

/**
 * The package of the headers that a kernel's modules are built with, or where there are none of the kernel itself.
 *
 * @returns undefined where no package has them: they were put there by hand
 */
export const kernelPackageOf = (
  processes: Processes,
  distribution: string,
  facts: KernelFacts,
): Promise<KernelPackage | undefined> => {
  const family = familyOf(distribution);
  const of = (manager: KernelPackage['manager']) => packageOfFiles(processes, manager, filesOf(facts));
  if (family === 'debian' || family === 'ubuntu') return of('dpkg');
  if (family === 'arch') return of('pacman');
  return family === 'redhat' || family === 'suse' ? of('rpm') : Promise.resolve(undefined);
};

/**
 * The package that a file is: .deb, .rpm or .pkg.tar.*; undefined if it cannot be read.
 *
 * @param scratch a private directory: dpkg-deb(1) unpacks what it reads there
 */
export const packageOfArchive = async (
  processes: Processes,
  file: string,
  scratch: string,
): Promise<KernelPackage | undefined> => {
  const ask: Ask = async (argv) => (await processes.ask(argv, { limit: 60, variables: { TMPDIR: scratch } })).output;
  const found = (manager: KernelPackage['manager'], text: string): KernelPackage | undefined => {
    const [, name, version] = /^(\S+)[\t ](\S+)$/m.exec(text) ?? [];
    return name && version ? { manager, name, version } : undefined;
  };
  if (file.endsWith('.deb')) return found('dpkg', await ask(['dpkg-deb', '-W', file]));
  if (file.endsWith('.rpm'))
    return found('rpm', await ask(['rpm', '-q', '--nosignature', '--qf', '%{NAME}\\t%{EVR}\\n', '-p', file]));
  return found('pacman', await ask(['pacman', '-Qp', file]));
};
