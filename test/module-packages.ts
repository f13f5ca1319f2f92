import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
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

const sourceIn = (place: string): PackagedSource | undefined => {
  const found = namesIn(place).flatMap((directory) => /^(.+?)-(\d.*)$/.exec(directory) ?? []);
  const [directory, name, version] = found;
  return directory && name && version ? { name, version, directory: join(place, directory) } : undefined;
};

const namesIn = (place: string): string[] => {
  try {
    return readdirSync(place);
  } catch {
    return [];
  }
};

const download = (packageName: string, work: string): void => {
  const get = (): string => run('apt-get', ['download', '-q', packageName], { cwd: work });
  try {
    get();
  } catch (error) {
    if (!isRoot()) throw error;
    refreshLists();
    get();
  }
};
