import { join } from 'node:path';
import { FailureError } from '../errors.ts';
import { type Artifact, blobFile } from '../store/artifacts.ts';
import { indexText, layoutText, mediaTypes } from '../store/layout.ts';
import { addText } from '../store/put.ts';
import { copyFile, makeDirectory, makeTemporary, writeText } from '../system/publish.ts';
import { remoteOf } from './connect.ts';
import { envelopeIn, signedManifest } from './envelope.ts';
import { type Registry, repositoryOf } from './reference.ts';
import type { Connection, Place, Remote } from './remote.ts';
import { isSignedBy, type PushKey, signatureOf } from './signers.ts';
import { statementText } from './statement.ts';

/** An Artifact of the Store, signed, goes to where other machines take it from. */

/** Whether the same bytes are there already, signed with the same key. */
const isThere = async (
  connection: Connection,
  remote: Remote,
  place: Place,
  artifact: Artifact,
  key: PushKey,
): Promise<boolean> => {
  const answered = await remote.manifest(place);
  if ('trouble' in answered) {
    const at = connection.settings.prebuilt.from ?? '';
    throw new FailureError({ kind: 'registry-failed', at, problem: answered.trouble });
  }
  const envelope = envelopeIn(answered.found ?? '');
  if (!envelope || artifact.layers.some(({ blob }, index) => envelope.layers[index]?.digest !== blob.digest))
    return false;
  const [statement, signature] = ['there', 'there.sig'].map((name) => join(connection.scratch, name));
  if (statement === undefined || signature === undefined) return false;
  writeText(statement, envelope.statement.toString());
  writeText(signature, envelope.signature);
  return isSignedBy(connection, { statement, signature }, key);
};

/** The image of the Store with a manifest that carries Statement and signature. */
const signedLayout = async (connection: Connection, artifact: Artifact, key: PushKey): Promise<string> => {
  const { config, layers } = artifact;
  const layout = makeTemporary(connection.scratch, 'layout-', 0o755);
  makeDirectory(join(layout, 'blobs/sha256'));
  for (const blob of [config, ...layers.map((layer) => layer.blob)])
    copyFile(blobFile(artifact.directory, blob), blobFile(layout, blob));
  const text = statementText(artifact, key.fingerprint);
  const file = join(connection.scratch, `statement-${artifact.key}`);
  writeText(file, text);
  const signature = await signatureOf(connection, key, file);
  const manifest = addText(layout, mediaTypes.manifest, signedManifest(config, layers, text, signature));
  writeText(join(layout, 'index.json'), indexText(manifest, artifact.key));
  writeText(join(layout, 'oci-layout'), layoutText);
  return layout;
};

/**
 * Push one Artifact. Throws registry-failed and no-push-key (FailureError).
 *
 * @param connection its private directory takes what is sent, and is the caller's to remove
 * @returns false where it was there
 */
export const sendArtifact = async (
  connection: Connection,
  registry: Registry,
  artifact: Artifact,
  key: PushKey,
): Promise<boolean> => {
  const remote = remoteOf(connection, registry);
  const place = { repository: repositoryOf(artifact.name), key: artifact.key };
  if (await isThere(connection, remote, place, artifact, key)) return false;
  await remote.send(place, await signedLayout(connection, artifact, key));
  return true;
};
