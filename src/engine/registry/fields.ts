import type { Problem } from '../problems.ts';
import { isObject, type JsonObject, parseJson } from '../system/json.ts';

/** Fields of a Statement that has come from elsewhere: each is what it must be, or the whole is refused. Pure. */

/** SHA-256 in hex. */
export const isHash = (text: string): boolean => /^[0-9a-f]{64}$/.test(text);

/** A value that is not what it must be, by its place. */
export class Malformed extends Error {}

export const objectAt = (value: unknown, ...path: readonly string[]): JsonObject => {
  let at: unknown = value;
  for (const name of path) at = isObject(at) ? at[name] : undefined;
  if (!isObject(at) || Array.isArray(at)) throw new Malformed(path.join('.'));
  return at;
};

export const textAt = (from: JsonObject, name: string): string => {
  const value = from[name];
  if (typeof value !== 'string') throw new Malformed(name);
  return value;
};

export const listAt = (from: JsonObject, name: string): unknown[] => {
  const value = from[name];
  if (!Array.isArray(value)) throw new Malformed(name);
  return value;
};

export const textsAt = (from: JsonObject, name: string): string[] =>
  listAt(from, name).map((value) => {
    if (typeof value !== 'string') throw new Malformed(name);
    return value;
  });

export const hashAt = (value: unknown, algorithm: string): string => {
  const hash = textAt(objectAt(value, 'digest'), algorithm);
  if (!isHash(hash)) throw new Malformed(`digest.${algorithm}`);
  return hash;
};

export const timeAt = (from: JsonObject, name: string): number => {
  const time = Date.parse(textAt(from, name));
  if (Number.isNaN(time)) throw new Malformed(name);
  return time;
};

export const statementType = 'https://in-toto.io/Statement/v1';
export const predicateType = 'https://slsa.dev/provenance/v1';

/** The first type that is not the one that we know: another version of it, or another thing altogether. */
const otherType = (value: JsonObject, buildType: string): string | undefined => {
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

/**
 * What a Statement says, or why it cannot be read; that it is signed is somebody else's business.
 *
 * @param read throws Malformed
 */
export const readTyped = <T>(
  text: string,
  buildType: string,
  read: (value: JsonObject) => T,
): T | { readonly problem: Problem } => {
  const value = parseJson(text);
  if (!isObject(value)) return { problem: { problem: 'statement-malformed', at: 'JSON' } };
  try {
    const found = otherType(value, buildType);
    return found === undefined ? read(value) : { problem: { problem: 'statement-version', found } };
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    return { problem: { problem: 'statement-malformed', at: error.message } };
  }
};
