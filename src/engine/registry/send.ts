import { join } from 'node:path';
import { FailureError } from '../errors.ts';
import { type Artifact, blobFile } from '../store/artifacts.ts';
import { indexText, layoutText, mediaTypes } from '../store/layout.ts';
import { addText } from '../store/put.ts';
import { copyFile, makeDirectory, makeTemporary, writeText } from '../system/publish.ts';
import { remoteOf } from './connect.ts';
import { envelopeIn, signedManifest } from './envelope.ts';
import { moduleSignatures } from './module-signatures.ts';
import { type Registry, repositoryOf } from './reference.ts';
import type { Connection, Place, Remote } from './remote.ts';
import { isSignedBy, type PushKey, signatureOf } from './signers.ts';
import { statementText } from './statement.ts';

/** An Artifact of the Store, signed, goes to where other machines take it from. */

/** What is said of an Artifact, and by whom. */
interface Letter {
  readonly artifact: Artifact;
  readonly text: string;
  /** The file that the text is in. */
  readonly file: string;
  readonly key: PushKey;
}

/** Whether the same is there already, and signed with the same key. */
const isThere = async (connection: Connection, remote: Remote, place: Place, letter: Letter): Promise<boolean> => {
  const answered = await remote.manifest(place);
  if ('trouble' in answered) {
    const at = connection.settings.prebuilt.from ?? '';
    throw new FailureError({ kind: 'registry-failed', at, problem: answered.trouble });
  }
  const { artifact, text, file, key } = letter;
  const envelope = envelopeIn(answered.found ?? '');
  if (envelope?.statement.toString() !== text) return false;
  if (artifact.layers.some(({ blob }, index) => envelope.layers[index]?.digest !== blob.digest)) return false;
  const signature = join(connection.scratch, 'signature-there');
  writeText(signature, envelope.signature);
  return isSignedBy(connection, { statement: file, signature }, key);
};

/** The image of the Store with a manifest that carries Statement and signature. */
const signedLayout = async (connection: Connection, { artifact, text, file, key }: Letter): Promise<string> => {
  const { config, layers } = artifact;
  const layout = makeTemporary(connection.scratch, 'layout-', 0o755);
  makeDirectory(join(layout, 'blobs/sha256'));
  for (const blob of [config, ...layers.map((layer) => layer.blob)])
    copyFile(blobFile(artifact.directory, blob), blobFile(layout, blob));
  const signature = await signatureOf(connection, key, file);
  const manifest = addText(layout, mediaTypes.manifest, signedManifest(config, layers, text, signature));
  writeText(join(layout, 'index.json'), indexText(manifest, artifact.key));
  writeText(join(layout, 'oci-layout'), layoutText);
  return layout;
};

/** What became of one Artifact. */
interface Sent {
  readonly state: 'pushed' | 'there';
  /** Its modules' signatures were to go along, and there are none. */
  readonly unsigned?: true;
}

/**
 * Push one Artifact. Throws registry-failed and no-push-key (FailureError).
 *
 * @param connection its private directory takes what is sent, and is the caller's to remove
 */
export const sendArtifact = async (
  connection: Connection,
  registry: Registry,
  artifact: Artifact,
  key: PushKey,
): Promise<Sent> => {
  const { keepSignatures } = connection.settings.prebuilt;
  const signatures = keepSignatures ? await moduleSignatures(connection, artifact) : undefined;
  const statement = { ...artifact.statement, ...(signatures ? { signatures } : {}) };
  const text = statementText({ statement, layers: artifact.layers }, key.fingerprint);
  const file = join(connection.scratch, 'statement');
  writeText(file, text);
  const remote = remoteOf(connection, registry);
  const place = { repository: repositoryOf(artifact.name), key: artifact.key };
  const letter = { artifact, text, file, key };
  const marks = keepSignatures && !signatures ? ({ unsigned: true } as const) : {};
  if (await isThere(connection, remote, place, letter)) return { state: 'there', ...marks };
  await remote.send(place, await signedLayout(connection, letter));
  return { state: 'pushed', ...marks };
};
