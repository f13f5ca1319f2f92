import { join } from 'node:path';
import type { Failure } from '../errors.ts';
import { bootableKernels, canBoot, isBootable, machineArch, runningKernel } from '../kernel/kernel.ts';
import { type Kernel, type KernelScope, type SyncRequest, sameKernel } from '../request.ts';
import type { Settings } from '../settings.ts';
import { readRecord, recordedEntries } from '../state/record.ts';
import { isInChroot } from '../system/chroot.ts';
import { familyOf } from '../system/distribution.ts';
import { exists, isDirectory, realPath } from '../system/files.ts';
import { lookOr } from '../system/look.ts';
import { isCleanName } from '../system/names.ts';
import { compareVersions } from '../system/version.ts';
import type { TreeEntry } from '../tree/tree.ts';
import { kernelHere, type PassingSetting, passedOverBy } from './kernel-choice.ts';

/** A kernel that the settings pass over. */
export interface SkippedKernel {
  readonly release: string;
  readonly setting: PassingSetting;
}

/** Which kernels and sources a sync is about, found by looking at what the event named. */
export interface Scope {
  /** To be looked after, the newest first. */
  readonly kernels: readonly Kernel[];
  /** Releases that leave or have left: their modules are dropped. */
  readonly leavingKernels: readonly string[];
  /** Source directories that arrived or were changed. */
  readonly sources: readonly string[];
  /** Modules whose source leaves or has left. */
  readonly leavingEntries: readonly TreeEntry[];
  /** Releases that the settings pass over, of those that would be looked after. */
  readonly skipped: readonly SkippedKernel[];
  /** Names of source directories that have come, or come in the transaction that has just begun. */
  readonly coming: readonly string[];
  readonly failures: readonly Failure[];
}

/** Neither a kernel nor headers are left of it; what cannot be looked at is not gone. */
const isGone = (settings: Settings, release: string): boolean =>
  lookOr(
    () => !isBootable(settings.installTree, release) && !exists(join(settings.installTree, release, 'build')),
    () => false,
  );

/** Kernels for which an earlier run had no headers, and there are some now. */
const awaited = ({ stateDir, installTree }: Settings): string[] =>
  recordedEntries(stateDir)
    .filter(({ module, kernel }) => readRecord(stateDir, module, kernel).failure?.failure.kind === 'headers-missing')
    .map(({ kernel }) => kernel.release)
    .filter((release) => canBoot(installTree, release) && exists(join(installTree, release, 'build')));

/** @param bootable kernels that can be booted, the newest last */
const current = (settings: Settings, bootable: readonly string[], given: readonly string[]): string[] => {
  const named = [...given.filter((release) => canBoot(settings.installTree, release)), ...awaited(settings)];
  const running = bootable.filter((release) => release === runningKernel());
  // In a chroot (an image being made) the running kernel is the host's: whatever is installed may be booted.
  if (settings.autoinstallAllKernels || (running.length === 0 && isInChroot())) return [...named, ...bootable];
  return [...named, ...running, ...bootable.slice(-1)];
};

type OpenScope = Exclude<KernelScope, { kind: 'only' }>;

const releasesOf = (settings: Settings, scope: OpenScope, bootable: readonly string[]): readonly string[] => {
  switch (scope.kind) {
    case 'running':
      return [runningKernel()].filter((release) => canBoot(settings.installTree, release));
    case 'here':
      return [kernelHere(settings)];
    case 'bootable':
      return bootable;
    case 'current':
      return current(settings, bootable, scope.releases);
    case 'usual':
      return familyOf(settings.distribution) === 'arch' ? bootable : current(settings, bootable, scope.releases ?? []);
  }
};

type Named = Pick<Scope, 'kernels' | 'skipped'>;

/** The newest kernel is the newest of those that are looked after; a newer one that is not is told. */
const looked = (settings: Settings, scope: OpenScope): Named => {
  const arch = (scope.kind === 'here' ? scope.arch : undefined) ?? machineArch();
  const isKept = (release: string): boolean => passedOverBy(settings, release) === undefined;
  const bootable = bootableKernels(settings.installTree);
  const kept = releasesOf(settings, scope, bootable.filter(isKept)).filter(isKept);
  const skipped = [...new Set(releasesOf(settings, scope, bootable))].flatMap((release) => {
    const setting = passedOverBy(settings, release);
    return setting ? [{ release, setting }] : [];
  });
  return { kernels: kept.map((release) => ({ release, arch })), skipped };
};

const named = (settings: Settings, scope: KernelScope): Named =>
  scope.kind === 'only'
    ? { kernels: scope.kernels.map((kernel) => ({ arch: machineArch(), ...kernel })), skipped: [] }
    : looked(settings, scope);

const isMissing = (settings: Settings, release: string): boolean =>
  !isCleanName(release) ||
  lookOr(
    () => !isDirectory(join(settings.installTree, release)),
    () => true,
  );

const missingKernel = (settings: Settings, scope: KernelScope, kernels: readonly Kernel[]): Failure[] =>
  (scope.kind === 'only' || scope.kind === 'here' ? kernels : [])
    .filter(({ release }) => isMissing(settings, release))
    .map(({ release }) => ({ kind: 'kernel-missing', at: join(settings.installTree, release) }));

/** Whether a source is there; why that cannot be said. */
const findSource = (settings: Settings, source: string): 'here' | 'gone' | Failure =>
  lookOr<'here' | 'gone' | Failure>(
    () => (exists(join(settings.sourceTree, source, 'dkms.conf')) ? 'here' : 'gone'),
    (why) => why,
  );

/** The entries whose source is this directory. */
const entriesOf = (settings: Settings, entries: readonly TreeEntry[], source: string): TreeEntry[] => {
  const path = join(settings.sourceTree, source);
  const real = realPath(path) ?? path;
  return entries.filter((entry) => entry.source === path || entry.source === real);
};

/** The Kernels that a scope means, the newest first, and those that it names and that are not there. */
export const kernelsOf = (settings: Settings, scope: KernelScope): Pick<Scope, 'kernels' | 'skipped' | 'failures'> => {
  const { kernels: all, skipped } = named(settings, scope);
  const kernels = all.filter(({ release }) => !isMissing(settings, release));
  const unique = kernels.filter((kernel, index) => kernels.findIndex((one) => sameKernel(one, kernel)) === index);
  return {
    kernels: unique.sort((a, b) => compareVersions(b.release, a.release)),
    skipped,
    failures: missingKernel(settings, scope, all),
  };
};

/** Resolve what a request names against what is on disk. */
export const scopeOf = (settings: Settings, request: SyncRequest, entries: readonly TreeEntry[]): Scope => {
  const touched = request.touched.sources.map((source) => ({ source, found: findSource(settings, source) }));
  const goneKernels = request.touched.kernels.filter((release) => isGone(settings, release));
  const leavingKernels = [...new Set([...request.leaving.kernels, ...goneKernels])];
  const { kernels, skipped, failures } = kernelsOf(settings, request.scope);
  const sources = touched.filter(({ found }) => found === 'here').map(({ source }) => source);
  const gone = touched.filter(({ found }) => found === 'gone').map(({ source }) => source);
  const leaving = request.leaving.sources.filter((source) => findSource(settings, source) !== 'gone');
  return {
    kernels: request.dropOnly ? [] : kernels.filter(({ release }) => !leavingKernels.includes(release)),
    leavingKernels,
    skipped: request.dropOnly ? [] : skipped.filter(({ release }) => !leavingKernels.includes(release)),
    sources,
    coming: [...sources, ...request.leaving.sources.filter((source) => !leaving.includes(source))],
    leavingEntries: [...leaving, ...gone].flatMap((source) => entriesOf(settings, entries, source)),
    failures: [...failures, ...touched.flatMap(({ found }) => (typeof found === 'string' ? [] : [found]))],
  };
};
