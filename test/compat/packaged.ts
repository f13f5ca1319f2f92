import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../kernels.ts';
import { isRoot, refreshLists, run } from '../packages.ts';

/** Debian's dkms and its packages of modules, in the cache: of the latter only /usr/src is kept. */

/** A package and the source directories with a dkms.conf that it has. */
export interface PackagedModule {
  readonly package: string;
  /** Absolute paths. */
  readonly directories: readonly string[];
}

/** A package that is not compared, and why. */
export interface LeftOut {
  readonly name: string;
  readonly why: string;
}

const cache = (): string => process.env.KMODSORT_TEST_MODULES ?? join(repository, '.cache', 'modules');

/** Where dkms is kept, beside the modules. */
const dkmsName = '.dkms';

const largest = 30 * 1024 * 1024;

interface Listed {
  readonly name: string;
  readonly bytes: number;
}

const listed = (names: readonly string[]): Listed[] => {
  const shown = run('apt-cache', ['--no-all-versions', 'show', ...names]).split(/\n\n+/);
  return shown.flatMap((text) => {
    const name = /^Package: (.+)$/m.exec(text)?.[1];
    return name ? [{ name, bytes: Number(/^Size: (\d+)$/m.exec(text)?.[1] ?? 0) }] : [];
  });
};

/** Every package of modules in the lists. dh-dkms makes such packages and is none. */
const candidates = (): string[] => {
  const found = run('apt-cache', ['search', '--names-only', '-dkms$']);
  return found
    .split('\n')
    .map((line) => line.split(' ')[0] ?? '')
    .filter((name) => name !== '' && name !== 'dh-dkms')
    .sort();
};

/** Download packages into a directory, one after the other, and unpack each; those that cannot be had stay away. */
const unpackInto = (work: string, names: readonly string[]): void => {
  const get = (wanted: readonly string[]): void => {
    run('apt-get', ['download', '-q', ...wanted], { cwd: work });
  };
  try {
    get(names);
  } catch {
    if (!isRoot()) return;
    refreshLists();
    for (const name of names) {
      try {
        get([name]);
      } catch {
        // Named as left out by the caller.
      }
    }
  }
  for (const file of readdirSync(work).filter((entry) => entry.endsWith('.deb'))) {
    const target = join(work, file.split('_')[0] ?? file);
    mkdirSync(target);
    run('dpkg', ['-x', join(work, file), target]);
  }
};

const inWork = <T>(use: (work: string) => T): T => {
  mkdirSync(cache(), { recursive: true });
  const work = mkdtempSync(join(cache(), '.tmp-'));
  try {
    return use(work);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
};

const keep = (from: string, to: string): void => {
  if (!existsSync(from)) mkdirSync(from, { recursive: true });
  rmSync(to, { recursive: true, force: true });
  renameSync(from, to);
};

/** The packages that are to be compared, out of the lists or, where these are empty, out of the cache. */
const wantedPackages = (): Listed[] => {
  const names = candidates();
  if (names.length > 0) return listed(names);
  if (isRoot()) {
    refreshLists();
    return listed(candidates());
  }
  return readdirSync(cache())
    .filter((name) => name.endsWith('-dkms'))
    .map((name) => ({ name, bytes: 0 }));
};

const sourcesIn = (place: string): string[] =>
  readdirSync(place)
    .map((name) => join(place, name))
    .filter((directory) => existsSync(join(directory, 'dkms.conf')));

/** Every package of modules that Debian has, its sources in the cache. */
export const fetchPackaged = (): { modules: PackagedModule[]; leftOut: LeftOut[] } => {
  const wanted = wantedPackages();
  const fitting = wanted.filter(({ bytes }) => bytes <= largest).map(({ name }) => name);
  const missing = fitting.filter((name) => !existsSync(join(cache(), name)));
  if (missing.length > 0) {
    inWork((work) => {
      unpackInto(work, missing);
      for (const name of missing.filter((one) => existsSync(join(work, one)))) {
        keep(join(work, name, 'usr', 'src'), join(cache(), name));
      }
    });
  }
  const big = wanted.filter(({ bytes }) => bytes > largest).map(({ name }) => ({ name, why: 'it is over 30 MB' }));
  const leftOut = fitting.flatMap((name): LeftOut[] => {
    if (!existsSync(join(cache(), name))) return [{ name, why: 'it cannot be downloaded' }];
    return sourcesIn(join(cache(), name)).length === 0 ? [{ name, why: 'it has no dkms.conf of its own' }] : [];
  });
  const out = new Set(leftOut.map(({ name }) => name));
  const modules = fitting
    .filter((name) => !out.has(name))
    .map((name) => ({ package: name, directories: sourcesIn(join(cache(), name)) }));
  return { modules, leftOut: [...big, ...leftOut] };
};

/** Debian's dkms, unpacked. */
export const unpackedDkms = (): string => {
  const place = join(cache(), dkmsName);
  if (existsSync(join(place, 'usr/sbin/dkms'))) return place;
  inWork((work) => {
    unpackInto(work, ['dkms']);
    if (!existsSync(join(work, 'dkms', 'usr/sbin/dkms'))) throw new Error('the package dkms cannot be downloaded');
    keep(join(work, 'dkms'), place);
  });
  return place;
};
