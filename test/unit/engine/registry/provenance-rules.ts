/**
 * The rules of in-toto Statement v1, ResourceDescriptor v1 and DigestSet (in-toto Attestation Framework, spec/v1) and of
 * SLSA Provenance v1 (slsa.dev/provenance/v1, protobuf of its predicate), as far as they can be checked in one document:
 * which fields there may be, which there must be, and what is in them.
 */

type Check = (value: unknown, at: string) => string[];

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const that = (isRight: (value: unknown) => boolean, what: string): Check => {
  return (value, at) => (isRight(value) ? [] : [`${at}: ${what}`]);
};

const text = that((value) => typeof value === 'string' && value !== '', 'a text');
const base64 = that(
  (value) => typeof value === 'string' && Buffer.from(value, 'base64').toString('base64') === value,
  'bytes in base64',
);
/** RFC 3986: a scheme and a colon. */
const uri = that((value) => typeof value === 'string' && /^[a-z][a-z0-9+.-]*:[^\s]+$/i.test(value), 'a URI');
/** RFC 3339, in UTC. */
const timestamp = that(
  (value) => typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(value),
  'a timestamp in UTC',
);
const anyObject = that(isRecord, 'an object');

const list =
  (check: Check, least = 0): Check =>
  (value, at) => {
    if (!Array.isArray(value)) return [`${at}: a list`];
    const few = value.length < least ? [`${at}: at least ${least}`] : [];
    return [...few, ...value.flatMap((one, index) => check(one, `${at}[${index}]`))];
  };

const fields =
  (required: Readonly<Record<string, Check>>, optional: Readonly<Record<string, Check>> = {}): Check =>
  (value, at) => {
    if (!isRecord(value)) return [`${at}: an object`];
    const known = { ...required, ...optional };
    return [
      ...Object.keys(required).flatMap((name) => (value[name] === undefined ? [`${at}.${name}: required`] : [])),
      ...Object.entries(value).flatMap(
        ([name, one]) => known[name]?.(one, `${at}.${name}`) ?? [`${at}.${name}: unknown`],
      ),
    ];
  };

/** Algorithms of the specification have lower-case hex; others may be named by whoever defines them, in camel case. */
const digestSet: Check = (value, at) => {
  if (!isRecord(value) || Object.keys(value).length === 0) return [`${at}: at least one digest`];
  return Object.entries(value).flatMap(([algorithm, one]) => {
    const isNamed = /^[a-z][A-Za-z0-9]*$/.test(algorithm);
    const isHex = typeof one === 'string' && /^[0-9a-f]+$/.test(one) && (algorithm !== 'sha256' || one.length === 64);
    return isNamed && isHex ? [] : [`${at}.${algorithm}: lower-case hex`];
  });
};

const descriptorFields = {
  name: text,
  uri,
  digest: digestSet,
  content: base64,
  downloadLocation: uri,
  mediaType: text,
  annotations: anyObject,
};

/** One of uri, digest and content must be there. */
const descriptor: Check = (value, at) => {
  const isAddressed = isRecord(value) && ['uri', 'digest', 'content'].some((name) => value[name] !== undefined);
  return [...(isAddressed ? [] : [`${at}: uri, digest or content`]), ...fields({}, descriptorFields)(value, at)];
};

/** A subject is known by its digest, and names tell subjects apart. */
const subject: Check = (value, at) => fields({ digest: digestSet }, descriptorFields)(value, at);

const unique: Check = (value, at) => {
  const names = Array.isArray(value) ? value.map((one) => (isRecord(one) ? one.name : undefined)) : [];
  return new Set(names).size === names.length ? [] : [`${at}: names that are different`];
};

const is = (wanted: string): Check => that((value) => value === wanted, wanted);

const predicate = fields({
  buildDefinition: fields(
    { buildType: uri, externalParameters: anyObject },
    { internalParameters: anyObject, resolvedDependencies: list(descriptor) },
  ),
  runDetails: fields(
    { builder: fields({ id: uri }, { version: anyObject, builderDependencies: list(descriptor) }) },
    {
      metadata: fields({}, { invocationId: text, startedOn: timestamp, finishedOn: timestamp }),
      byproducts: list(descriptor),
    },
  ),
});

const statement = fields({
  _type: is('https://in-toto.io/Statement/v1'),
  subject: (value, at) => [...list(subject, 1)(value, at), ...unique(value, at)],
  predicateType: is('https://slsa.dev/provenance/v1'),
  predicate,
});

/** What is not as the specifications want it; none if all is. */
export const provenanceProblems = (value: unknown): string[] => statement(value, 'statement');
