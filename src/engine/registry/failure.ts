import type { Failure, FailureKind } from '../errors.ts';
import type { Problem } from '../problems.ts';
import type { KeyParts } from '../state/record.ts';
import type { Layer } from '../store/artifacts.ts';
import type { JsonObject } from '../system/json.ts';
import { listAt, Malformed, objectAt, readTyped, textAt, timeAt } from './fields.ts';
import { layerDescriptor, layerOf, partsOf, provenanceText } from './provenance.ts';

/** What a Builder says of a build that must fail wherever it is tried: others need not try it. Pure. */

const buildType = 'urn:kmodsort:failure:v1';

/** Kinds of failures that follow from what goes into the Key: no machine's disk, memory or network has to do with them. */
const shared = [
  'patch-missing',
  'patch-unsafe',
  'patch-failed',
  'compiler-failed',
  'compiler-older',
  'modpost-failed',
] as const satisfies readonly FailureKind[];

/** Whether other machines may be told of a failure: of one that the compiler found, only where nothing else had a say. */
export const isShared = ({ kind, determined }: Failure): boolean =>
  shared.some((one) => one === kind) && (kind !== 'compiler-failed' || determined === true);

/** A failure of the build with a Key, and its log. */
export interface FailureClaim {
  readonly key: string;
  readonly parts: KeyParts;
  readonly failure: Failure;
  /** When it failed, ISO 8601. */
  readonly at: string;
  readonly log: Layer;
}

/**
 * The text that is signed.
 *
 * @param builder fingerprint of the key that signs
 */
export const failureText = ({ key, parts, failure, at, log }: FailureClaim, builder: string): string => {
  const { kind, detail } = failure;
  const internal = { failure: { kind, ...(failure.at ? { at: failure.at } : {}), ...(detail ? { detail } : {}) } };
  const subject = { log: log.blob.digest.slice('sha256:'.length) };
  const byproducts = [layerDescriptor('log', log)];
  return provenanceText({ buildType, subject, key, parts, internal, finished: at, byproducts }, builder);
};

const optional = (from: JsonObject, name: string): string | undefined =>
  from[name] === undefined ? undefined : textAt(from, name);

const failureIn = (internal: JsonObject): Failure => {
  const from = objectAt(internal, 'failure');
  const name = textAt(from, 'kind');
  const kind = shared.find((one) => one === name);
  if (kind === undefined) throw new Malformed('failure.kind');
  const [at, detail] = [optional(from, 'at'), optional(from, 'detail')];
  return { kind, ...(at === undefined ? {} : { at }), ...(detail === undefined ? {} : { detail }) };
};

const claimIn = (value: JsonObject): FailureClaim => {
  const definition = objectAt(value, 'predicate', 'buildDefinition');
  const details = objectAt(value, 'predicate', 'runDetails');
  const internal = objectAt(definition, 'internalParameters');
  return {
    key: textAt(internal, 'key'),
    parts: partsOf(definition),
    failure: failureIn(internal),
    at: new Date(timeAt(objectAt(details, 'metadata'), 'finishedOn')).toISOString(),
    log: layerOf(listAt(details, 'byproducts')[0], 'log'),
  };
};

/** What a Statement of a failure says, or why it cannot be read. */
export const readFailure = (text: string): FailureClaim | { readonly problem: Problem } =>
  readTyped(text, buildType, claimIn);
