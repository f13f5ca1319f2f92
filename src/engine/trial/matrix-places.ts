import { join } from 'node:path';
import { FailureError } from '../errors.ts';
import { identifyOne } from '../register/operand.ts';
import type { Run } from '../run/run.ts';
import { copyDirectory } from '../system/copy-directory.ts';
import { exists, isDirectory, readDirectory, readText, realPath } from '../system/files.ts';
import { isCleanName, isPackageFile } from '../system/names.ts';
import { makeDirectory, symlinkAtomic } from '../system/publish.ts';

/** Sources and headers of a matrix, put where a view of the machine finds them. */

/**
 * Copy source directories to their places below usr/src of a root.
 *
 * @returns names there and of the modules. Throws what is wrong with one of them (FailureError).
 */
export const bringSources = async (
  run: Run,
  directories: readonly string[],
  root: string,
): Promise<{ readonly sources: readonly string[]; readonly names: readonly string[] }> => {
  const sources: string[] = [];
  const names: string[] = [];
  for (const directory of directories) {
    if (!exists(join(directory, 'dkms.conf')))
      throw new FailureError({ kind: 'no-conf-here', at: join(directory, 'dkms.conf') });
    const { module } = await identifyOne(run, directory);
    const source = `${module.name}-${module.version}`;
    const failure = await copyDirectory(run.processes, directory, join(root, 'usr/src', source));
    if (failure) throw new FailureError(failure);
    sources.push(source);
    names.push(module.name);
  }
  return { sources, names };
};

/** The release that a directory of headers is for, as modules say it. Debian's include/config/kernel.release is another. */
const releaseOf = (headers: string): string | undefined => {
  const text = readText(join(headers, 'include/generated/utsrelease.h')) ?? '';
  const [, release] = /^#define\s+UTS_RELEASE\s+"([^"]+)"/m.exec(text) ?? [];
  return release !== undefined && isCleanName(release) ? release : undefined;
};

export interface Headers {
  readonly release: string;
  /** Absolute path. */
  readonly directory: string;
}

/**
 * Directories of headers among places, or in them.
 *
 * Throws no-headers-here (FailureError) of a place with neither headers nor packages in it.
 */
export const headersIn = (places: readonly string[]): Headers[] =>
  places.flatMap((place) => {
    const inside = readDirectory(place);
    const found = [place, ...inside.map((name) => join(place, name)).filter(isDirectory)].flatMap((directory) => {
      const release = releaseOf(directory);
      // A build sees the directory that is meant, and not always a link to it.
      return release === undefined ? [] : [{ release, directory: realPath(directory) ?? directory }];
    });
    if (found.length === 0 && !inside.some(isPackageFile))
      throw new FailureError({ kind: 'no-headers-here', at: place });
    return found;
  });

/** Packages in places. Absolute paths. */
export const packagesIn = (places: readonly string[]): string[] =>
  places.flatMap((place) =>
    readDirectory(place)
      .filter(isPackageFile)
      .map((name) => join(place, name)),
  );

/** Let headers be found as those of an installed kernel are. */
export const linkHeaders = (headers: readonly Headers[], root: string): void => {
  for (const { release, directory } of headers) {
    const place = join(root, 'usr/lib/modules', release);
    makeDirectory(place);
    symlinkAtomic(directory, join(place, 'build'));
  }
};
