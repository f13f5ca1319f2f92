import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from './kernels.ts';
import { isRoot, refreshLists, run } from './packages.ts';

/** Sources of real modules, out of Debian's packages into a private cache. */

export interface PackagedSource {
  readonly name: string;
  readonly version: string;
  /** Absolute path of the unpacked source, as the package ships it. */
  readonly directory: string;
}

const cacheRoot = (): string => process.env.KMODSORT_TEST_MODULES ?? join(repository, '.cache', 'modules');

/** What a package such as `v4l2loopback-dkms` puts below /usr/src; throws one line if it cannot be had. */
export const packagedSource = (packageName: string): PackagedSource => {
  const place = join(cacheRoot(), packageName);
  const cached = sourceIn(place);
  if (cached) return cached;
  mkdirSync(cacheRoot(), { recursive: true });
  const work = mkdtempSync(join(cacheRoot(), '.tmp-'));
  try {
    download(packageName, work);
    for (const file of readdirSync(work)) run('dpkg', ['-x', join(work, file), join(work, 'x')]);
    rmSync(place, { recursive: true, force: true });
    renameSync(join(work, 'x', 'usr', 'src'), place);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  const source = sourceIn(place);
  if (!source) throw new Error(`${packageName} ships no source`);
  return source;
};

/** The version as the conf says it, if it says it plainly: both parts of the directory's name may have dashes. */
const versionIn = (directory: string): string | undefined => {
  try {
    const conf = readFileSync(join(directory, 'dkms.conf'), 'utf8');
    return /^\s*(?:export )?PACKAGE_VERSION=["']?([\w.+~-]+)["']?\s*$/m.exec(conf)?.[1];
  } catch {
    return undefined;
  }
};

const partsOf = (place: string, name: string): PackagedSource | undefined => {
  const directory = join(place, name);
  const version = versionIn(directory);
  if (version && name.endsWith(`-${version}`)) return { name: name.slice(0, -version.length - 1), version, directory };
  const [, first, rest] = /^(.+?)-(\d.*)$/.exec(name) ?? [];
  return first && rest ? { name: first, version: rest, directory } : undefined;
};

const sourceIn = (place: string): PackagedSource | undefined =>
  namesIn(place)
    .map((name) => partsOf(place, name))
    .find((source) => source !== undefined);

const namesIn = (place: string): string[] => {
  try {
    return readdirSync(place);
  } catch {
    return [];
  }
};

/** Download a package into a directory, with fresh lists if those at hand do not do. */
export const download = (packageName: string, work: string): void => {
  const get = (): string => run('apt-get', ['download', '-q', packageName], { cwd: work });
  try {
    get();
  } catch (error) {
    if (!isRoot()) throw error;
    refreshLists();
    get();
  }
};

const isInMain = (name: string): boolean =>
  !/^Section: (contrib|non-free)/m.test(run('apt-cache', ['show', '--no-all-versions', name]));

/** Names of all packages of modules in main; dh-dkms is a program for making them. */
export const modulePackageNames = (): string[] =>
  run('apt-cache', ['search', '-n', '--', '-dkms$'])
    .split('\n')
    .map((line) => line.split(' ')[0] ?? '')
    .filter((name) => name !== '' && name !== 'dh-dkms' && isInMain(name))
    .sort();
