import { basename, dirname, join } from 'node:path';
import type { SyncResult } from '../answers.ts';
import { identify } from '../conf/identify.ts';
import { type Failure, FailureError } from '../errors.ts';
import { machineArch, runningKernel } from '../kernel/kernel.ts';
import type { Problem } from '../problems.ts';
import {
  type Kernel,
  type LdtarballRequest,
  type MktarballRequest,
  type Module,
  moduleLabel,
  sameModule,
} from '../request.ts';
import type { Run } from '../run/run.ts';
import { archiveProblem, memberNames } from '../system/archive-check.ts';
import { copyDirectory, placeCopy } from '../system/copy-directory.ts';
import type { Ended } from '../system/exec.ts';
import { exists, isDirectory, isWritable, readDirectory, stat } from '../system/files.ts';
import { copyFile, makeDirectory, makeTemporary, remove, rename, syncPath, writeText } from '../system/publish.ts';
import { builtDirectory, entryDirectory, readTree, register, type TreeEntry } from '../tree/tree.ts';
import { entryFor } from './operand.ts';

/** Archives of modules, in the layout that dkms writes and reads. */

const done: SyncResult = { rows: [], failures: [] };

const tar = (run: Run, words: readonly string[]): Promise<Ended> =>
  run.processes.ask(['tar', ...words], { limit: 600 });

const kernelPart = (kernels: readonly Kernel[]): string =>
  kernels.map((kernel) => `-kernel${kernel.release}-${kernel.arch}`).join('');

/** File names are kept short enough for every file system. */
export const archiveName = (module: Module, kernels: readonly Kernel[], sourceOnly: boolean): string => {
  const head = `${module.name}-${module.version}`;
  if (sourceOnly) return `${head}-source-only.dkms.tar.gz`;
  const name = `${head}${kernelPart(kernels)}.dkms.tar.gz`;
  return name.length > 200 ? `${head}-manykernels.dkms.tar.gz` : name;
};

const orUnwritable = (at: string, failure: Failure | undefined): void => {
  if (failure !== undefined) throw new FailureError({ ...failure, kind: 'archive-unwritable', at });
};

const copyTree = async (run: Run, from: string, to: string): Promise<void> =>
  orUnwritable(to, await copyDirectory(run.processes, from, to));

const putInPlace = async (run: Run, from: string, to: string): Promise<void> =>
  orUnwritable(to, await placeCopy(run.processes, from, to));

const gather = async (
  run: Run,
  entry: TreeEntry,
  kernels: readonly Kernel[],
  request: MktarballRequest,
  top: string,
): Promise<void> => {
  for (const kernel of request.sourceOnly ? [] : kernels) {
    const built = builtDirectory(run.settings.dkmsTree, entry.module, kernel);
    if (!isDirectory(join(built, 'module'))) {
      throw new FailureError({
        kind: 'not-built',
        at: `${moduleLabel(entry.module)}, ${kernel.release}, ${kernel.arch}`,
      });
    }
    await copyTree(run, built, join(top, 'dkms_main_tree', kernel.release, kernel.arch));
  }
  if (!request.binariesOnly) return copyTree(run, entry.source, join(top, 'dkms_source_tree'));
  const place = join(top, 'dkms_binaries_only');
  writeText(join(place, 'PACKAGE_NAME'), `${entry.module.name}\n`);
  writeText(join(place, 'PACKAGE_VERSION'), `${entry.module.version}\n`);
  copyFile(join(entry.source, 'dkms.conf'), join(place, 'dkms.conf'));
};

const placeOf = (entry: TreeEntry, kernels: readonly Kernel[], request: MktarballRequest): string => {
  const directory = join(entry.directory, 'tarball');
  const { archive } = request;
  if (!archive) return join(directory, archiveName(entry.module, kernels, request.sourceOnly));
  return archive.includes('/') ? archive : join(directory, archive);
};

/** Packed in a private directory beside its place: in a directory like /tmp nobody can put a link in its way. */
const pack = async (run: Run, top: string, target: string): Promise<void> => {
  makeDirectory(dirname(target));
  const own = makeTemporary(dirname(target), '.tmp_');
  const packed = join(own, basename(target));
  try {
    const words = ['--create', '--auto-compress', '--file', packed, '--directory', top, ...readDirectory(top)];
    const ended = await tar(run, words);
    if (ended.code !== 0) throw new FailureError({ kind: 'archive-unwritable', at: target, detail: ended.problem });
    syncPath(packed);
    rename(packed, target);
  } finally {
    remove(own);
  }
};

/** Write an archive of a module: its source and what is built for kernels. */
export const makeArchive = async (run: Run, request: MktarballRequest): Promise<SyncResult> => {
  const entry = await entryFor(run, request.operand, { mustBeKnown: true });
  const kernels = request.kernels === 'all' ? entry.built : request.kernels;
  const target = placeOf(entry, kernels, request);
  if (!isWritable(dirname(target))) throw new FailureError({ kind: 'archive-unwritable', at: target });
  const top = makeTemporary(run.scratch, 'archive-', 0o755);
  await gather(run, entry, kernels, request, top);
  await pack(run, top, target);
  run.note({ note: 'archive-written', path: target });
  return done;
};

const refuse = (archive: string, problem: Problem): FailureError =>
  new FailureError({ kind: 'archive-malformed', at: archive, problem });

/** Unpack into a private directory, after a look at every member. */
const unpack = async (run: Run, archive: string): Promise<{ top: string; names: string[] }> => {
  if (stat(archive)?.kind !== 'file') throw new FailureError({ kind: 'archive-missing', at: archive });
  const listing = await tar(run, [
    '--list',
    '--verbose',
    '--full-time',
    '--quoting-style=escape',
    '-P',
    '--file',
    archive,
  ]);
  if (listing.code !== 0) throw refuse(archive, { problem: 'said', text: listing.problem });
  const problem = archiveProblem(listing.output);
  if (problem) throw refuse(archive, problem);
  const top = makeTemporary(run.scratch, 'unpacked-');
  const ended = await tar(run, ['--extract', '--no-same-owner', '--file', archive, '--directory', top]);
  if (ended.code !== 0) throw refuse(archive, { problem: 'said', text: ended.problem });
  return { top, names: memberNames(listing.output) };
};

/** The directory in an unpacked archive that holds dkms.conf: dkms's own, or the nearest to the top. */
const confDirectory = (top: string, names: readonly string[], archive: string): string => {
  for (const own of ['dkms_source_tree', 'dkms_binaries_only']) {
    if (exists(join(top, own, 'dkms.conf'))) return join(top, own);
  }
  const confs = names
    .filter((name) => basename(name) === 'dkms.conf')
    .sort((a, b) => a.split('/').length - b.split('/').length);
  const [nearest] = confs;
  if (nearest === undefined) throw new FailureError({ kind: 'archive-without-conf', at: archive });
  return dirname(join(top, nearest));
};

const moduleIn = async (run: Run, directory: string, archive: string): Promise<Module> => {
  const [found] = await identify(run, [directory], { release: runningKernel(), arch: machineArch() });
  if (!found) throw new FailureError({ kind: 'archive-without-conf', at: archive });
  if ('kind' in found) throw new FailureError({ ...found, kind: 'archive-malformed', at: archive });
  return found.module;
};

const loadBuilt = async (run: Run, top: string, module: Module): Promise<void> => {
  const main = join(top, 'dkms_main_tree');
  for (const release of readDirectory(main)) {
    for (const arch of readDirectory(join(main, release))) {
      if (!isDirectory(join(main, release, arch, 'module'))) continue;
      const target = builtDirectory(run.settings.dkmsTree, module, { release, arch });
      makeDirectory(dirname(target));
      await putInPlace(run, join(main, release, arch), target);
    }
  }
};

const isKnown = (run: Run, module: Module): boolean =>
  readTree(run.settings.dkmsTree, run.settings.sourceTree).some((entry) => sameModule(entry.module, module));

/** The source that goes with binaries only, if the machine has it; else the archive's own directory is the entry's. */
const loadBinariesOnly = async (run: Run, from: string, module: Module): Promise<SyncResult> => {
  const source = join(run.settings.sourceTree, `${module.name}-${module.version}`);
  if (exists(join(source, 'dkms.conf'))) {
    register(run.settings.dkmsTree, module, source);
    return done;
  }
  await putInPlace(run, from, join(entryDirectory(run.settings.dkmsTree, module), 'source'));
  return { rows: [], failures: [{ kind: 'source-not-here', at: source }] };
};

const loadSource = async (run: Run, from: string, module: Module): Promise<SyncResult> => {
  const source = join(run.settings.sourceTree, `${module.name}-${module.version}`);
  makeDirectory(run.settings.sourceTree);
  if (!exists(source) || run.switches.force) await putInPlace(run, from, source);
  register(run.settings.dkmsTree, module, source);
  return done;
};

/** Load an archive: its source into the source tree, what is built into the dkms tree. */
export const loadModule = async (
  run: Run,
  archive: string,
): Promise<{ readonly module: Module; readonly result: SyncResult }> => {
  const { top, names } = await unpack(run, archive);
  const directory = confDirectory(top, names, archive);
  const module = await moduleIn(run, directory, archive);
  if (isKnown(run, module) && !run.switches.force)
    throw new FailureError({ kind: 'archive-known', at: moduleLabel(module) });
  makeDirectory(entryDirectory(run.settings.dkmsTree, module));
  const load = basename(directory) === 'dkms_binaries_only' ? loadBinariesOnly : loadSource;
  const result = await load(run, directory, module);
  await loadBuilt(run, top, module);
  run.note({ note: 'registered', module });
  return { module, result };
};

/** The archive of a command that only loads. */
export const loadArchive = async (run: Run, { archive }: LdtarballRequest): Promise<SyncResult> => {
  if (!archive) throw new FailureError({ kind: 'archive-missing' });
  return (await loadModule(run, archive)).result;
};
