import { dirname, join } from 'node:path';
import { keyOf } from '../key/key.ts';
import { artifactDirectory, storeDirectory } from '../state/paths.ts';
import { entriesIn, hashBytes, hashFile, isDirectory, readDirectory, readText, stat, walk } from '../system/files.ts';
import { lookOr } from '../system/look.ts';
import { remove, removeEmpty, rename, syncPath } from '../system/publish.ts';
import { mayBeAnybodys } from '../system/trust.ts';
import { type Blob, contentsIn, diffsIn, manifestIn, type Statement, statementIn } from './layout.ts';

/** The Artifacts in the Store of this machine: one directory each, which is there whole or not at all. */

/** A layer of an Artifact. */
export interface Layer {
  readonly blob: Blob;
  /** `sha256:…` before it was compressed. */
  readonly diff: string;
}

/** An Artifact, as it stands in the Store. */
export interface Artifact {
  readonly name: string;
  readonly key: string;
  readonly directory: string;
  readonly statement: Statement;
  readonly config: Blob;
  /** What was built, and the log. */
  readonly layers: readonly Layer[];
}

/** Where a blob is in an image layout. */
export const blobFile = (directory: string, { digest }: Blob): string =>
  join(directory, 'blobs/sha256', digest.slice('sha256:'.length));

/** The text of a blob, if it is what its name says. */
const textOf = (directory: string, blob: Blob): string | undefined => {
  const text = readText(blobFile(directory, blob));
  return text !== undefined && `sha256:${hashBytes(text)}` === blob.digest ? text : undefined;
};

/** Whether a file has the size and the hash that its name says. */
export const isItself = (path: string, { digest, size }: Blob): boolean =>
  stat(path)?.size === size && `sha256:${hashFile(path)}` === digest;

/** What the index leads to, each blob compared with its name. */
const readLayout = (directory: string): Pick<Artifact, 'statement' | 'config' | 'layers'> | undefined => {
  const manifest = manifestIn(readText(join(directory, 'index.json')) ?? '');
  const contents = manifest && contentsIn(textOf(directory, manifest) ?? '');
  if (!contents) return undefined;
  const { config } = contents;
  const text = textOf(directory, config) ?? '';
  const [statement, diffs] = [statementIn(text), diffsIn(text)];
  return statement && { statement, config, layers: contents.layers.map((blob, i) => ({ blob, diff: diffs[i] ?? '' })) };
};

const artifactIn = (directory: string, name: string, key: string): Artifact | undefined => {
  const found = readLayout(directory);
  if (!found) return undefined;
  const { statement } = found;
  if (statement.key !== key || keyOf(statement.parts) !== key) return undefined;
  const isWhole = found.layers.every(({ blob }) => isItself(blobFile(directory, blob), blob));
  return isWhole ? { name, key, directory, ...found } : undefined;
};

/** Take an Artifact out of the Store; no error if it is not there. */
export const dropArtifact = (stateDir: string, name: string, key: string): void => {
  const directory = artifactDirectory(stateDir, name, key);
  // Out of the way first: it is there whole or not at all.
  const aside = join(dirname(directory), `.tmp_${key}.dropped`);
  if (!isDirectory(directory)) return;
  remove(aside);
  rename(directory, aside);
  remove(aside);
  removeEmpty(dirname(directory), storeDirectory(stateDir));
};

/** An Artifact with all its hashes right; a damaged one is dropped. Undefined if there is none. */
export const findArtifact = (stateDir: string, name: string, key: string): Artifact | undefined => {
  const directory = artifactDirectory(stateDir, name, key);
  if (!isDirectory(directory) || mayBeAnybodys(directory)) return undefined;
  const found = lookOr(
    () => artifactIn(directory, name, key),
    () => undefined,
  );
  if (!found) dropArtifact(stateDir, name, key);
  return found;
};

/** What an Artifact says of itself, its layers not looked at; undefined of one that cannot be read. */
export const statementOf = (stateDir: string, name: string, key: string): Statement | undefined =>
  lookOr(
    () => readLayout(artifactDirectory(stateDir, name, key))?.statement,
    () => undefined,
  );

/** Whether there is an Artifact, whole or not. */
export const hasArtifact = (stateDir: string, name: string, key: string): boolean =>
  isDirectory(artifactDirectory(stateDir, name, key));

/** A finished image layout becomes the Artifact, unless another run was faster. */
export const publishArtifact = (stateDir: string, name: string, key: string, layout: string): void => {
  const directory = artifactDirectory(stateDir, name, key);
  for (const file of walk(layout)) syncPath(join(layout, file));
  for (const place of ['blobs/sha256', 'blobs', '']) syncPath(join(layout, place));
  if (isDirectory(directory)) remove(layout);
  else rename(layout, directory);
  syncPath(dirname(directory));
};

/** One Artifact without a look at what is in it. */
export interface StoredArtifact {
  readonly name: string;
  readonly key: string;
  readonly bytes: number;
  /** When it was built or taken last, ms. */
  readonly usedMs: number;
}

const bytesIn = (directory: string): number =>
  walk(directory).reduce((sum, file) => sum + (stat(join(directory, file))?.size ?? 0), 0);

/** Everything in the Store, the longest unused first. */
export const storedArtifacts = (stateDir: string): StoredArtifact[] => {
  const top = storeDirectory(stateDir);
  const names = entriesIn(top).filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'));
  return names
    .flatMap(({ name }) =>
      readDirectory(join(top, name))
        .filter((key) => /^[0-9a-f]{64}$/.test(key))
        .map((key) => {
          const directory = artifactDirectory(stateDir, name, key);
          return { name, key, bytes: bytesIn(directory), usedMs: stat(directory)?.mtimeMs ?? 0 };
        }),
    )
    .sort((a, b) => a.usedMs - b.usedMs);
};
