import type { RawConf, Values } from './directives.ts';

/** Small questions about the values of a conf as bash left them. */

const none: Values = new Map();
export const valuesOf = (raw: RawConf, name: string): Values => raw.values.get(name) ?? none;
/** Whether the patterns of a directive matched, by index. */
export const matchesOf = (raw: RawConf, name: string): Values => raw.matches.get(name) ?? none;
/** The value without an index. */
export const first = (raw: RawConf, name: string): string => valuesOf(raw, name).get(0) ?? '';
/** Values that are not empty, by index. */
export const inOrder = (values: Values): [number, string][] =>
  [...values].filter(([, value]) => value !== '').sort(([a], [b]) => a - b);
