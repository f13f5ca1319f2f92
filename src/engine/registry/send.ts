import { join } from 'node:path';
import { FailureError } from '../errors.ts';
import { type Artifact, blobFile, type Layer } from '../store/artifacts.ts';
import { type Blob, imageConfig, indexText, layoutText, mediaTypes } from '../store/layout.ts';
import { addLayer, addText } from '../store/put.ts';
import { copyFile, makeDirectory, makeTemporary, writeText } from '../system/publish.ts';
import { remoteOf } from './connect.ts';
import { envelopeIn, signedManifest } from './envelope.ts';
import { type FailureClaim, failureText } from './failure.ts';
import { moduleSignatures } from './module-signatures.ts';
import { failureKey, kernelTagName, type Registry, repositoryOf } from './reference.ts';
import type { Connection, Place, Remote } from './remote.ts';
import { isSignedBy, type PushKey, signatureOf } from './signers.ts';
import { statementText } from './statement.ts';

/** An Artifact of the Store, signed, goes to where other machines take it from. */

/** An image layout that waits for a manifest, and what is said of it. */
interface Letter {
  readonly layout: string;
  readonly config: Blob;
  readonly layers: readonly Layer[];
  readonly text: string;
  /** The file that the text is in. */
  readonly file: string;
}

/** Whether the same is there already, and signed with the same key. */
const isThere = async (
  connection: Connection,
  remote: Remote,
  place: Place,
  { layers, text, file }: Letter,
  key: PushKey,
): Promise<boolean> => {
  const answered = await remote.manifest(place);
  if ('trouble' in answered) {
    const at = connection.settings.prebuilt.from ?? '';
    throw new FailureError({ kind: 'registry-failed', at, problem: answered.trouble });
  }
  const envelope = envelopeIn(answered.found ?? '');
  if (envelope?.statement.toString() !== text) return false;
  if (layers.some(({ blob }, index) => envelope.layers[index]?.digest !== blob.digest)) return false;
  const signature = join(connection.scratch, 'signature-there');
  writeText(signature, envelope.signature);
  return isSignedBy(connection, { statement: file, signature }, key);
};

/** Give a layout a manifest that carries Statement and signature, and send it, unless it is there. */
export const post = async (
  connection: Connection,
  registry: Registry,
  place: Place,
  letter: Letter,
  key: PushKey,
): Promise<'pushed' | 'there'> => {
  const { layout, config, layers, text, file } = letter;
  const remote = remoteOf(connection, registry);
  writeText(file, text);
  if (await isThere(connection, remote, place, letter, key)) return 'there';
  const signature = await signatureOf(connection, key, file);
  const manifest = addText(layout, mediaTypes.manifest, signedManifest(config, layers, text, signature));
  writeText(join(layout, 'index.json'), indexText(manifest, place.tag));
  writeText(join(layout, 'oci-layout'), layoutText);
  await remote.send(place, layout);
  return 'pushed';
};

/** A new image layout. */
export const emptyLayout = ({ scratch }: Connection): string => {
  const layout = makeTemporary(scratch, 'layout-', 0o755);
  makeDirectory(join(layout, 'blobs/sha256'));
  return layout;
};

/** Let the kernel tag of an Artifact lead to it, where it leads to another one, or there is none. */
const pointTo = async (
  connection: Connection,
  registry: Registry,
  place: Place,
  kernelTag: string,
  text: string,
): Promise<boolean> => {
  const remote = remoteOf(connection, registry);
  const tag = kernelTagName(kernelTag);
  const answered = await remote.manifest({ ...place, tag });
  const found = 'found' in answered ? envelopeIn(answered.found ?? '') : undefined;
  if (found?.statement.toString() === text) return false;
  await remote.tag(place, tag);
  return true;
};

/** What became of one Artifact. */
interface Sent {
  readonly state: 'pushed' | 'there';
  /** Its modules' signatures were to go along, and there are none. */
  readonly unsigned?: true;
}

/**
 * Push one Artifact, and let its kernel tag lead to it. Throws registry-failed and no-push-key (FailureError).
 *
 * @param connection its private directory takes what is sent, and is the caller's to remove
 * @param kernelTag undefined where it has none, or a later build has the same
 */
export const sendArtifact = async (
  connection: Connection,
  registry: Registry,
  artifact: Artifact,
  key: PushKey,
  kernelTag: string | undefined,
): Promise<Sent> => {
  const { keepSignatures } = connection.settings.prebuilt;
  const { config, layers } = artifact;
  const signatures = keepSignatures ? await moduleSignatures(connection, artifact) : undefined;
  const statement = { ...artifact.statement, ...(signatures ? { signatures } : {}) };
  const layout = emptyLayout(connection);
  for (const blob of [config, ...layers.map((layer) => layer.blob)])
    copyFile(blobFile(artifact.directory, blob), blobFile(layout, blob));
  const text = statementText({ statement, layers }, key.fingerprint);
  const place = { repository: repositoryOf(artifact.name), tag: artifact.key };
  const file = join(connection.scratch, 'statement');
  const posted = await post(connection, registry, place, { layout, config, layers, text, file }, key);
  const isNew = kernelTag !== undefined && (await pointTo(connection, registry, place, kernelTag, text));
  const state = isNew ? 'pushed' : posted;
  return { state, ...(keepSignatures && !signatures ? { unsigned: true } : {}) };
};

/** A build that must fail wherever it is tried. */
export interface SharedFailure extends Omit<FailureClaim, 'log'> {
  /** Path of its log. */
  readonly log: string;
}

/** Push the word that a build fails, with its log. Throws as sendArtifact. */
export const sendFailure = async (
  connection: Connection,
  registry: Registry,
  shared: SharedFailure,
  key: PushKey,
): Promise<Sent> => {
  const { parts, at } = shared;
  const [name = ''] = parts.module.split('/');
  const layout = emptyLayout(connection);
  copyFile(shared.log, join(connection.scratch, 'log/make.log'));
  const log = await addLayer(connection.processes, layout, connection.scratch, 'log');
  const kernel = { arch: parts.kernel.split('/')[1] ?? '' };
  const config = addText(layout, mediaTypes.config, imageConfig(at, kernel, [log.diff]));
  const text = failureText({ ...shared, log }, key.fingerprint);
  const place = { repository: repositoryOf(name), tag: failureKey(shared.key) };
  const file = join(connection.scratch, 'statement');
  return { state: await post(connection, registry, place, { layout, config, layers: [log], text, file }, key) };
};
