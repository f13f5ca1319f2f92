import type { KeyParts } from '../state/record.ts';
import type { Layer } from '../store/artifacts.ts';
import type { JsonObject } from '../system/json.ts';
import {
  hashAt,
  isHash,
  listAt,
  Malformed,
  objectAt,
  predicateType,
  statementType,
  textAt,
  textsAt,
} from './fields.ts';

/**
 * What a Builder says of an Artifact, in the words that other tools for provenance read. Sources: in-toto Attestation
 * Framework, Statement v1 and ResourceDescriptor v1; SLSA Provenance v1. Pure.
 */

/** How the hashes of a Key's parts are called: no hash of one file, but of the contents of many. */
const contentsHash = 'kmodsortContents';

/** A ResourceDescriptor, as far as we use it. */
export interface Descriptor {
  readonly name: string;
  readonly digest?: Readonly<Record<string, string>>;
  /** Base64. */
  readonly content?: string;
}

/** One part of a Key: a hash as it is, any other text as content. */
const descriptorOf = (name: string, value: string): Descriptor =>
  isHash(value)
    ? { name, digest: { [contentsHash]: value } }
    : { name, content: Buffer.from(value).toString('base64') };

/** Parts that are said elsewhere, or not one text each. */
type Elsewhere = 'format' | 'module' | 'kernel' | 'directory' | 'given' | 'dependencies';
const inputs = [
  'sources',
  'conf',
  'headers',
  'kbuild',
  'environment',
  'compiler',
  'linker',
  'pahole',
] as const satisfies readonly Exclude<keyof KeyParts, Elsewhere>[];

const dependencyMark = 'dependency ';

/** What went into a build. */
const dependenciesOf = (parts: KeyParts): Descriptor[] => [
  ...inputs.filter((name) => parts[name] !== '').map((name) => descriptorOf(name, parts[name])),
  ...Object.entries(parts.dependencies).map(([name, value]) => descriptorOf(`${dependencyMark}${name}`, value)),
];

const partValue = (descriptor: JsonObject): string =>
  descriptor.digest === undefined
    ? Buffer.from(textAt(descriptor, 'content'), 'base64').toString()
    : hashAt(descriptor, contentsHash);

/** The same again. Throws Malformed. */
export const partsOf = (definition: JsonObject): KeyParts => {
  const [external, internal] = [objectAt(definition, 'externalParameters'), objectAt(definition, 'internalParameters')];
  const resolved = new Map(
    listAt(definition, 'resolvedDependencies').map((one): [string, string] => {
      const descriptor = objectAt(one);
      return [textAt(descriptor, 'name'), partValue(descriptor)];
    }),
  );
  const part = (name: (typeof inputs)[number]): string => resolved.get(name) ?? '';
  const dependencies = [...resolved].filter(([name]) => name.startsWith(dependencyMark));
  return {
    format: 1,
    module: textAt(external, 'module'),
    kernel: textAt(external, 'kernel'),
    directory: textAt(internal, 'directory'),
    sources: part('sources'),
    conf: part('conf'),
    headers: part('headers'),
    kbuild: part('kbuild'),
    environment: part('environment'),
    compiler: part('compiler'),
    linker: part('linker'),
    pahole: part('pahole'),
    given: textsAt(external, 'given'),
    dependencies: Object.fromEntries(dependencies.map(([name, value]) => [name.slice(dependencyMark.length), value])),
  };
};

/** A layer of an image, under a name. */
export const layerDescriptor = (name: string, { blob, diff }: Layer) => ({
  name,
  digest: { sha256: blob.digest.slice('sha256:'.length) },
  mediaType: blob.mediaType,
  annotations: { size: blob.size, diffId: diff },
});

/** The same again. Throws Malformed. */
export const layerOf = (value: unknown, name: string): Layer => {
  const descriptor = objectAt(value);
  const { size, diffId } = objectAt(descriptor, 'annotations');
  if (descriptor.name !== name) throw new Malformed('byproducts');
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) throw new Malformed('annotations.size');
  if (typeof diffId !== 'string' || !/^sha256:[0-9a-f]{64}$/.test(diffId)) throw new Malformed('annotations.diffId');
  const digest = `sha256:${hashAt(descriptor, 'sha256')}`;
  return { blob: { mediaType: textAt(descriptor, 'mediaType'), digest, size }, diff: diffId };
};

/** What is said of something that came out of a build, or did not. */
export interface Provenance {
  readonly buildType: string;
  /** Names to SHA-256. */
  readonly subject: Readonly<Record<string, string>>;
  readonly key: string;
  readonly parts: KeyParts;
  /** What else the Builder knows of it. */
  readonly internal: Readonly<Record<string, unknown>>;
  /** ISO 8601. */
  readonly finished: string;
  readonly seconds?: number;
  readonly byproducts: readonly (Descriptor | ReturnType<typeof layerDescriptor>)[];
}

/**
 * The text that is signed.
 *
 * @param builder fingerprint of the key that signs
 */
export const provenanceText = (provenance: Provenance, builder: string): string => {
  const { buildType, subject, key, parts, internal, finished, seconds = 0, byproducts } = provenance;
  const { module, kernel, directory, given } = parts;
  const value = {
    _type: statementType,
    subject: Object.entries(subject).map(([name, sha256]) => ({ name, digest: { sha256 } })),
    predicateType,
    predicate: {
      buildDefinition: {
        buildType,
        externalParameters: { module, kernel, given },
        internalParameters: { key, directory, ...internal },
        resolvedDependencies: dependenciesOf(parts),
      },
      runDetails: {
        builder: { id: `urn:kmodsort:builder:${builder}` },
        metadata: {
          invocationId: key,
          startedOn: new Date(Date.parse(finished) - seconds * 1000).toISOString(),
          finishedOn: finished,
        },
        byproducts,
      },
    },
  };
  return `${JSON.stringify(value, undefined, 1)}\n`;
};
