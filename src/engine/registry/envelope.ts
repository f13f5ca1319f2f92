import type { Layer } from '../store/artifacts.ts';
import { annotationsIn, type Blob, contentsIn, manifestText } from '../store/layout.ts';

/**
 * A signed Artifact is the image of the Store with two annotations more in its manifest: the Statement, and its
 * signature. What a Builder does not vouch for is known before a layer is fetched. Pure.
 */

const statementAt = 'kmodsort.statement';
const signatureAt = 'kmodsort.signature';

/** What came with an Artifact, as it was signed. */
export interface Envelope {
  readonly statement: Buffer;
  /** In the armour of ssh-keygen. */
  readonly signature: string;
}

/** A manifest, of a few kilobytes, that is larger is somebody's mischief. Registries take no larger ones. */
export const mostManifestBytes = 4 * 1024 ** 2;

/** The manifest of a signed Artifact. */
export const signedManifest = (config: Blob, layers: readonly Layer[], statement: string, signature: string): string =>
  manifestText(
    config,
    layers.map(({ blob }) => blob),
    { [statementAt]: Buffer.from(statement).toString('base64'), [signatureAt]: signature },
  );

/** What a manifest carries; undefined where it is no manifest of ours, or nobody has signed it. */
export const envelopeIn = (manifest: string): (Envelope & { readonly layers: readonly Blob[] }) | undefined => {
  const contents = contentsIn(manifest) ?? contentsIn(manifest, 1);
  const { [statementAt]: statement, [signatureAt]: signature } = annotationsIn(manifest);
  if (!contents || typeof statement !== 'string' || typeof signature !== 'string') return undefined;
  return { statement: Buffer.from(statement, 'base64'), signature, layers: contents.layers };
};
