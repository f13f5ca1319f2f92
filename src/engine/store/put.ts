import { dirname, join } from 'node:path';
import { type Failure, FailureError, saidFailure } from '../errors.ts';
import { findCommand } from '../kernel/kernel.ts';
import type { Kernel } from '../request.ts';
import { artifactDirectory } from '../state/paths.ts';
import { systemPath } from '../system/environment.ts';
import type { Argv, Processes } from '../system/exec.ts';
import { hashBytes, hashFile, stat } from '../system/files.ts';
import { makeDirectory, makeTemporary, remove, rename, writeText } from '../system/publish.ts';
import { blobFile, hasArtifact, type Layer, publishArtifact } from './artifacts.ts';
import {
  type Blob,
  configText,
  indexText,
  type LayerCompression,
  layoutText,
  manifestText,
  mediaTypes,
  type Statement,
} from './layout.ts';

/** What was built becomes an Artifact in the Store. */

/** What goes into an Artifact, in a directory of its own: each layer is one directory in it. */
export interface Parcel {
  readonly directory: string;
  /** Names of the directories. */
  readonly layers: readonly [string, string];
}

const ended = async (processes: Processes, argv: Argv): Promise<void> => {
  const { code, errors, problem } = await processes.ask(argv, { limit: 600 });
  const failure: Failure = { ...saidFailure(errors), ...(errors === '' ? { detail: problem } : {}) };
  if (code !== 0) throw new FailureError(failure);
};

/** zstd(1) where it is there: it takes a tenth of the time of gzip(1), which is there on every machine that has tar. */
const compressionHere = (): LayerCompression => (findCommand('zstd', systemPath) ? 'zstd' : 'gzip');

/** The same files make the same bytes, whoever packs them and when. */
const reproducible = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', '--format=gnu'];

const blobOf = (mediaType: string, path: string): Blob => ({
  mediaType,
  digest: `sha256:${hashFile(path)}`,
  size: stat(path)?.size ?? 0,
});

/** Put a text into an image layout. */
export const addText = (layout: string, mediaType: string, text: string): Blob => {
  const blob = { mediaType, digest: `sha256:${hashBytes(text)}`, size: Buffer.byteLength(text) };
  writeText(blobFile(layout, blob), text);
  return blob;
};

/** Put a directory into an image layout, as a layer. Throws FailureError. */
export const addLayer = async (
  processes: Processes,
  layout: string,
  directory: string,
  name: string,
): Promise<Layer> => {
  const tar = join(layout, `${name}.tar`);
  const compression = compressionHere();
  await ended(processes, [
    'tar',
    '--create',
    ...reproducible,
    '--file',
    tar,
    '--directory',
    join(directory, name),
    '.',
  ]);
  const diff = `sha256:${hashFile(tar)}`;
  const [program, suffix] = compression === 'zstd' ? (['zstd', '.zst'] as const) : (['gzip', '.gz'] as const);
  await ended(processes, compression === 'zstd' ? [program, '-q', '--rm', tar] : [program, '-n', tar]);
  const blob = blobOf(`${mediaTypes.layer}+${compression}`, `${tar}${suffix}`);
  rename(`${tar}${suffix}`, blobFile(layout, blob));
  return { blob, diff };
};

/** A layout is filled beside its place, made durable, and renamed. */
const publishFilled = async (
  stateDir: string,
  name: string,
  kernel: Kernel,
  statement: Statement,
  fill: (layout: string) => readonly Layer[] | Promise<readonly Layer[]>,
): Promise<void> => {
  const { key } = statement;
  if (hasArtifact(stateDir, name, key)) return;
  const layout = makeTemporary(dirname(artifactDirectory(stateDir, name, key)), '.tmp_', 0o755);
  try {
    makeDirectory(join(layout, 'blobs/sha256'));
    const layers = await fill(layout);
    const diffs = layers.map(({ diff }) => diff);
    const config = addText(layout, mediaTypes.config, configText(statement, kernel, diffs));
    const blobs = layers.map(({ blob }) => blob);
    const manifest = addText(layout, mediaTypes.manifest, manifestText(config, blobs));
    writeText(join(layout, 'index.json'), indexText(manifest, key));
    writeText(join(layout, 'oci-layout'), layoutText);
    publishArtifact(stateDir, name, key, layout);
  } finally {
    remove(layout);
  }
};

/**
 * Put what was built into the Store: packed beside its place, made durable, and renamed. Throws FailureError; then
 * there is no Artifact, or the one of another run.
 */
export const putArtifact = (
  processes: Processes,
  stateDir: string,
  name: string,
  kernel: Kernel,
  statement: Statement,
  { directory, layers }: Parcel,
): Promise<void> =>
  publishFilled(stateDir, name, kernel, statement, async (layout) => {
    const made: Layer[] = [];
    for (const layer of layers) made.push(await addLayer(processes, layout, directory, layer));
    return made;
  });

/** Put layers into the Store that are packed already; each is moved there, from a directory of the same file system. */
export const putLayers = (
  stateDir: string,
  name: string,
  kernel: Kernel,
  statement: Statement,
  layers: readonly (Layer & { readonly file: string })[],
): Promise<void> =>
  publishFilled(stateDir, name, kernel, statement, (layout) => {
    for (const { file, blob } of layers) rename(file, blobFile(layout, blob));
    return layers;
  });
