import { isKernelPackage } from '../kernel/kernel-package.ts';
import type { Kernel, KernelPackage } from '../request.ts';
import type { KeyParts } from '../state/record.ts';
import { isObject, type JsonObject, parseJson } from '../system/json.ts';

/**
 * An Artifact as an OCI image layout of one image, so that any tool for registries can move it. Source: OCI Image
 * Format Specification 1.0, image-layout.md, manifest.md, config.md. Pure.
 */

/**
 * Whether a build was confined: by a machine that builds in no other way (`strict`), by one that would have gone on without
 * it (`auto`), or not.
 */
const confinements = ['strict', 'auto', 'no'] as const;
export type Confined = (typeof confinements)[number];

/** Whether a value that somebody wrote is one. */
export const isConfined = (value: unknown): value is Confined => confinements.some((one) => one === value);

/** What an Artifact says of itself. */
export interface Statement {
  readonly format: 1;
  /** SHA-256 in hex. */
  readonly key: string;
  readonly parts: KeyParts;
  /** When it was built, ISO 8601. */
  readonly built: string;
  /** How long that took. */
  readonly seconds: number;
  /** As in the build's record: of all objects, before they were signed and compressed. */
  readonly result: string;
  /** File name of each object to its SHA-256, without a signature. */
  readonly objects: Readonly<Record<string, string>>;
  /** The package of the headers that it was built with; missing where none has them. */
  readonly kernelPackage?: KernelPackage;
  /** The version string that modules of the kernel carry. */
  readonly vermagic?: string;
  /** Unknown of builds of earlier versions of ours. */
  readonly confined?: Confined;
  /** The Builder that it came from, by the name that allowed_signers has for it; missing of what was built here. */
  readonly by?: string;
  /** Fingerprint of the key that the Builder has signed it with, `SHA256:…`. */
  readonly signer?: string;
  /** File name of each object to the signature that the Builder has appended to it, in base64. */
  readonly signatures?: Readonly<Record<string, string>>;
}

/** A file below blobs/, named by what is in it. */
export interface Blob {
  readonly mediaType: string;
  /** `sha256:` and 64 hex digits. */
  readonly digest: string;
  readonly size: number;
}

/** How layers are compressed. */
export type LayerCompression = 'zstd' | 'gzip';

export const mediaTypes = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
} as const;

const json = (value: unknown): string => `${JSON.stringify(value, undefined, 1)}\n`;

/** What makes a directory an image layout. */
export const layoutText = json({ imageLayoutVersion: '1.0.0' });

/** index.json: the one image, by the name that a registry knows it by. */
export const indexText = (manifest: Blob, name: string): string =>
  json({
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: [{ ...manifest, annotations: { 'org.opencontainers.image.ref.name': name } }],
  });

export const manifestText = (
  config: Blob,
  layers: readonly Blob[],
  annotations?: Readonly<Record<string, string>>,
): string =>
  json({ schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers, ...(annotations ? { annotations } : {}) });

/** The names of Go, which the specification goes by. */
const architectures: Readonly<Record<string, string>> = {
  x86_64: 'amd64',
  aarch64: 'arm64',
  armv7l: 'arm',
  i686: '386',
  loongarch64: 'loong64',
};

/**
 * The configuration of an image.
 *
 * @param created ISO 8601
 * @param diffs `sha256:…` of each layer before it was compressed
 * @param more what else stands in it
 */
export const imageConfig = (
  created: string,
  { arch }: Pick<Kernel, 'arch'>,
  diffs: readonly string[],
  more = {},
): string =>
  json({
    created,
    architecture: architectures[arch] ?? arch,
    os: 'linux',
    config: {},
    rootfs: { type: 'layers', diff_ids: diffs },
    ...more,
  });

/** The same with a Statement. */
export const configText = (statement: Statement, kernel: Kernel, diffs: readonly string[]): string =>
  imageConfig(statement.built, kernel, diffs, { kmodsort: statement });

/** A digest is a file name for us: nothing else than this form leaves this room. */
const isBlob = (value: unknown): value is Blob =>
  isObject(value) &&
  typeof value.mediaType === 'string' &&
  typeof value.size === 'number' &&
  typeof value.digest === 'string' &&
  /^sha256:[0-9a-f]{64}$/.test(value.digest);

/** The manifest that index.json names; undefined unless it is one of ours. */
export const manifestIn = (text: string): Blob | undefined => {
  const index = parseJson(text);
  const [manifest] = isObject(index) && Array.isArray(index.manifests) ? index.manifests : [];
  return isBlob(manifest) ? manifest : undefined;
};

/** What a manifest names; undefined unless it is one of ours, with so many layers. */
export const contentsIn = (
  text: string,
  count = 2,
): { readonly config: Blob; readonly layers: readonly Blob[] } | undefined => {
  const manifest = parseJson(text);
  if (!isObject(manifest) || !Array.isArray(manifest.layers)) return undefined;
  const { config } = manifest;
  const layers: unknown[] = manifest.layers;
  return isBlob(config) && layers.every(isBlob) && layers.length === count ? { config, layers } : undefined;
};

/** The annotations of a manifest; none where it is none. */
export const annotationsIn = (text: string): JsonObject => {
  const manifest = parseJson(text);
  return isObject(manifest) && isObject(manifest.annotations) ? manifest.annotations : {};
};

const isTexts = (value: unknown): value is Readonly<Record<string, string>> =>
  isObject(value) && Object.values(value).every((one) => typeof one === 'string');

const isParts = (value: unknown): value is KeyParts =>
  isObject(value) &&
  value.format === 1 &&
  typeof value.module === 'string' &&
  typeof value.kernel === 'string' &&
  typeof value.sources === 'string' &&
  isTexts(value.dependencies);

const isStatement = (value: unknown): value is Statement =>
  isObject(value) &&
  value.format === 1 &&
  typeof value.key === 'string' &&
  isParts(value.parts) &&
  typeof value.built === 'string' &&
  typeof value.seconds === 'number' &&
  typeof value.result === 'string' &&
  isTexts(value.objects) &&
  (value.kernelPackage === undefined || isKernelPackage(value.kernelPackage)) &&
  (value.vermagic === undefined || typeof value.vermagic === 'string') &&
  (value.confined === undefined || isConfined(value.confined)) &&
  (value.by === undefined || typeof value.by === 'string') &&
  (value.signer === undefined || typeof value.signer === 'string') &&
  (value.signatures === undefined || isTexts(value.signatures));

/** The Statement in a configuration; undefined if there is none that we can read. */
export const statementIn = (text: string): Statement | undefined => {
  const config = parseJson(text);
  return isObject(config) && isStatement(config.kmodsort) ? config.kmodsort : undefined;
};

/** `sha256:…` of each layer before it was compressed, as a configuration says; none where it is none of ours. */
export const diffsIn = (text: string): string[] => {
  const config = parseJson(text);
  const rootfs = isObject(config) ? config.rootfs : undefined;
  const diffs: unknown[] = isObject(rootfs) && Array.isArray(rootfs.diff_ids) ? rootfs.diff_ids : [];
  return diffs.filter((diff): diff is string => typeof diff === 'string');
};
