import type { PushAnswer, PushedEntry } from '../delivered.ts';
import { type Failure, FailureError, isFailureError } from '../errors.ts';
import { kernelTagOf } from '../key/kernel-tag.ts';
import { keyOf } from '../key/key.ts';
import type { Emit } from '../progress.ts';
import { isShared } from '../registry/failure.ts';
import { artifactName, failureKey, type Registry, registryOf } from '../registry/reference.ts';
import { apart } from '../registry/remote.ts';
import { type SharedFailure, sendArtifact, sendFailure } from '../registry/send.ts';
import { type PushKey, pushKeyOf } from '../registry/signers.ts';
import type { PushRequest } from '../request.ts';
import { noSwitches, type Run } from '../run/run.ts';
import type { Settings } from '../settings.ts';
import { readRecord, recordedEntries } from '../state/record.ts';
import { findArtifact, type StoredArtifact } from '../store/artifacts.ts';
import { isWanted, type StoredBuild, storedBuilds } from '../store/builds.ts';
import { stat } from '../system/files.ts';
import { withRun } from './with-run.ts';

/** What was built here, for machines that come to the same Key, and what cannot be. Changes nothing but the registry. */

/** What pushing one thing takes. */
export interface Way {
  readonly run: Run;
  readonly registry: Registry;
  readonly key: PushKey;
}

type Result = Pick<PushedEntry, 'state' | 'unsigned'>;

/** One thing to push, and how. */
interface Wanted {
  readonly about: Pick<PushedEntry, 'module' | 'kernel' | 'key' | 'bytes' | 'failure' | 'untagged'>;
  readonly send: (way: Way) => Promise<Result>;
  /** Of another Builder. */
  readonly isForeign: boolean;
}

/** A build of the Store, and how machines without headers find it. */
interface Build extends StoredBuild {
  /** Where the package of its kernel is known. */
  readonly kernelTag?: string;
}

const ownBuilds = ({ stateDir }: Settings): Build[] =>
  storedBuilds(stateDir, { names: [], releases: [] }).map((build): Build => {
    const { parts, kernelPackage } = build.statement;
    return { ...build, ...(kernelPackage ? { kernelTag: kernelTagOf(parts, kernelPackage) } : {}) };
  });

/** Of builds with one kernel tag, which another compiler has made, say, it stands for the last. */
const lastOfEach = (all: readonly Build[]): ReadonlyMap<string, Build> => {
  const last = new Map<string, Build>();
  for (const build of all.filter(({ statement }) => statement.by === undefined)) {
    const { kernelTag, statement } = build;
    const before = kernelTag === undefined ? undefined : last.get(kernelTag);
    if (kernelTag === undefined || (before && before.statement.built > statement.built)) continue;
    last.set(kernelTag, build);
  }
  return last;
};

const sendStored = async (way: Way, { name, key }: StoredArtifact, kernelTag: string | undefined): Promise<Result> => {
  const artifact = findArtifact(way.run.settings.stateDir, name, key);
  if (!artifact) return { state: 'damaged' };
  return apart(way.run, (connection) => sendArtifact(connection, way.registry, artifact, way.key, kernelTag));
};

const builds = (settings: Settings, request: PushRequest): Wanted[] => {
  const all = ownBuilds(settings);
  const last = lastOfEach(all);
  return all
    .filter(({ statement }) => isWanted(request, statement.parts))
    .map((build): Wanted => {
      const { stored, statement, kernelTag } = build;
      const { module, kernel } = statement.parts;
      const own = kernelTag !== undefined && last.get(kernelTag) === build ? kernelTag : undefined;
      const isForeign = statement.by !== undefined;
      const about = { module, kernel, key: stored.key, bytes: stored.bytes };
      return {
        about: { ...about, ...(kernelTag === undefined && !isForeign ? { untagged: true } : {}) },
        send: (way) => sendStored(way, stored, own),
        isForeign,
      };
    });
};

/** Where all that goes into a build is known, and no Builder has said so before. */
export const sharedFailures = ({ stateDir }: Pick<Settings, 'stateDir'>): SharedFailure[] =>
  recordedEntries(stateDir).flatMap(({ module, kernel }): SharedFailure[] => {
    const record = readRecord(stateDir, module, kernel).failure;
    if (!record?.parts || record.transient || record.failure.by !== undefined) return [];
    const { parts, failure, at } = record;
    const { log } = failure;
    const isKnown = parts.headers !== '' && parts.compiler !== '';
    if (!isKnown || !isShared(failure) || log === undefined || stat(log)?.kind !== 'file') return [];
    return [{ key: keyOf(parts), parts, failure, at, log }];
  });

const failures = (settings: Settings, request: PushRequest): Wanted[] =>
  sharedFailures(settings)
    .filter(({ parts }) => isWanted(request, parts))
    .map((shared) => {
      const { key, parts, failure, log } = shared;
      const { module, kernel } = parts;
      return {
        about: { module, kernel, key, bytes: stat(log)?.size ?? 0, failure },
        send: (way) => apart(way.run, (connection) => sendFailure(connection, way.registry, shared, way.key)),
        isForeign: false,
      };
    });

/** Throws no-registry (FailureError). */
export const registryFor = ({ prebuilt: { from } }: Settings): Registry => {
  if (from === undefined) throw new FailureError({ kind: 'no-registry' });
  const registry = registryOf(from);
  if (registry) return registry;
  throw new FailureError({ kind: 'no-registry', problem: { problem: 'registry-name', name: from } });
};

const pushOne = async (way: Way, { isForeign, send }: Wanted, dryRun: boolean): Promise<Result> => {
  if (isForeign) return { state: 'foreign' };
  return dryRun ? { state: 'planned' } : send(way);
};

const pushAll = async (way: Way, wanted: readonly Wanted[], dryRun: boolean): Promise<PushAnswer> => {
  const { run, registry, key } = way;
  const entries: PushedEntry[] = [];
  const failed: Failure[] = [];
  for (const one of wanted) {
    const { about } = one;
    try {
      const [name = ''] = about.module.split('/');
      const artifact = artifactName(registry, name, about.failure ? failureKey(about.key) : about.key);
      entries.push({ ...about, artifact, ...(await pushOne(way, one, dryRun)) });
    } catch (error) {
      if (!isFailureError(error)) throw error;
      // What keeps one from going there keeps the others.
      failed.push(run.abort.aborted ? { kind: 'interrupted' } : error.failure);
      break;
    }
  }
  return { kind: 'pushed', entries, to: run.settings.prebuilt.from ?? '', key: key.fingerprint, failures: failed };
};

/** Push builds of the Store, and remembered failures. Throws FailureError where nothing can be pushed. */
export const push = (settings: Settings, request: PushRequest, emit: Emit, abort: AbortSignal): Promise<PushAnswer> => {
  const registry = registryFor(settings);
  const wanted = [...builds(settings, request), ...failures(settings, request)];
  if (wanted.length === 0) {
    const at = [...request.names, ...request.releases].join(' ');
    throw new FailureError({ kind: 'nothing-to-push', ...(at === '' ? {} : { at }) });
  }
  return withRun(settings, noSwitches, emit, abort, async (run) =>
    pushAll({ run, registry, key: await pushKeyOf(run, run.scratch) }, wanted, request.dryRun),
  );
};
