import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { compareVersions } from '../src/engine/system/version.ts';
import { compressionOf, inTreeObject } from './in-tree.ts';
import { isRoot, missingPackages, packageFacts, refreshLists, run, toolPackages } from './packages.ts';

/**
 * Real Debian kernel headers for tests, unpacked into a private cache: nothing of a kernel is
 * installed on the machine, only the compiler and the tools that a build needs.
 */

export type Flavour = 'cloud' | 'plain' | 'rt';

export interface TestKernel {
  readonly release: string;
  /** Absolute path of the headers, complete enough for kbuild. */
  readonly headers: string;
  /** A module that belongs to this kernel itself, compressed as its modules are. */
  readonly inTree: string;
}

export type Provision =
  | { readonly kind: 'ready'; readonly kernels: readonly TestKernel[] }
  /** What this machine lacks, in one line. */
  | { readonly kind: 'missing'; readonly why: string };

const wantedCount = 2;

/** Works from test/ and, bundled, from dist/. */
export const repository = resolve(import.meta.dirname, '..');

const cacheRoot = (): string => resolve(process.env.KMODSORT_TEST_CACHE ?? join(repository, '.cache', 'kernels'));

/** The newest kernels of a flavour, of different release lines where there are two; fetched if not cached yet. */
export const provisionKernels = (flavour: Flavour = 'cloud'): Provision => {
  if (!existsSync('/usr/bin/apt-get') || !existsSync('/usr/bin/dpkg')) {
    return { kind: 'missing', why: 'real kernel headers come from Debian packages, and this machine has no apt-get' };
  }
  const cache = cacheRoot();
  mkdirSync(cache, { recursive: true });
  const lock = takeLock(join(cache, '.lock'));
  try {
    removeLeftovers(cache);
    return { kind: 'ready', kernels: provision(cache, flavour) };
  } catch (error) {
    return { kind: 'missing', why: error instanceof Error ? error.message : String(error) };
  } finally {
    closeSync(lock);
  }
};

/** Held until the descriptor is closed, or this process dies. */
const takeLock = (path: string): number => {
  const fd = openSync(path, 'a');
  const { status } = spawnSync('flock', ['--timeout', '900', '3'], { stdio: ['ignore', 'inherit', 'inherit', fd] });
  if (status === 0) return fd;
  closeSync(fd);
  throw new Error(`cannot lock ${path}: another run holds it, or flock (util-linux) is missing`);
};

const removeLeftovers = (cache: string): void => {
  for (const name of readdirSync(cache).filter((entry) => entry.startsWith('.tmp-'))) {
    try {
      rmSync(join(cache, name), { recursive: true, force: true });
    } catch {
      // A dpkg of a killed run is still writing there; nothing uses it, and the next run removes it.
    }
  }
};

const provision = (cache: string, flavour: Flavour): TestKernel[] => {
  const arch = run('dpkg', ['--print-architecture']).trim();
  const pattern = releasePattern(flavour, arch);
  const cached = newestOfLines(readdirSync(cache).filter((name) => pattern.test(name)));
  if (cached.length < wantedCount) {
    needTools(toolPackages);
    fetchMissing(cache, pattern);
  }
  const releases = newestOfLines(readdirSync(cache).filter((name) => pattern.test(name)));
  for (const release of releases) needTools([...toolPackages, ...readNeeds(join(cache, release))]);
  return releases.map((release) => finish(cache, release));
};

const fetchMissing = (cache: string, pattern: RegExp): void => {
  const fetchAll = (): void => {
    const releases = newestOfLines(availableReleases(pattern));
    if (releases.length < wantedCount) throw new Error(`the package lists name fewer than ${wantedCount} test kernels`);
    for (const release of releases) if (!existsSync(join(cache, release))) fetchKernel(cache, release);
  };
  // Lists as old as the machine's image may name one line alone, and the archive have another by now.
  if (isRoot() && new Set(availableReleases(pattern).map(lineOf)).size < wantedCount) refreshLists();
  try {
    fetchAll();
  } catch (error) {
    if (!isRoot()) throw error;
    // Lists that are empty or name packages that the archive has replaced since.
    refreshLists();
    fetchAll();
  }
};

/** Pinned releases only: `linux-headers-6.12-cloud-amd64` and the like hold no files. */
const releasePattern = (flavour: Flavour, arch: string): RegExp =>
  new RegExp(`^\\d+\\.\\d+\\.\\d+(\\+\\w+)?(-\\d+)?-${flavour === 'plain' ? '' : `${flavour}-`}${arch}$`);

const availableReleases = (pattern: RegExp): string[] =>
  run('apt-cache', ['pkgnames', 'linux-headers-'])
    .split('\n')
    .map((name) => name.replace('linux-headers-', ''))
    .filter((release) => pattern.test(release));

const lineOf = (release: string): string => release.split('.', 2).join('.');

/** The newest release of each line (6.1, 6.12), newest line first; filled up from the newest line if that is too few. */
const newestOfLines = (releases: readonly string[]): string[] => {
  const newestFirst = [...releases].sort((a, b) => compareVersions(b, a));
  const isFirstOfLine = (release: string): boolean =>
    newestFirst.find((other) => lineOf(other) === lineOf(release)) === release;
  const firsts = newestFirst.filter(isFirstOfLine);
  const rest = newestFirst.filter((release) => !isFirstOfLine(release));
  return [...firsts, ...rest].slice(0, wantedCount).sort(compareVersions);
};

const needTools = (packages: readonly string[]): void => {
  const missing = missingPackages(packages);
  if (missing) throw new Error(missing);
};

const headersIn = (root: string, release: string): string => join(root, 'usr/src', `linux-headers-${release}`);

const needsFile = 'packages-needed';

const readNeeds = (root: string): string[] => readFileSync(join(root, needsFile), 'utf8').split('\n').filter(Boolean);

const fetchKernel = (cache: string, release: string): void => {
  const headers = packageFacts(`linux-headers-${release}`);
  const parts = headers.depends.filter((name) => /^linux-(headers-.*-common|kbuild-)/.test(name));
  const compilers = headers.depends.flatMap((name) => /^(?:linux-compiler-)?(gcc-\d+)/.exec(name)?.[1] ?? []);
  const libraries = parts.flatMap((name) => packageFacts(name).depends).filter((name) => name.startsWith('lib'));
  const temporary = mkdtempSync(join(cache, '.tmp-'));
  run('apt-get', ['download', '-q', headers.name, ...parts], { cwd: temporary });
  for (const name of readdirSync(temporary).filter((file) => file.endsWith('.deb'))) {
    run('dpkg', ['-x', name, '.'], { cwd: temporary });
    rmSync(join(temporary, name));
  }
  // With it kbuild wants pahole and makes BTF, which no test needs.
  rmSync(join(headersIn(temporary, release), 'vmlinux'), { force: true });
  writeFileSync(join(temporary, needsFile), [...new Set([...compilers, ...libraries])].join('\n'));
  chmodSync(temporary, 0o755);
  renameSync(temporary, join(cache, release));
};

/** Debian's header Makefile includes the shared one by absolute path: name the one in the cache, wherever that is now. */
const pointMakefile = (root: string, headers: string): void => {
  const path = join(headers, 'Makefile');
  const text = readFileSync(path, 'utf8');
  const shared = /^include \S*\/(linux-headers-[^/]+-common[^/]*)\/Makefile$/m;
  const pointed = text.replace(shared, (_line, name: string) => `include ${join(root, 'usr/src', name)}/Makefile`);
  if (!shared.test(text)) throw new Error(`${path} is not the Makefile that Debian's headers had until now`);
  if (pointed === text) return;
  writeFileSync(`${path}.new`, pointed);
  renameSync(`${path}.new`, path);
};

const finish = (cache: string, release: string): TestKernel => {
  const root = join(cache, release);
  const headers = headersIn(root, release);
  pointMakefile(root, headers);
  const compression = compressionOf(headers);
  return { release, headers, inTree: inTreeObject(headers, join(root, 'in-tree'), compression) };
};
