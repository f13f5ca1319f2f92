import { join } from 'node:path';
import { type Failure, FailureError } from '../errors.ts';
import { packageOfArchive } from '../kernel/kernel-package.ts';
import type { ComingPackages } from '../request.ts';
import type { Run } from '../run/run.ts';
import type { Argv } from '../system/exec.ts';
import { exists, lstat, readDirectory, readLink } from '../system/files.ts';
import { makeDirectory, remove, symlinkAtomic } from '../system/publish.ts';

/** Packages that would be installed, unpacked into a directory of their own as they would be into the system's. */

/** What is there afterwards. */
export interface Unpacked {
  /** The directory that stands for `/`. */
  readonly root: string;
  /** Releases of the kernels that they bring, or of which they bring the headers. */
  readonly releases: readonly string[];
  /** Which of the packages they come in. */
  readonly coming: ComingPackages;
  /** Names below usr/src with a dkms.conf: `zfs-2.3.9`. */
  readonly sources: readonly string[];
}

/** What no build looks at. Of a kernel's own modules the list alone: they are many. */
const leftOut = ['boot', '*/boot', '*/lib/modules/*/kernel', '*/usr/share/doc', 'usr/share/doc', '*/usr/share/man'];

const limit = 900;

const step = async (run: Run, argv: Argv, at: string): Promise<void> => {
  const { code, problem } = await run.processes.ask(argv, { limit });
  const failure: Failure = { kind: 'archive-malformed', at, detail: problem };
  if (code !== 0) throw new FailureError(failure);
};

/** rpm's and dpkg's own programs take their packages apart; pacman's are plain archives. */
const asTar = async (run: Run, file: string, place: string): Promise<string> => {
  const convert = (line: string): Promise<void> => step(run, ['sh', '-c', line, 'sh', file, place], file);
  if (file.endsWith('.deb')) await convert('exec dpkg-deb --fsys-tarfile "$1" >"$2"');
  else if (file.endsWith('.rpm')) await convert('exec rpm2archive - <"$1" >"$2"');
  else return file;
  return place;
};

/** GNU tar itself lets no member and no link out of its directory: "Extracting archives from untrusted sources". */
const unpackOne = async (run: Run, file: string, root: string): Promise<void> => {
  const place = `${root}.tar`;
  const tar = await asTar(run, file, place);
  const excluded = leftOut.map((pattern) => `--exclude=${pattern}`);
  const argv = ['tar', '--extract', '--no-same-owner', '--keep-directory-symlink', '--directory', root] as const;
  await step(run, [...argv, '--wildcards', ...excluded, '--file', tar], file);
  remove(place);
};

/** As on the system: packages may still say lib where that is a link to usr/lib. */
const makeRoot = (root: string): void => {
  makeDirectory(join(root, 'usr'));
  for (const name of ['bin', 'sbin', 'lib', 'lib32', 'lib64']) {
    const target = readLink(join('/', name));
    if (target === undefined) continue;
    makeDirectory(join(root, target));
    symlinkAtomic(target.replace(/^\//, ''), join(root, name));
  }
};

/** What only the package of a kernel brings, and that of its headers. */
const parts = [
  ['kernel', 'modules.builtin'],
  ['kernel', 'vmlinuz'],
  ['headers', 'build'],
] as const;

/** `RELEASE/part` of all that is unpacked. */
const partsIn = (root: string): Set<string> => {
  const directory = join(root, 'usr/lib/modules');
  const paths = readDirectory(directory).flatMap((release) => parts.map(([, name]) => `${release}/${name}`));
  return new Set(paths.filter((path) => lstat(join(directory, path)) !== undefined));
};

/** What is known to come, with what a package has brought: paths as partsIn has them. */
const withKernels = async (
  run: Run,
  coming: ComingPackages,
  file: string,
  paths: ReadonlySet<string>,
): Promise<ComingPackages> => {
  const found = paths.size > 0 ? await packageOfArchive(run.processes, file, run.scratch) : undefined;
  if (!found) return coming;
  const all = { ...coming };
  for (const path of paths) {
    const [release = '', name] = path.split('/');
    const part = parts.find(([, one]) => one === name)?.[0];
    if (part) all[release] = { ...all[release], [part]: found };
  }
  return all;
};

/**
 * Unpack package files (.deb, .rpm, .pkg.tar.*).
 *
 * @param directory where their root is made; it must not be there yet
 * Throws archive-missing, archive-malformed (FailureError).
 */
export const unpackPackages = async (run: Run, files: readonly string[], root: string): Promise<Unpacked> => {
  makeRoot(root);
  let coming: ComingPackages = {};
  for (const file of files) {
    if (!exists(file)) throw new FailureError({ kind: 'archive-missing', at: file });
    const before = partsIn(root);
    await unpackOne(run, file, root);
    coming = await withKernels(run, coming, file, new Set([...partsIn(root)].filter((path) => !before.has(path))));
  }
  const sources = readDirectory(join(root, 'usr/src'));
  return {
    root,
    releases: readDirectory(join(root, 'usr/lib/modules')),
    coming,
    sources: sources.filter((name) => exists(join(root, 'usr/src', name, 'dkms.conf'))),
  };
};
