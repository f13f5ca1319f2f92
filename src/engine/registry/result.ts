import type { Row } from '../answers.ts';
import { isFailureKind } from '../errors.ts';
import type { Outcome } from '../outcome.ts';
import type { Problem } from '../problems.ts';
import type { Layer } from '../store/artifacts.ts';
import { hashText } from '../system/files.ts';
import { isObject, type JsonObject } from '../system/json.ts';
import { listAt, Malformed, objectAt, predicateType, readTyped, statementType, textAt } from './fields.ts';
import { type Input, inputPlace } from './input.ts';
import { layerDescriptor, layerOf } from './provenance.ts';
import { repositoryOf } from './reference.ts';
import type { Place } from './remote.ts';

/** How a job on another machine ended, for whoever asked for it. Pure. */

const buildType = 'urn:kmodsort:result:v1';

/** What a machine was asked to build. */
export interface Order {
  /** `name/version`. */
  readonly module: string;
  /** Release of the kernel. */
  readonly release: string;
  readonly inputs: readonly Input[];
  /** What whoever asks calls it: results of before are not taken for this one's. */
  readonly ticket: string;
}

/** What became of it. */
export interface Result {
  readonly ticket: string;
  readonly outcome: Outcome;
  /** It is built, and some of its objects will not load. */
  readonly unloadable?: NonNullable<Row['unloadable']>;
  readonly seconds: number;
  /** The name of the machine. */
  readonly on: string;
}

/** What is said of it, and signed. Its layer has the log, if there is one. */
export interface ResultClaim extends Result {
  /** What was ordered: as the place is called that it is in. */
  readonly order: string;
  readonly layers: readonly [Layer];
}

/** Where it is: of the same order the last one alone. */
export const resultPlace = ({ module, release, inputs }: Order): Place => {
  const tags = inputs.map((input) => Object.values(inputPlace(input)).join(':')).sort();
  const tag = `result-${hashText(module, release, ...tags)}`;
  return { repository: repositoryOf(module.split('/')[0] ?? ''), tag };
};

/**
 * The text that is signed.
 *
 * @param builder fingerprint of the key that signs
 */
export const resultText = (
  { order, ticket, outcome, unloadable, seconds, on, layers }: ResultClaim,
  builder: string,
): string => {
  const value = {
    _type: statementType,
    subject: layers.map(({ blob }) => ({ name: 'log', digest: { sha256: blob.digest.slice('sha256:'.length) } })),
    predicateType,
    predicate: {
      buildDefinition: {
        buildType,
        externalParameters: { order, ticket },
        internalParameters: { outcome, unloadable, seconds, on },
        resolvedDependencies: [],
      },
      runDetails: {
        builder: { id: `urn:kmodsort:builder:${builder}` },
        byproducts: layers.map((layer) => layerDescriptor('log', layer)),
      },
    },
  };
  return `${JSON.stringify(value, undefined, 1)}\n`;
};

const isReasoned = (value: unknown): boolean => isObject(value) && typeof value.reason === 'string';

const isFailure = (value: unknown): boolean =>
  isObject(value) && typeof value.kind === 'string' && isFailureKind(value.kind);

/** Each kind with what must be there besides; what else a listed Builder of this version says is believed. */
const isOutcome = (value: unknown): value is Outcome => {
  if (!isObject(value)) return false;
  switch (value.kind) {
    case 'installed':
    case 'built':
    case 'unchanged':
      return true;
    case 'skipped':
    case 'deferred':
    case 'blocked':
      return isReasoned(value.why);
    case 'failed':
      return isFailure(value.failure);
    default:
      return false;
  }
};

const isUnloadable = (value: unknown): value is NonNullable<Row['unloadable']> =>
  isObject(value) && typeof value.count === 'number' && typeof value.objects === 'number' && isFailure(value.failure);

const claimIn = (value: JsonObject): ResultClaim => {
  const definition = objectAt(value, 'predicate', 'buildDefinition');
  const internal = objectAt(definition, 'internalParameters');
  const { outcome, unloadable, seconds } = internal;
  if (!isOutcome(outcome)) throw new Malformed('outcome');
  if (unloadable !== undefined && !isUnloadable(unloadable)) throw new Malformed('unloadable');
  if (typeof seconds !== 'number') throw new Malformed('seconds');
  const external = objectAt(definition, 'externalParameters');
  return {
    order: textAt(external, 'order'),
    ticket: textAt(external, 'ticket'),
    outcome,
    ...(unloadable === undefined ? {} : { unloadable }),
    seconds,
    on: textAt(internal, 'on'),
    layers: [layerOf(listAt(objectAt(value, 'predicate', 'runDetails'), 'byproducts')[0], 'log')],
  };
};

/**
 * What a Statement says of how an order ended, or why it is not about that one.
 *
 * @param isAnybodys the same order of somebody else counts, too
 */
export const readResult =
  (order: Order, isAnybodys = false) =>
  (text: string): ResultClaim | { readonly problem: Problem } => {
    const claim = readTyped(text, buildType, claimIn);
    if ('problem' in claim) return claim;
    const isIt = claim.order === resultPlace(order).tag && (isAnybodys || claim.ticket === order.ticket);
    return isIt ? claim : { problem: { problem: 'other-input', found: `${claim.order} ${claim.ticket}` } };
  };
