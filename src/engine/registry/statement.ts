import { isKernelPackage } from '../kernel/kernel-package.ts';
import type { Problem } from '../problems.ts';
import type { Layer } from '../store/artifacts.ts';
import { isConfined, type Statement } from '../store/layout.ts';
import type { JsonObject } from '../system/json.ts';
import { isPathSegment } from '../system/names.ts';
import { hashAt, listAt, Malformed, objectAt, readTyped, textAt, timeAt } from './fields.ts';
import { type Descriptor, layerDescriptor, layerOf, partsOf, provenanceText } from './provenance.ts';

/** What a Builder says of what it has built. Pure. */

const buildType = 'urn:kmodsort:build:v1';

/** A Statement with the layers that it is about, in their order. */
export interface Claim {
  readonly statement: Statement;
  readonly layers: readonly Layer[];
}

const layerNames = ['built', 'log'] as const;

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
  const named = layers.map((layer, index) => layerDescriptor(layerNames[index] ?? '', layer));
  const byproducts = [...named, ...Object.entries(signatures).map(signatureDescriptor)];
  const { kernelPackage, vermagic, confined } = statement;
  // What is not known is no field in JSON.
  const internal = { result, kernelPackage, vermagic, confined };
  return provenanceText(
    { buildType, subject: objects, key, parts, internal, finished: built, seconds, byproducts },
    builder,
  );
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

/** What earlier versions of ours do not say: what machines without headers go by, and how it was built. */
const latelySaid = (internal: JsonObject): Pick<Statement, 'kernelPackage' | 'vermagic' | 'confined'> => {
  const { kernelPackage, vermagic, confined } = internal;
  if (kernelPackage !== undefined && !isKernelPackage(kernelPackage)) throw new Malformed('kernelPackage');
  if (confined !== undefined && !isConfined(confined)) throw new Malformed('confined');
  return {
    ...(kernelPackage === undefined ? {} : { kernelPackage }),
    ...(vermagic === undefined ? {} : { vermagic: textAt(internal, 'vermagic') }),
    ...(confined === undefined ? {} : { confined }),
  };
};

const claimIn = (value: JsonObject): Claim => {
  const definition = objectAt(value, 'predicate', 'buildDefinition');
  const details = objectAt(value, 'predicate', 'runDetails');
  const metadata = objectAt(details, 'metadata');
  const internal = objectAt(definition, 'internalParameters');
  const byproducts = listAt(details, 'byproducts');
  const layers = layerNames.map((name, index) => layerOf(byproducts[index], name));
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
    ...latelySaid(internal),
    ...signaturesOf(byproducts.slice(layerNames.length), objects),
  };
  return { statement, layers };
};

/** What a Statement of a build says, or why it cannot be read. */
export const readStatement = (text: string): Claim | { readonly problem: Problem } =>
  readTyped(text, buildType, claimIn);
