import { join } from 'node:path';
import type { LogAnswer, NothingAnswer, StatusAnswer, StatusEntry } from '../answers.ts';
import { weakProgram } from '../install/weak-program.ts';
import { objectNameOf } from '../kernel/compression.ts';
import { canBoot } from '../kernel/kernel.ts';
import { passedOverKernels } from '../plan/kernel-choice.ts';
import { type Kernel, type LogRequest, type Module, type StatusRequest, sameKernel, sameModule } from '../request.ts';
import type { Settings } from '../settings.ts';
import { readBootHold } from '../state/boot-hold.ts';
import { type EntryRecord, isAsInstalled, readRecord, recordedEntries } from '../state/record.ts';
import { readTried, triedReleases } from '../state/tried.ts';
import { hashFile, readDirectory, readText, realPath, walk } from '../system/files.ts';
import { lookOr } from '../system/look.ts';
import { compareVersions } from '../system/version.ts';
import { type ModuleFiles, moduleFiles } from '../tree/originals.ts';
import { savedOriginals } from '../tree/saved-originals.ts';
import { builtDirectory, builtFiles, readTree, stateOn, type TreeEntry } from '../tree/tree.ts';

/** Questions about what is there; they change nothing and start no process. */

const areObjectsMissing = (directory: string, record: EntryRecord): boolean => {
  const there = new Set(builtFiles(directory).map((name) => objectNameOf(name)));
  const expected = record.build?.objects.map((name) => objectNameOf(name));
  // Of a conf that names no objects none are missing; what dkms built must have left some.
  return expected ? expected.some((name) => !there.has(name)) : there.size === 0;
};

/** What one question looks at, found once. */
interface View {
  readonly settings: Settings;
  readonly filesOf: (release: string) => ModuleFiles;
  readonly recorded: readonly { readonly module: Module; readonly kernel: Kernel }[];
}

const viewOf = (settings: Settings): View => {
  const known = new Map<string, ModuleFiles>();
  const filesOf = (release: string): ModuleFiles => {
    const files = known.get(release) ?? moduleFiles(join(settings.installTree, release));
    known.set(release, files);
    return files;
  };
  return { settings, filesOf, recorded: recordedEntries(settings.stateDir) };
};

/** By what was recorded (size and time first); a tree that dkms made is compared by its bytes. */
const isDifferent = (view: View, directory: string, kernel: Kernel, record: EntryRecord): boolean => {
  if (record.installed) return record.installed.some((file) => file.differs || !isAsInstalled(file));
  const onKernel = view.filesOf(kernel.release);
  return builtFiles(directory).some((file) => {
    const same = onKernel.get(objectNameOf(file) ?? '') ?? [];
    const hash = hashFile(join(directory, 'module', file));
    return !same.some((path) => hashFile(path) === hash);
  });
};

type Reason = Pick<StatusEntry, 'failure' | 'failedAt' | 'passedOver' | 'passedOverAt'>;

/** What failed comes before what was passed over; what is built and was left alone needs no reason for that. */
const reasonOf = ({ failure, passedOver, passedOverAt }: EntryRecord, isBuilt: boolean): Reason => {
  if (failure) return { failure: failure.failure, failedAt: failure.at };
  if (isBuilt && passedOver?.kind === 'skipped') return {};
  return passedOver ? { passedOver, ...(passedOverAt ? { passedOverAt } : {}) } : {};
};

const builtEntry = (view: View, entry: TreeEntry, kernel: Kernel): StatusEntry => {
  const { settings } = view;
  const record = readRecord(settings.stateDir, entry.module, kernel);
  const directory = builtDirectory(settings.dkmsTree, entry.module, kernel);
  const state = stateOn(settings.dkmsTree, entry, kernel);
  const objectsMissing = areObjectsMissing(directory, record);
  return {
    module: entry.module,
    kernel,
    state: state === 'added' ? 'built' : state,
    originals: savedOriginals(settings.dkmsTree, entry.module.name, kernel).length > 0,
    objectsMissing,
    differences: state === 'installed' && !objectsMissing && isDifferent(view, directory, kernel, record),
    ...reasonOf(record, true),
  };
};

const plainEntry = (module: Module, state: 'added' | 'broken'): StatusEntry => ({
  module,
  state,
  originals: false,
  objectsMissing: false,
  differences: false,
});

const brokenEntry = ({ module, source }: TreeEntry): StatusEntry => ({ ...plainEntry(module, 'broken'), source });

/** Of kernels for which nothing is built the tree says nothing: what failed there, and what was passed over. */
const unbuiltOf = ({ settings, recorded }: View, entry: TreeEntry): StatusEntry[] =>
  recorded
    .filter(({ module }) => sameModule(module, entry.module))
    .filter(({ kernel }) => !entry.built.some((one) => sameKernel(one, kernel)))
    .map(({ kernel }) => ({ kernel, record: readRecord(settings.stateDir, entry.module, kernel) }))
    .filter(({ record }) => record.failure ?? record.passedOver)
    .map(({ kernel, record }) => ({ ...plainEntry(entry.module, 'added'), kernel, ...reasonOf(record, false) }));

/** As recorded; of a tree that dkms made whatever has the name of a built object. */
const installedPaths = (view: View, entry: TreeEntry, kernel: Kernel): string[] => {
  const { stateDir, dkmsTree } = view.settings;
  const recorded = readRecord(stateDir, entry.module, kernel).installed;
  if (recorded) return recorded.map((file) => file.path);
  const onKernel = view.filesOf(kernel.release);
  return builtFiles(builtDirectory(dkmsTree, entry.module, kernel)).flatMap(
    (file) => onKernel.get(objectNameOf(file) ?? '') ?? [],
  );
};

/** Kernels that a build for this one serves: links below their weak-updates that lead to its installed files. */
const weakEntries = (view: View, entry: TreeEntry, kernel: Kernel): StatusEntry[] => {
  const { settings } = view;
  if (!weakProgram(settings.distribution, kernel) || stateOn(settings.dkmsTree, entry, kernel) !== 'installed')
    return [];
  const own = new Set(installedPaths(view, entry, kernel).map(realPath));
  const serves = (release: string): boolean => {
    const directory = join(settings.installTree, release, 'weak-updates');
    return walk(directory).some((path) => own.has(realPath(join(directory, path))));
  };
  return readDirectory(settings.installTree)
    .filter((release) => release !== kernel.release && serves(release))
    .map((release) => ({
      ...plainEntry(entry.module, 'added'),
      kernel: { release, arch: kernel.arch },
      state: 'installed',
      weakFrom: kernel.release,
    }));
};

/** What trials found for kernels that are still to come. */
const triedOf = ({ settings }: View, entry: TreeEntry): StatusEntry[] =>
  triedReleases(settings.stateDir)
    .filter((release) => !canBoot(settings.installTree, release))
    .flatMap((release) => {
      const tried = readTried(settings.stateDir, release);
      const own = tried?.modules.filter(({ module }) => sameModule(module, entry.module)) ?? [];
      return own.map(({ kernel, failure }) => ({
        ...plainEntry(entry.module, 'added'),
        kernel,
        ...(failure ? { failure } : {}),
        ...(tried ? { triedAt: tried.at } : {}),
      }));
    });

const allLinesOf = (view: View, entry: TreeEntry): StatusEntry[] => {
  const tried = triedOf(view, entry);
  const built = entry.built.flatMap((kernel) => [builtEntry(view, entry, kernel), ...weakEntries(view, entry, kernel)]);
  const unbuilt = unbuiltOf(view, entry);
  if (entry.broken) return [brokenEntry(entry), ...built, ...unbuilt];
  const here = built.length + unbuilt.length > 0 ? [...built, ...unbuilt] : [plainEntry(entry.module, 'added')];
  return [...here, ...tried];
};

/** What cannot be looked at costs this entry's lines alone. */
const linesOf = (view: View, entry: TreeEntry): StatusEntry[] =>
  lookOr(
    () => allLinesOf(view, entry),
    () => [brokenEntry(entry)],
  );

/** With -k or -a: what is built for others only counts as added, once for each kernel asked for. */
const fittingLines = (view: View, entry: TreeEntry, request: StatusRequest): StatusEntry[] => {
  const lines = linesOf(view, entry);
  if (request.kernels.length === 0 && request.arches.length === 0) return lines;
  const fitsArch = (line: StatusEntry): boolean =>
    request.arches.length === 0 || request.arches.includes(line.kernel?.arch ?? '');
  const releases = request.kernels.length > 0 ? request.kernels.map((kernel) => kernel.release) : [undefined];
  return releases.flatMap((release) => {
    const fits = lines.filter((line) => line.kernel && (!release || line.kernel.release === release) && fitsArch(line));
    if (fits.length > 0) return fits;
    return [entry.broken ? brokenEntry(entry) : plainEntry(entry.module, 'added')];
  });
};

/** Something for somebody to see to: a failure, what waits for one, a source that is gone. */
const isBad = ({ state, failure, passedOver }: StatusEntry): boolean =>
  state === 'broken' || failure !== undefined || passedOver?.kind === 'blocked';

/** The state of everything known, or of what fits, with remembered failures. */
export const statusOf = (settings: Settings, request: StatusRequest): StatusAnswer => {
  const view = viewOf(settings);
  const entries = readTree(settings.dkmsTree, settings.sourceTree)
    .filter(({ module }) => !request.name || module.name === request.name)
    .filter(({ module }) => !request.version || module.version === request.version)
    .flatMap((entry) => fittingLines(view, entry, request))
    .filter((entry) => !request.onlyFailed || isBad(entry));
  const isAboutAll = !request.onlyFailed && request.name === undefined;
  const hold = readBootHold(settings.stateDir);
  return {
    kind: 'status',
    entries,
    ...(hold ? { hold: { held: hold.held, prefer: hold.prefer } } : {}),
    skipped: isAboutAll ? passedOverKernels(settings) : [],
  };
};

const label = (request: LogRequest): string =>
  [request.name, request.version].filter(Boolean).join('/') + (request.release ? ` on ${request.release}` : '');

/** The last remembered failure that fits. */
export const lastLog = (settings: Settings, request: LogRequest): LogAnswer | NothingAnswer => {
  const fitting = recordedEntries(settings.stateDir)
    .filter(({ module }) => module.name === request.name && (!request.version || module.version === request.version))
    .filter(({ kernel }) => !request.release || kernel.release === request.release)
    .map((entry) => ({ ...entry, failure: readRecord(settings.stateDir, entry.module, entry.kernel).failure }))
    .filter((entry) => entry.failure !== undefined)
    .sort((a, b) => compareVersions(a.failure?.at ?? '', b.failure?.at ?? ''));
  const last = fitting.at(-1);
  if (!last?.failure) return { kind: 'nothing', about: 'log', asked: label(request) };
  const { module, kernel, failure } = last;
  const text = failure.failure.log === undefined ? undefined : readText(failure.failure.log);
  return {
    kind: 'log',
    module,
    kernel,
    failure: failure.failure,
    failedAt: failure.at,
    ...(text === undefined ? {} : { text }),
  };
};
