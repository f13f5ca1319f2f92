import { join } from 'node:path';
import { kernelTagOf } from '../key/kernel-tag.ts';
import { keyOf } from '../key/key.ts';
import type { Problem } from '../problems.ts';
import type { KernelPackage } from '../request.ts';
import type { KeyParts } from '../state/record.ts';
import { isItself, type Layer } from '../store/artifacts.ts';
import type { Blob } from '../store/layout.ts';
import { stat } from '../system/files.ts';
import { writeText } from '../system/publish.ts';
import { envelopeIn } from './envelope.ts';
import type { Connection, Place, Remote } from './remote.ts';
import { builderOf, type Signer } from './signers.ts';

/** What a listed Builder has signed about what this machine looks for, every byte of it compared. */

/** Bytes of a layer; what a build leaves is a thousandth of it. */
const mostLayerBytes = 1024 ** 3;

/** What comes in layers. */
interface Layered {
  readonly layers: readonly Layer[];
}

/** What every Statement about a build says. */
export interface Signed extends Layered {
  readonly key: string;
  readonly parts: KeyParts;
  readonly kernelPackage?: KernelPackage;
}

/** What is looked for: by the Key that this machine has computed, or by a kernel tag. */
export type Wanted = { readonly key: string } | { readonly tag: string };

/** What came, and who vouches for it. */
export interface Believed<T> extends Signer {
  readonly claim: T;
  /** Each with the file that it is in. */
  readonly layers: readonly (Layer & { readonly file: string })[];
}

/** What came of asking. */
export type Bringing<T> =
  | { readonly believed: Believed<T> }
  | { readonly missing: true }
  /** It is there, and not to be used. */
  | { readonly refused: Problem }
  /** Nobody knows whether it is there, and of any other neither. */
  | { readonly trouble: Problem };

/** Which problems are the way's, or this machine's, so that the next Artifact would have them, too. */
const isOfTheWay = ({ problem }: Problem): boolean =>
  problem === 'said' || problem === 'no-answer' || problem === 'credentials-refused';

const against = (problem: Problem): { readonly refused: Problem } | { readonly trouble: Problem } =>
  isOfTheWay(problem) ? { trouble: problem } : { refused: problem };

const layersProblem = ({ layers }: Layered, found: readonly Blob[]): Problem | undefined => {
  for (const [index, { blob }] of layers.entries()) {
    if (found[index]?.digest !== blob.digest) return { problem: 'not-as-signed', what: `layer ${index}` };
    const { size } = blob;
    if (size > mostLayerBytes) return { problem: 'too-large', what: blob.digest, size, most: mostLayerBytes };
  }
  return undefined;
};

const labelOf = ({ manager, name, version }: KernelPackage): string => `${manager}: ${name} ${version}`;

/** Why a Statement is not about what was looked for; undefined if it is. */
const otherBuild = ({ key, parts, kernelPackage }: Signed, wanted: Wanted): Problem | undefined => {
  if ('key' in wanted)
    return key === wanted.key && keyOf(parts) === key ? undefined : { problem: 'other-key', found: key };
  const isIt = keyOf(parts) === key && kernelPackage && kernelTagOf(parts, kernelPackage) === wanted.tag;
  if (isIt) return undefined;
  const found = `${parts.module}, ${parts.kernel}`;
  return { problem: 'other-kernel-tag', found, ...(kernelPackage ? { kernelPackage: labelOf(kernelPackage) } : {}) };
};

/** Reads the text of a Statement, and says what is wrong with it. */
export type Read<T> = (text: string) => T | { readonly problem: Problem };

/** Reads a Statement that has to be about what was looked for. */
export const about =
  <T extends Signed>(wanted: Wanted, read: Read<T>): Read<T> =>
  (text) => {
    const claim = read(text);
    if ('problem' in claim) return claim;
    const problem = otherBuild(claim, wanted);
    return problem ? { problem } : claim;
  };

/** The signed claim of a manifest, in the order in which it is to be trusted; or the first reason against it. */
const claimOf = async <T extends Layered>(
  connection: Connection,
  manifest: string,
  read: Read<T>,
): Promise<Pick<Believed<T>, 'claim' | keyof Signer> | { readonly problem: Problem }> => {
  const envelope = envelopeIn(manifest);
  if (!envelope) return { problem: { problem: 'no-statement' } };
  const files = { statement: join(connection.scratch, 'statement'), signature: join(connection.scratch, 'signature') };
  const text = envelope.statement.toString();
  writeText(files.statement, text);
  writeText(files.signature, envelope.signature);
  const builder = await builderOf(connection, files);
  if ('problem' in builder) return builder;
  const claim = read(text);
  if ('problem' in claim) return claim;
  const problem = layersProblem(claim, envelope.layers);
  return problem ? { problem } : { claim, ...builder };
};

/**
 * Bring what is in a place, if a listed Builder has signed it.
 *
 * @param connection its private directory takes what comes
 * @param read reads the Statement, and refuses one that is about something else
 */
export const bring = async <T extends Layered>(
  connection: Connection,
  remote: Remote,
  place: Place,
  read: Read<T>,
): Promise<Bringing<T>> => {
  const manifest = await remote.manifest(place);
  if ('trouble' in manifest) return against(manifest.trouble);
  if (manifest.found === undefined) return { missing: true };
  const claimed = await claimOf(connection, manifest.found, read);
  if ('problem' in claimed) return against(claimed.problem);
  const { claim, by, signer } = claimed;
  const blobs = claim.layers.map(({ blob }) => blob);
  const trouble = await remote.fetch(place, manifest.found, blobs, connection.scratch);
  if (trouble) return against(trouble);
  const layers = claim.layers.map((layer) => {
    return { ...layer, file: join(connection.scratch, layer.blob.digest.slice('sha256:'.length)) };
  });
  const wrong = layers.find(({ file, blob }) => stat(file)?.kind !== 'file' || !isItself(file, blob));
  return wrong
    ? { refused: { problem: 'not-as-signed', what: wrong.blob.digest } }
    : { believed: { claim, by, signer, layers } };
};
