import { basename, join } from 'node:path';
import type { GuardRequest } from '../request.ts';
import type { Run } from '../run/run.ts';
import { archiveProblem } from '../system/archive-check.ts';
import type { Argv } from '../system/exec.ts';
import { readDirectory, stat, walk } from '../system/files.ts';
import { makeDirectory } from '../system/publish.ts';

/** The few files out of incoming packages that tell which kernels and modules they bring. */

/** What packages bring, as files in a private directory. */
export interface IncomingFiles {
  /** Kernel releases, with the configuration of each where a package has it. */
  readonly kernels: readonly { readonly release: string; readonly config?: string }[];
  /** Source directories `<name>-<version>`, with nothing but their dkms.conf. */
  readonly sources: readonly string[];
}

const limit = 60;

const ask = (run: Run, argv: Argv) => run.processes.ask(argv, { limit });

/** Where pacman has, or takes, the files of packages: only those that are on this machine already. */
export const filesOfPackages = async (run: Run, packages: readonly string[]): Promise<string[]> => {
  if (packages.length === 0) return [];
  const ended = await ask(run, ['pacman', '-Sp', '--print-format', '%l', '--', ...packages]);
  return ended.output
    .split('\n')
    .filter((line) => line.startsWith('file:///'))
    .map((line) => decodeURIComponent(line.slice('file://'.length)));
};

const wanted =
  /^(?:\.\/)?(?:usr\/src\/[^/]+\/dkms\.conf|boot\/config-[^/]+|usr\/lib\/modules\/[^/]+\/build\/\.config)$/;
const imageIn = /^(?:\.\/)?(?:boot\/vmlinuz-([^/]+)|(?:usr\/)?lib\/modules\/([^/]+)\/vmlinuz)$/;

/** A plain tar of an archive's files: a .deb has it inside. */
const asTar = async (run: Run, archive: string, directory: string): Promise<string | undefined> => {
  if (!archive.endsWith('.deb')) return archive;
  const tar = join(directory, 'files.tar');
  const argv = ['sh', '-c', 'exec dpkg-deb --fsys-tarfile "$1" >"$2"', 'sh', archive, tar] as const;
  return (await ask(run, [...argv])).code === 0 ? tar : undefined;
};

/** Unpack what is wanted of one archive; the releases of the images in it. */
const unpack = async (run: Run, archive: string, directory: string, into: string): Promise<string[]> => {
  const tar = await asTar(run, archive, directory);
  if (tar === undefined) return [];
  const listing = await ask(run, ['tar', '--list', '--file', tar]);
  const names = listing.output.split('\n').filter(Boolean);
  const members = names.filter((name) => wanted.test(name));
  if (members.length > 0) {
    const facts = ['tar', '--list', '--verbose', '--full-time', '--quoting-style=escape', '--file', tar] as const;
    const shown = await ask(run, [...facts, '--', ...members]);
    if (archiveProblem(shown.output) === undefined) {
      await ask(run, ['tar', '--extract', '--no-same-owner', '--directory', into, '--file', tar, '--', ...members]);
    }
  }
  return names.flatMap((name) => {
    const match = imageIn.exec(name);
    return match?.[1] ?? match?.[2] ?? [];
  });
};

const configOf = (into: string, release: string): { config?: string } => {
  const places = [join(into, 'boot', `config-${release}`), join(into, 'usr/lib/modules', release, 'build/.config')];
  const config = places.find((path) => stat(path)?.kind === 'file');
  return config === undefined ? {} : { config };
};

/** Look into the packages of a transaction. What cannot be read tells nothing. */
export const readIncoming = async (run: Run, request: GuardRequest): Promise<IncomingFiles> => {
  const directory = join(run.scratch, 'incoming');
  const into = join(directory, 'files');
  makeDirectory(into, 0o700);
  const archives = [...request.archives, ...(await filesOfPackages(run, request.packages))];
  const releases: string[] = [];
  for (const archive of new Set(archives)) releases.push(...(await unpack(run, archive, directory, into)));
  const sources = readDirectory(join(into, 'usr/src')).map((name) => join(into, 'usr/src', name));
  return {
    kernels: [...new Set(releases)].map((release) => ({ release, ...configOf(into, release) })),
    sources: sources.filter((source) => walk(source).some((path) => basename(path) === 'dkms.conf')),
  };
};
