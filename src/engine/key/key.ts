import type { KeyParts } from '../state/record.ts';
import { hashBytes } from '../system/files.ts';

/** JSON with the names in order, so that the same value is the same text. */
export const canonical = (value: unknown): string =>
  JSON.stringify(value, (_name, one: unknown) =>
    one instanceof Object && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  );

/**
 * The Key of a build: SHA-256 in hex over its parts. They are contents, never times, owners or the place where something
 * lies, so that another machine with the same packages comes to the same Key.
 */
export const keyOf = (parts: KeyParts): string => hashBytes(canonical(parts));

/** What a failure is remembered under: told by its mark from what earlier versions of ours wrote. */
export const inputsOf = (parts: KeyParts): string => `key:${keyOf(parts)}`;
