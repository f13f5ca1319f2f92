import type { Problem } from '../problems.ts';
import type { KeyParts } from '../state/record.ts';
import type { Layer } from '../store/artifacts.ts';
import type { Statement } from '../store/layout.ts';
import { isObject, type JsonObject, parseJson } from '../system/json.ts';
import { isPathSegment } from '../system/names.ts';

/**
 * What a Builder says of an Artifact, in the words that other tools for provenance read. Sources: in-toto Attestation
 * Framework, Statement v1 and ResourceDescriptor v1; SLSA Provenance v1. Pure.
 */

const statementType = 'https://in-toto.io/Statement/v1';
const predicateType = 'https://slsa.dev/provenance/v1';
const buildType = 'urn:kmodsort:build:v1';

/** How the hashes of a Key's parts are called: no hash of one file, but of the contents of many. */
const contentsHash = 'kmodsortContents';

/** A Statement with the layers that it is about, in their order. */
export interface Claim {
  readonly statement: Statement;
  readonly layers: readonly Layer[];
}

interface Descriptor {
  readonly name: string;
  readonly digest?: Readonly<Record<string, string>>;
  /** Base64. */
  readonly content?: string;
}

const isHash = (text: string): boolean => /^[0-9a-f]{64}$/.test(text);

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

const dependenciesOf = (parts: KeyParts): Descriptor[] => [
  ...inputs.filter((name) => parts[name] !== '').map((name) => descriptorOf(name, parts[name])),
  ...Object.entries(parts.dependencies).map(([name, value]) => descriptorOf(`${dependencyMark}${name}`, value)),
];

const layerNames = ['built', 'log'] as const;

const layerDescriptor = ({ blob, diff }: Layer, index: number) => ({
  name: layerNames[index] ?? String(index),
  digest: { sha256: blob.digest.slice('sha256:'.length) },
  mediaType: blob.mediaType,
  annotations: { size: blob.size, diffId: diff },
});

const signatureMark = 'signature of ';

const signatureDescriptor = ([object, content]: readonly [string, string]): Descriptor => ({
  name: `${signatureMark}${object}`,
  content,
});

/**
 * The text that is signed.
 *
 * @param builder fingerprint of the key that signs
 */
export const statementText = ({ statement, layers }: Claim, builder: string): string => {
  const { key, parts, built, seconds, result, objects, signatures = {} } = statement;
  const { module, kernel, directory, given } = parts;
  const value = {
    _type: statementType,
    subject: Object.entries(objects).map(([name, sha256]) => ({ name, digest: { sha256 } })),
    predicateType,
    predicate: {
      buildDefinition: {
        buildType,
        externalParameters: { module, kernel, given },
        internalParameters: { key, directory, result },
        resolvedDependencies: dependenciesOf(parts),
      },
      runDetails: {
        builder: { id: `urn:kmodsort:builder:${builder}` },
        metadata: {
          invocationId: key,
          startedOn: new Date(Date.parse(built) - seconds * 1000).toISOString(),
          finishedOn: built,
        },
        byproducts: [...layers.map(layerDescriptor), ...Object.entries(signatures).map(signatureDescriptor)],
      },
    },
  };
  return `${JSON.stringify(value, undefined, 1)}\n`;
};

/** A value that is not what it must be, by its place. */
class Malformed extends Error {}

const objectAt = (value: unknown, ...path: readonly string[]): JsonObject => {
  let at: unknown = value;
  for (const name of path) at = isObject(at) ? at[name] : undefined;
  if (!isObject(at) || Array.isArray(at)) throw new Malformed(path.join('.'));
  return at;
};

const textAt = (from: JsonObject, name: string): string => {
  const value = from[name];
  if (typeof value !== 'string') throw new Malformed(name);
  return value;
};

const listAt = (from: JsonObject, name: string): unknown[] => {
  const value = from[name];
  if (!Array.isArray(value)) throw new Malformed(name);
  return value;
};

const textsAt = (from: JsonObject, name: string): string[] =>
  listAt(from, name).map((value) => {
    if (typeof value !== 'string') throw new Malformed(name);
    return value;
  });

const hashAt = (value: unknown, algorithm: string): string => {
  const hash = textAt(objectAt(value, 'digest'), algorithm);
  if (!isHash(hash)) throw new Malformed(`digest.${algorithm}`);
  return hash;
};

/** File names, which become paths here. */
const objectName = (name: string): string => {
  if (!isPathSegment(name) || !name.endsWith('.ko')) throw new Malformed(`subject ${name}`);
  return name;
};

const subjectOf = (statement: JsonObject): Record<string, string> => {
  const entries = listAt(statement, 'subject').map((one): [string, string] => [
    objectName(textAt(objectAt(one), 'name')),
    hashAt(one, 'sha256'),
  ]);
  const objects = Object.fromEntries(entries);
  if (entries.length === 0 || Object.keys(objects).length !== entries.length) throw new Malformed('subject');
  return objects;
};

const partValue = (descriptor: JsonObject): string =>
  descriptor.digest === undefined
    ? Buffer.from(textAt(descriptor, 'content'), 'base64').toString()
    : hashAt(descriptor, contentsHash);

const partsOf = (definition: JsonObject): KeyParts => {
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

const layerOf = (value: unknown, index: number): Layer => {
  const descriptor = objectAt(value);
  const { size, diffId } = objectAt(descriptor, 'annotations');
  if (descriptor.name !== layerNames[index]) throw new Malformed('byproducts');
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) throw new Malformed('annotations.size');
  if (typeof diffId !== 'string' || !/^sha256:[0-9a-f]{64}$/.test(diffId)) throw new Malformed('annotations.diffId');
  const digest = `sha256:${hashAt(descriptor, 'sha256')}`;
  return { blob: { mediaType: textAt(descriptor, 'mediaType'), digest, size }, diff: diffId };
};

/** What follows the layers: for each object its signature, or for none. */
const signaturesOf = (values: readonly unknown[], objects: Statement['objects']): Pick<Statement, 'signatures'> => {
  const signatures = values.map((value): [string, string] => {
    const descriptor = objectAt(value);
    const name = textAt(descriptor, 'name').replace(signatureMark, '');
    if (!(name in objects)) throw new Malformed('byproducts');
    return [name, textAt(descriptor, 'content')];
  });
  return signatures.length === 0 ? {} : { signatures: Object.fromEntries(signatures) };
};

const timeAt = (from: JsonObject, name: string): number => {
  const time = Date.parse(textAt(from, name));
  if (Number.isNaN(time)) throw new Malformed(name);
  return time;
};

const claimIn = (value: JsonObject): Claim => {
  const definition = objectAt(value, 'predicate', 'buildDefinition');
  const details = objectAt(value, 'predicate', 'runDetails');
  const metadata = objectAt(details, 'metadata');
  const internal = objectAt(definition, 'internalParameters');
  const byproducts = listAt(details, 'byproducts');
  const layers = byproducts.slice(0, layerNames.length).map(layerOf);
  if (layers.length !== layerNames.length) throw new Malformed('byproducts');
  const objects = subjectOf(value);
  const [started, finished] = [timeAt(metadata, 'startedOn'), timeAt(metadata, 'finishedOn')];
  const statement: Statement = {
    format: 1,
    key: textAt(internal, 'key'),
    parts: partsOf(definition),
    built: new Date(finished).toISOString(),
    seconds: (finished - started) / 1000,
    result: textAt(internal, 'result'),
    objects,
    ...signaturesOf(byproducts.slice(layerNames.length), objects),
  };
  return { statement, layers };
};

/** The first type that is not the one that we know: another version of it, or another thing altogether. */
const otherType = (value: JsonObject): string | undefined => {
  const outer = [
    [value._type, statementType],
    [value.predicateType, predicateType],
  ] as const;
  const isOther = ([found, known]: readonly [unknown, string]): boolean => found !== known;
  const other =
    outer.find(isOther) ??
    [[objectAt(value, 'predicate', 'buildDefinition').buildType, buildType] as const].find(isOther);
  return other && String(other[0]).slice(0, 200);
};

/** What a Statement says, or why it cannot be read; that it is signed is somebody else's business. */
export const readStatement = (text: string): Claim | { readonly problem: Problem } => {
  const value = parseJson(text);
  if (!isObject(value)) return { problem: { problem: 'statement-malformed', at: 'JSON' } };
  try {
    const found = otherType(value);
    return found === undefined ? claimIn(value) : { problem: { problem: 'statement-version', found } };
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    return { problem: { problem: 'statement-malformed', at: error.message } };
  }
};
