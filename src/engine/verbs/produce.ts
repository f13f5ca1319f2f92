import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Row } from '../answers.ts';
import type { ProducedAnswer } from '../delivered.ts';
import { type Failure, FailureError } from '../errors.ts';
import { machineArch } from '../kernel/kernel.ts';
import { kernelTagOf } from '../key/kernel-tag.ts';
import { keyOf } from '../key/key.ts';
import type { Outcome } from '../outcome.ts';
import type { Emit, Note } from '../progress.ts';
import type { Input } from '../registry/input.ts';
import { artifactName, failureKey, type Registry } from '../registry/reference.ts';
import { apart } from '../registry/remote.ts';
import { sendArtifact, sendFailure } from '../registry/send.ts';
import { sendResult } from '../registry/send-input.ts';
import { pushKeyOf } from '../registry/signers.ts';
import { moduleLabel, type ProduceRequest, sameModule } from '../request.ts';
import { noSwitches, type Run } from '../run/run.ts';
import type { Settings } from '../settings.ts';
import { readRecord, recordedEntries } from '../state/record.ts';
import { findArtifact } from '../store/artifacts.ts';
import { sweepStore } from '../store/sweep.ts';
import { fetchInputs } from '../trial/fetched-inputs.ts';
import { stateInView } from '../trial/view.ts';
import { registryFor, sharedFailures, type Way } from './push.ts';
import { asFailure, askInView, inPlace } from './try.ts';
import { withRun } from './with-run.ts';

/**
 * One module for one kernel, from what is in the registry, built in a view of this machine: the build goes there, or the
 * word that it fails. What is there already is not built again, so that the same may be asked as often as one likes.
 */

type Pushed = NonNullable<ProducedAnswer['pushed']>;

/** A build with this Key, if it is in the Store. */
const pushBuild = async (way: Way, name: string, key: string): Promise<Pushed | undefined> => {
  const stored = findArtifact(way.run.settings.stateDir, name, key);
  if (!stored) return undefined;
  const artifact = artifactName(way.registry, name, key);
  const { by, parts, kernelPackage } = stored.statement;
  if (by !== undefined) return { state: 'there', artifact };
  const tag = kernelPackage && kernelTagOf(parts, kernelPackage);
  const { state } = await apart(way.run, (connection) => sendArtifact(connection, way.registry, stored, way.key, tag));
  return { state, artifact };
};

/** The word that a build fails, where other machines may be told; it is there where a Builder has said so before. */
const pushFailure = async (
  way: Way,
  request: Pick<ProduceRequest, 'module'>,
  stateDir: string,
  failure: Failure,
): Promise<Pushed | undefined> => {
  const { name } = request.module;
  const shared = sharedFailures({ stateDir }).find(({ parts }) => parts.module === moduleLabel(request.module));
  if (shared) {
    const { state } = await apart(way.run, (connection) => sendFailure(connection, way.registry, shared, way.key));
    return { state, artifact: artifactName(way.registry, name, failureKey(shared.key)) };
  }
  const record = recordedEntries(stateDir).find(({ module }) => sameModule(module, request.module));
  const parts = record && readRecord(stateDir, record.module, record.kernel).failure?.parts;
  if (failure.by === undefined || !parts) return undefined;
  return { state: 'there', artifact: artifactName(way.registry, name, failureKey(keyOf(parts))) };
};

/** All that was built in the view, also what the module needs; of the module itself it is told. */
const pushAll = async (
  way: Way,
  { module }: ProduceRequest,
  stateDir: string,
  outcome: Outcome,
): Promise<Pushed | undefined> => {
  let own: Pushed | undefined;
  for (const entry of recordedEntries(stateDir)) {
    const parts = readRecord(stateDir, entry.module, entry.kernel).build?.parts;
    const pushed = parts && (await pushBuild(way, entry.module.name, keyOf(parts)));
    if (sameModule(entry.module, module)) own = pushed;
  }
  return outcome.kind === 'failed' ? pushFailure(way, { module }, stateDir, outcome.failure) : own;
};

/** What became of it, before anything is pushed. */
interface Built extends Pick<Row, 'outcome' | 'unloadable'> {
  readonly notes: readonly Note[];
}

const failed = (failure: Failure): Built => ({ outcome: { kind: 'failed', failure, remembered: false }, notes: [] });

const build = async (run: Run, registry: Registry, request: ProduceRequest, directory: string): Promise<Built> => {
  const { module, release, program } = request;
  const root = join(directory, 'root');
  const { sources, coming } = await fetchInputs(run, registry, request, root);
  const question = {
    program,
    names: [module.name],
    releases: [release],
    sources,
    coming,
    remembers: false,
    isBare: sources.length > 0,
  };
  const { rows, failures, notes } = await askInView(run, question, root, directory);
  const row = rows.find((one) => sameModule(one.module, module) && one.kernel.release === release);
  const why: Failure = failures[0] ?? { kind: 'not-added', at: moduleLabel(module) };
  return row ? { ...row, notes } : { ...failed(why), notes };
};

/** What is asked for, for whoever waits for the result. */
const inputsOf = ({ sources, headers, release }: ProduceRequest): Input[] => [
  ...sources.map(({ name, hash }): Input => ({ kind: 'source', name, hash })),
  ...(headers === undefined ? [] : [{ kind: 'headers', name: release, hash: headers } as const]),
];

const report = (way: Way, request: ProduceRequest, { outcome, unloadable }: Built, seconds: number): Promise<void> => {
  const { module, release, ticket } = request;
  if (ticket === undefined) return Promise.resolve();
  const order = { module: moduleLabel(module), release, inputs: inputsOf(request), ticket };
  const on = way.run.settings.environment.SLURMD_NODENAME || hostname();
  const log = outcome.kind === 'failed' ? outcome.failure.log : undefined;
  const result = { ticket, outcome, ...(unloadable ? { unloadable } : {}), seconds, on };
  return apart(way.run, (connection) => sendResult(connection, way.registry, order, result, log, way.key));
};

const produced = async (
  run: Run,
  request: ProduceRequest,
  notes: readonly Note[],
  directory: string,
): Promise<ProducedAnswer> => {
  const start = performance.now();
  const registry = registryFor(run.settings);
  const way = { run, registry, key: await pushKeyOf(run, run.scratch) };
  const built = await build(run, registry, request, directory).catch((error: unknown) => failed(asFailure(error)));
  const failures: Failure[] = [];
  let pushed: Pushed | undefined;
  const seconds = (performance.now() - start) / 1000;
  try {
    if (run.abort.aborted) throw new FailureError({ kind: 'interrupted' });
    pushed = await pushAll(way, request, stateInView(directory), built.outcome);
    await report(way, request, built, seconds);
  } catch (error) {
    if (!run.abort.aborted) failures.push(asFailure(error));
  }
  sweepStore(run.settings);
  const signal = run.abort.reason === 'SIGINT' ? 'SIGINT' : 'SIGTERM';
  return {
    kind: 'produced',
    module: request.module,
    kernel: { release: request.release, arch: machineArch() },
    outcome: built.outcome,
    seconds,
    ...(pushed ? { pushed } : {}),
    notes: [...notes, ...built.notes],
    failures,
    ...(run.abort.aborted ? { signal } : {}),
  };
};

/** Produce. Changes nothing here but the Store and the logs of what failed. Throws no-registry, no-push-key (FailureError). */
export const produce = (
  settings: Settings,
  request: ProduceRequest,
  emit: Emit,
  abort: AbortSignal,
): Promise<ProducedAnswer> =>
  inPlace(settings, (place) =>
    withRun<ProducedAnswer>({ ...settings, temporary: place }, noSwitches, emit, abort, (run, notes) =>
      produced(run, request, notes, place),
    ),
  );
