import { isKernelPackage } from '../kernel/kernel-package.ts';
import type { Problem } from '../problems.ts';
import type { KernelPackage } from '../request.ts';
import type { Layer } from '../store/artifacts.ts';
import type { JsonObject } from '../system/json.ts';
import { listAt, Malformed, objectAt, predicateType, readTyped, statementType, textAt } from './fields.ts';
import { layerDescriptor, layerOf } from './provenance.ts';
import { repositoryOf } from './reference.ts';
import type { Place } from './remote.ts';

/** What a build is made from, for machines that have neither: a source, or the headers of a kernel. Pure. */

const buildType = 'urn:kmodsort:input:v1';

const kinds = ['source', 'headers'] as const;

/** One of them, by what is in it. */
export interface Input {
  readonly kind: (typeof kinds)[number];
  /** `name/version` of a module, or the release of a kernel. */
  readonly name: string;
  /** SHA-256 in hex of its archive, as it is in the registry. */
  readonly hash: string;
}

/** An Input with what somebody says of it, and signs. */
export interface InputClaim extends Input {
  readonly layers: readonly [Layer];
  /** Of headers: the package that they came in. */
  readonly kernelPackage?: KernelPackage;
}

/** Where it is: the same contents are in the same place. */
export const inputPlace = ({ kind, name, hash }: Input): Place => ({
  repository: kind === 'headers' ? 'linux-headers' : repositoryOf(name.split('/')[0] ?? ''),
  tag: `${kind}-${hash}`,
});

const digestPrefix = 'sha256:';

/** The hash that an Input goes by. */
export const inputHash = ({ blob }: Layer): string => blob.digest.slice(digestPrefix.length);

/**
 * The text that is signed. It says nothing of times: what is there already is not sent again.
 *
 * @param builder fingerprint of the key that signs
 */
export const inputText = ({ kind, name, hash, layers, kernelPackage }: InputClaim, builder: string): string => {
  const value = {
    _type: statementType,
    subject: [{ name, digest: { sha256: hash } }],
    predicateType,
    predicate: {
      buildDefinition: {
        buildType,
        externalParameters: { kind, name },
        internalParameters: { kernelPackage },
        resolvedDependencies: [],
      },
      runDetails: {
        builder: { id: `urn:kmodsort:builder:${builder}` },
        byproducts: layers.map((layer) => layerDescriptor(kind, layer)),
      },
    },
  };
  return `${JSON.stringify(value, undefined, 1)}\n`;
};

const claimIn = (value: JsonObject): InputClaim => {
  const definition = objectAt(value, 'predicate', 'buildDefinition');
  const external = objectAt(definition, 'externalParameters');
  const { kernelPackage } = objectAt(definition, 'internalParameters');
  const kind = kinds.find((one) => one === textAt(external, 'kind'));
  if (kind === undefined) throw new Malformed('kind');
  if (kernelPackage !== undefined && !isKernelPackage(kernelPackage)) throw new Malformed('kernelPackage');
  const layer = layerOf(listAt(objectAt(value, 'predicate', 'runDetails'), 'byproducts')[0], kind);
  return {
    kind,
    name: textAt(external, 'name'),
    hash: inputHash(layer),
    layers: [layer],
    ...(kernelPackage === undefined ? {} : { kernelPackage }),
  };
};

/** What a Statement of an Input says, or why it is not about the one that is wanted. */
export const readInput =
  (wanted: Input) =>
  (text: string): InputClaim | { readonly problem: Problem } => {
    const claim = readTyped(text, buildType, claimIn);
    if ('problem' in claim) return claim;
    const isIt = claim.kind === wanted.kind && claim.name === wanted.name && claim.hash === wanted.hash;
    return isIt ? claim : { problem: { problem: 'other-input', found: `${claim.kind} ${claim.name} ${claim.hash}` } };
  };
