import type { PushAnswer, PushedEntry } from '../answers.ts';
import { type Failure, FailureError, isFailureError } from '../errors.ts';
import type { Emit } from '../progress.ts';
import { artifactName, type Registry, registryOf } from '../registry/reference.ts';
import { sendArtifact } from '../registry/send.ts';
import { type PushKey, pushKeyOf } from '../registry/signers.ts';
import type { PushRequest } from '../request.ts';
import { noSwitches, type Run } from '../run/run.ts';
import type { Settings } from '../settings.ts';
import { findArtifact, type StoredArtifact, statementOf, storedArtifacts } from '../store/artifacts.ts';
import type { Statement } from '../store/layout.ts';
import { makeTemporary, remove } from '../system/publish.ts';
import { withRun } from './with-run.ts';

/** What was built here, for machines that come to the same Key. Changes nothing but the registry. */

interface Wanted {
  readonly stored: StoredArtifact;
  readonly statement: Statement;
}

const fits = ({ names, releases }: PushRequest, { parts }: Statement): boolean => {
  const [name = '', release = ''] = [parts.module, parts.kernel].map((text) => text.split('/')[0]);
  const isNamed = names.length === 0 || names.some((one) => one === name || one === parts.module);
  return isNamed && (releases.length === 0 || releases.includes(release));
};

const wantedOf = ({ stateDir }: Settings, request: PushRequest): Wanted[] =>
  storedArtifacts(stateDir).flatMap((stored) => {
    const statement = statementOf(stateDir, stored.name, stored.key);
    return statement && fits(request, statement) ? [{ stored, statement }] : [];
  });

const registryFor = ({ prebuilt: { from } }: Settings): Registry => {
  if (from === undefined) throw new FailureError({ kind: 'no-registry' });
  const registry = registryOf(from);
  if (registry) return registry;
  throw new FailureError({ kind: 'no-registry', problem: { problem: 'registry-name', name: from } });
};

const send = async (
  run: Run,
  registry: Registry,
  { stored }: Wanted,
  key: PushKey,
): Promise<Pick<PushedEntry, 'state' | 'unsigned'>> => {
  const { settings, processes } = run;
  const artifact = findArtifact(settings.stateDir, stored.name, stored.key);
  if (!artifact) return { state: 'damaged' };
  const scratch = makeTemporary(run.scratch, 'push-');
  try {
    return await sendArtifact({ settings, processes, scratch }, registry, artifact, key);
  } finally {
    remove(scratch);
  }
};

const pushAll = async (run: Run, registry: Registry, wanted: readonly Wanted[], key: PushKey): Promise<PushAnswer> => {
  const entries: PushedEntry[] = [];
  const failures: Failure[] = [];
  for (const one of wanted) {
    const { stored, statement } = one;
    try {
      const sent = statement.by === undefined ? await send(run, registry, one, key) : ({ state: 'foreign' } as const);
      const { module, kernel } = statement.parts;
      const artifact = artifactName(registry, stored.name, stored.key);
      entries.push({ module, kernel, key: stored.key, bytes: stored.bytes, artifact, ...sent });
    } catch (error) {
      if (!isFailureError(error)) throw error;
      // What keeps one from going there keeps the others.
      failures.push(run.abort.aborted ? { kind: 'interrupted' } : error.failure);
      break;
    }
  }
  return { kind: 'pushed', entries, to: run.settings.prebuilt.from ?? '', key: key.fingerprint, failures };
};

/** Push builds of the Store. Throws FailureError where nothing can be pushed. */
export const push = (settings: Settings, request: PushRequest, emit: Emit, abort: AbortSignal): Promise<PushAnswer> => {
  const registry = registryFor(settings);
  const wanted = wantedOf(settings, request);
  if (wanted.length === 0) {
    const at = [...request.names, ...request.releases].join(' ');
    throw new FailureError({ kind: 'nothing-to-push', ...(at === '' ? {} : { at }) });
  }
  return withRun(settings, noSwitches, emit, abort, async (run) =>
    pushAll(run, registry, wanted, await pushKeyOf(run, run.scratch)),
  );
};
