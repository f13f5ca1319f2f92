import { join } from 'node:path';
import { type Failure, FailureError } from '../errors.ts';
import type { Run } from '../run/run.ts';
import type { Argv } from '../system/exec.ts';
import { exists, readDirectory, readLink } from '../system/files.ts';
import { makeDirectory, remove, symlinkAtomic } from '../system/publish.ts';

/** Packages that would be installed, unpacked into a directory of their own as they would be into the system's. */

/** What is there afterwards. */
export interface Unpacked {
  /** The directory that stands for `/`. */
  readonly root: string;
  /** Releases of the kernels that they bring, or of which they bring the headers. */
  readonly releases: readonly string[];
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

/**
 * Unpack package files (.deb, .rpm, .pkg.tar.*).
 *
 * @param directory where their root is made; it must not be there yet
 * Throws archive-missing, archive-malformed (FailureError).
 */
export const unpackPackages = async (run: Run, files: readonly string[], root: string): Promise<Unpacked> => {
  makeRoot(root);
  for (const file of files) {
    if (!exists(file)) throw new FailureError({ kind: 'archive-missing', at: file });
    await unpackOne(run, file, root);
  }
  const sources = readDirectory(join(root, 'usr/src'));
  return {
    root,
    releases: readDirectory(join(root, 'usr/lib/modules')),
    sources: sources.filter((name) => exists(join(root, 'usr/src', name, 'dkms.conf'))),
  };
};
