import { basename, join } from 'node:path';
import type { PackAnswer, PackedEntry } from '../delivered.ts';
import { type Failure, FailureError, isFailureError, systemFailure } from '../errors.ts';
import { keyOf } from '../key/key.ts';
import { chosenBuilds, type IsRecorded } from '../pack/choose.ts';
import { type KernelOwner, kernelOwner } from '../pack/kernel-owner.ts';
import { entryOf, fileFacts, type MadePackage, makePackage } from '../pack/pack.ts';
import { resolve, type UnpackedBuild, unpacker } from '../pack/unpacked.ts';
import type { Emit } from '../progress.ts';
import { dropRevoked } from '../registry/revoked.ts';
import type { PackRequest } from '../request.ts';
import { noSwitches, type Run } from '../run/run.ts';
import type { Settings } from '../settings.ts';
import { readRecord } from '../state/record.ts';
import { kernelOf, moduleOf, type StoredBuild, storedBuilds } from '../store/builds.ts';
import { hashFile, lstat, stat } from '../system/files.ts';
import { copyAtomic } from '../system/publish.ts';
import { withRun } from './with-run.ts';

/** Builds of the Store as packages for nodes that build nothing. Changes nothing but the directory that is named. */

/** What packing for one kernel takes. */
interface Bench {
  readonly run: Run;
  readonly request: PackRequest;
  readonly owner: KernelOwner;
}

const isRecordedIn =
  ({ stateDir }: Settings): IsRecorded =>
  ({ statement, stored }) => {
    const { parts } = readRecord(stateDir, moduleOf(statement.parts), kernelOf(statement.parts)).build ?? {};
    return parts !== undefined && keyOf(parts) === stored.key;
  };

const lacking = (asked: string, release: string): Failure => ({
  kind: 'not-in-store',
  at: [asked, release].filter(Boolean).join(', '),
  detail: release,
});

/** What is packed for one kernel, dependencies first, and what cannot be. */
interface Selection {
  readonly builds: readonly UnpackedBuild[];
  readonly failures: readonly Failure[];
}

const select = async (run: Run, builds: readonly StoredBuild[], names: readonly string[], release: string) => {
  const isRecorded = isRecordedIn(run.settings);
  const unpack = unpacker(run);
  const found = new Map<string, UnpackedBuild>();
  const failures: Failure[] = [];
  for (const [asked, build] of chosenBuilds(builds, names, isRecorded)) {
    const resolved = build ? await resolve(build, builds, isRecorded, unpack) : ({ lacks: 'itself' } as const);
    if ('builds' in resolved) for (const one of resolved.builds) found.set(one.stored.key, one);
    else if (resolved.lacks === 'itself') failures.push(lacking(asked, release));
    else
      failures.push({
        kind: 'dependency-not-in-store',
        at: `${build?.statement.parts.module ?? asked}, ${release}`,
        detail: resolved.dependency,
      });
  }
  const selection: Selection = { builds: [...found.values()], failures };
  return selection;
};

/** Two versions of a module, or names that differ only in what no package's name may have, would be one package. */
const conflictIn = (format: PackRequest['format'], builds: readonly UnpackedBuild[]): Failure | undefined => {
  const names = builds.map((build) => fileFacts(format, build).name);
  const second = builds.find((_, index) => names.indexOf(names[index] ?? '') !== index);
  return second && { kind: 'packed-twice', at: fileFacts(format, second).name };
};

const copyTo = (path: string, target: string, hash: string): void => {
  try {
    copyAtomic(path, target, hash);
  } catch (error) {
    const failure = systemFailure(error);
    if (!failure) throw error;
    const { kind, detail = '' } = failure;
    throw new FailureError({ kind: kind === 'unexpected' ? 'archive-unwritable' : kind, at: target, detail });
  }
};

/** A whole package in its place; the same bytes are left as they are. */
const publish = (
  { path, isSigned }: MadePackage,
  output: string,
): Pick<PackedEntry, 'state' | 'bytes' | 'isSigned'> => {
  const target = join(output, basename(path));
  const [hash, bytes] = [hashFile(path), stat(path)?.size ?? 0];
  const isThere = lstat(target)?.kind === 'file' && hashFile(target) === hash;
  if (!isThere) copyTo(path, target, hash);
  return { state: isThere ? 'there' : 'packed', bytes, isSigned };
};

const packKernel = async ({ run, request, owner }: Bench, builds: readonly UnpackedBuild[]): Promise<PackedEntry[]> => {
  const { format, output } = request;
  if (request.dryRun) return builds.map((build) => ({ ...entryOf(format, build), state: 'planned' }));
  // All are made before the first is in its place: one without its dependencies is of no use.
  const made: MadePackage[] = [];
  for (const build of builds) made.push(await makePackage(run, format, build, owner));
  return builds.flatMap((build, index) => {
    const one = made[index];
    return one ? [{ ...entryOf(format, build), ...publish(one, output) }] : [];
  });
};

/** What came of one kernel. */
type Packed = Pick<PackAnswer, 'entries' | 'guessed' | 'failures'>;

const packFor = async (
  run: Run,
  request: PackRequest,
  release: string,
  builds: readonly StoredBuild[],
): Promise<Packed> => {
  const { format, names } = request;
  const { builds: chosen, failures } = await select(run, builds, names, release);
  const conflict = conflictIn(format, chosen);
  if (conflict) throw new FailureError(conflict);
  const owner = await kernelOwner(run, format, release);
  if (!owner) throw new FailureError({ kind: 'kernel-owner-unknown', at: release });
  const entries = await packKernel({ run, request, owner }, chosen);
  const guessed = owner.isGuessed && entries.length > 0 ? [{ release, name: owner.relation.name }] : [];
  return { entries, failures, guessed };
};

/** The builds for a release, those of each architecture by themselves. */
const byKernel = ({ stateDir }: Settings, release: string): StoredBuild[][] => {
  const all = storedBuilds(stateDir, { names: [], releases: [release] });
  const kernels = [...new Set(all.map(({ statement }) => statement.parts.kernel))].sort();
  const groups = kernels.map((kernel) => all.filter(({ statement }) => statement.parts.kernel === kernel));
  return groups.length > 0 ? groups : [[]];
};

const nothing: Packed = { entries: [], guessed: [], failures: [] };

const packOrFailure = async (run: Run, request: PackRequest, release: string, builds: readonly StoredBuild[]) => {
  const { names } = request;
  if (builds.length === 0) return { ...nothing, failures: [lacking(names.join(' '), release)] };
  try {
    return await packFor(run, request, release, builds);
  } catch (error) {
    const found = isFailureError(error) ? error.failure : systemFailure(error);
    if (!found) throw error;
    const failure: Failure = run.abort.aborted ? { kind: 'interrupted' } : found;
    return { ...nothing, failures: [failure] };
  }
};

const packAll = async (run: Run, request: PackRequest): Promise<PackAnswer> => {
  const answers: Packed[] = [];
  await dropRevoked(run);
  for (const release of request.releases) {
    for (const builds of byKernel(run.settings, release)) {
      if (!run.abort.aborted) answers.push(await packOrFailure(run, request, release, builds));
    }
  }
  return {
    kind: 'packed',
    output: request.output,
    entries: answers.flatMap(({ entries }) => entries),
    guessed: answers.flatMap(({ guessed }) => guessed),
    failures: answers.flatMap(({ failures }) => failures),
  };
};

/** Make packages of builds in the Store. Throws FailureError where nothing can be written. */
export const pack = (settings: Settings, request: PackRequest, emit: Emit, abort: AbortSignal): Promise<PackAnswer> =>
  withRun(settings, noSwitches, emit, abort, (run) => packAll(run, request));
