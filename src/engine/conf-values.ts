import type { RawConf } from './conf-reader.ts';

/** Small questions about the values of a conf as bash left them. */

export type Values = ReadonlyMap<number, string>;

const none: Values = new Map();
export const valuesOf = (raw: RawConf, name: string): Values => raw.get(name) ?? none;
/** The value without an index. */
export const first = (raw: RawConf, name: string): string => valuesOf(raw, name).get(0) ?? '';
/** Values that are not empty, by index. */
export const inOrder = (values: Values): [number, string][] =>
  [...values].filter(([, value]) => value !== '').sort(([a], [b]) => a - b);
