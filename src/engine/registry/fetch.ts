import { join } from 'node:path';
import { keyOf } from '../key/key.ts';
import type { Problem } from '../problems.ts';
import { isItself, type Layer } from '../store/artifacts.ts';
import type { Blob, Statement } from '../store/layout.ts';
import { unpackLayer, wrongObject } from '../store/take.ts';
import { stat } from '../system/files.ts';
import { writeText } from '../system/publish.ts';
import { remoteOf } from './connect.ts';
import { envelopeIn } from './envelope.ts';
import { artifactName, type Registry, registryOf, repositoryOf } from './reference.ts';
import type { Connection, Place } from './remote.ts';
import { builderOf, signersProblem } from './signers.ts';
import { type Claim, readStatement } from './statement.ts';

/**
 * Take a prebuilt Artifact from where nobody is believed: a listed Builder has signed what it says of itself, it is the
 * build that this machine would make, and every byte of it is what was signed.
 */

/** Bytes of a layer; what a build leaves is a thousandth of it. */
const mostLayerBytes = 1024 ** 3;

/** An Artifact that is what a Builder has signed, unpacked. */
export interface Fetched {
  readonly statement: Statement;
  /** Each with the file that it is in. */
  readonly layers: readonly (Layer & { readonly file: string })[];
  /** As takeArtifact leaves it: what was built in `0`, the log in `1`. */
  readonly directory: string;
}

/** What came of it. */
export type Fetching =
  | { readonly fetched: Fetched; readonly artifact: string }
  | { readonly missing: true; readonly artifact: string }
  /** It is there, and not to be used. */
  | { readonly refused: Problem; readonly artifact: string }
  /** Nobody knows whether it is there, and of any other neither. */
  | { readonly trouble: Problem; readonly registry: string };

/** Which problems are the way's, or this machine's, so that the next Artifact would have them, too. */
const isOfTheWay = ({ problem }: Problem): boolean =>
  problem === 'said' || problem === 'no-answer' || problem === 'credentials-refused';

const layersProblem = (claim: Claim, found: readonly Blob[]): Problem | undefined => {
  for (const [index, { blob }] of claim.layers.entries()) {
    if (found[index]?.digest !== blob.digest) return { problem: 'not-as-signed', what: `layer ${index}` };
    const { size } = blob;
    if (size > mostLayerBytes) return { problem: 'too-large', what: blob.digest, size, most: mostLayerBytes };
  }
  return undefined;
};

/** The signed claim of an Artifact, in the order in which it is to be trusted; or the first reason against it. */
const claimOf = async (
  connection: Connection,
  manifest: string,
  key: string,
): Promise<{ readonly claim: Claim; readonly by: string } | { readonly problem: Problem }> => {
  const envelope = envelopeIn(manifest);
  if (!envelope) return { problem: { problem: 'no-statement' } };
  const files = { statement: join(connection.scratch, 'statement'), signature: join(connection.scratch, 'signature') };
  const text = envelope.statement.toString();
  writeText(files.statement, text);
  writeText(files.signature, envelope.signature);
  const builder = await builderOf(connection, files);
  if ('problem' in builder) return builder;
  const claim = readStatement(text);
  if ('problem' in claim) return claim;
  const found = claim.statement.key;
  if (found !== key || keyOf(claim.statement.parts) !== key) return { problem: { problem: 'other-key', found } };
  const problem = layersProblem(claim, envelope.layers);
  return problem ? { problem } : { claim, by: builder.by };
};

/** Every file is the one that was signed, and unpacks to the objects that were. */
const contentsProblem = async (
  { processes }: Connection,
  { statement }: Claim,
  layers: Fetched['layers'],
  directory: string,
): Promise<Problem | undefined> => {
  for (const { file, blob } of layers)
    if (stat(file)?.kind !== 'file' || !isItself(file, blob)) return { problem: 'not-as-signed', what: blob.digest };
  for (const [index, { file }] of layers.entries()) {
    const problem = await unpackLayer(processes, file, join(directory, String(index)));
    if (problem) return problem;
  }
  const wrong = wrongObject(statement, join(directory, '0'));
  return wrong === undefined ? undefined : { problem: 'not-as-signed', what: wrong };
};

const fetchFrom = async (
  connection: Connection,
  registry: Registry,
  place: Place,
  artifact: string,
): Promise<Fetching> => {
  const remote = remoteOf(connection, registry);
  const onTheWay = (problem: Problem): Fetching =>
    isOfTheWay(problem)
      ? { trouble: problem, registry: connection.settings.prebuilt.from ?? '' }
      : { refused: problem, artifact };
  const manifest = await remote.manifest(place);
  if ('trouble' in manifest) return onTheWay(manifest.trouble);
  if (manifest.found === undefined) return { missing: true, artifact };
  const claimed = await claimOf(connection, manifest.found, place.key);
  if ('problem' in claimed) return onTheWay(claimed.problem);
  const { claim, by } = claimed;
  const directory = connection.scratch;
  const blobs = claim.layers.map(({ blob }) => blob);
  const trouble = await remote.fetch(place, manifest.found, blobs, directory);
  if (trouble) return onTheWay(trouble);
  const layers = claim.layers.map((layer) => {
    return { ...layer, file: join(directory, layer.blob.digest.slice('sha256:'.length)) };
  });
  const refused = await contentsProblem(connection, claim, layers, directory);
  if (refused) return { refused, artifact };
  return { fetched: { statement: { ...claim.statement, by }, layers, directory }, artifact };
};

/**
 * Fetch the Artifact of a module.
 *
 * @param connection its private directory takes what comes, and is the caller's to remove
 * @param key that this machine has computed
 */
export const fetchArtifact = async (connection: Connection, module: string, key: string): Promise<Fetching> => {
  const { from = '' } = connection.settings.prebuilt;
  const registry = registryOf(from);
  if (!registry) return { trouble: { problem: 'registry-name', name: from }, registry: from };
  const trouble = signersProblem(connection.settings);
  if (trouble) return { trouble, registry: from };
  const place = { repository: repositoryOf(module), key };
  return fetchFrom(connection, registry, place, artifactName(registry, module, key));
};
