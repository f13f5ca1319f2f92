import { join } from 'node:path';
import { FailureError, failureOf, saidFailure } from '../errors.ts';
import { keyOf } from '../key/key.ts';
import type { BuildSite } from '../run/build-site.ts';
import type { Run } from '../run/run.ts';
import { storeDirectory } from '../state/paths.ts';
import type { KeyParts } from '../state/record.ts';
import type { Statement } from '../store/layout.ts';
import { putArtifact } from '../store/put.ts';
import { hashFile, isDirectory, readDirectory } from '../system/files.ts';
import { copyFile, makeDirectory, makeTemporary, remove, rename } from '../system/publish.ts';

/**
 * What a build is kept of, for the next time that somebody wants the same. A Store that cannot be written costs the next
 * build its time, never this one anything.
 */

const orNote = async (run: Run, work: () => void | Promise<void>): Promise<void> => {
  try {
    await work();
  } catch (error) {
    const { detail, kind, at } = failureOf(error);
    const path = at ?? storeDirectory(run.settings.stateDir);
    if (!run.abort.aborted) run.note({ note: 'store-unwritable', path, detail: detail ?? kind });
  }
};

/** Files that we have made ourselves. */
const copyFiles = (from: string, to: string): void => {
  makeDirectory(to);
  for (const name of readDirectory(from)) copyFile(join(from, name), join(to, name));
};

/** What POST_BUILD left beside the objects: zfs's puts its configuration there, for modules on top of it. */
const isOther = (name: string): boolean => name !== 'module' && name !== 'log' && !name.startsWith('.dep_');

/** Links stay links: where one leads out of its place, nobody takes it out of the Store again. */
const copyOthers = async (run: Run, from: string, to: string): Promise<void> => {
  const others = readDirectory(from).filter(isOther);
  if (others.length === 0) return;
  makeDirectory(to);
  const paths = others.map((name) => join(from, name));
  const { code, errors } = await run.processes.ask(['cp', '-a', '--reflink=auto', ...paths, `${to}/`], { limit: 600 });
  if (code !== 0) throw new FailureError(saidFailure(errors));
};

/** What is said of a build when it goes into the Store. */
export interface KeptBuild extends Pick<Statement, 'kernelPackage' | 'vermagic' | 'confined'> {
  readonly parts: KeyParts;
  readonly result: string;
  readonly seconds: number;
}

const store = async (run: Run, site: BuildSite, place: string, build: KeptBuild): Promise<void> => {
  const published = join(site.entry, site.kernel.release, site.kernel.arch);
  await copyOthers(run, published, join(place, 'built/other'));
  copyFiles(join(published, 'log'), join(place, 'log/log'));
  const module = join(place, 'built/module');
  const objects = readDirectory(module).filter((file) => file.endsWith('.ko'));
  const statement = {
    format: 1,
    key: keyOf(build.parts),
    ...build,
    built: new Date().toISOString(),
    objects: Object.fromEntries(objects.map((file) => [file, hashFile(join(module, file))])),
  } as const;
  const parcel = { directory: place, layers: ['built', 'log'] } as const;
  await putArtifact(run.processes, run.settings.stateDir, site.module.name, site.kernel, statement, parcel);
};

/** A directory for what is kept of a build, beside the Store; undefined where none can be made. */
export const placeToKeep = async (run: Run): Promise<string | undefined> => {
  let place: string | undefined;
  await orNote(run, () => {
    place = makeTemporary(storeDirectory(run.settings.stateDir), '.tmp_');
  });
  return place;
};

/** Copy objects and Module.symvers as they are before they are signed and compressed, which changes them in place. */
export const keepObjects = async (run: Run, place: string, staging: string): Promise<void> => {
  const parts = join(place, 'parts');
  await orNote(run, () => {
    // A first try may have come as far.
    for (const path of [parts, join(place, 'built')]) remove(path);
    copyFiles(join(staging, 'module'), parts);
    makeDirectory(join(place, 'built'));
    // Whole, or not at all.
    rename(parts, join(place, 'built/module'));
  });
};

/** Put what was kept into the Store, with what POST_BUILD left and the log. */
export const storeBuild = async (run: Run, place: string, site: BuildSite, build: KeptBuild): Promise<void> => {
  if (isDirectory(join(place, 'built/module'))) await orNote(run, () => store(run, site, place, build));
};

/** Take the copies away. */
export const forgetKept = (run: Run, place: string): Promise<void> => orNote(run, () => remove(place));
