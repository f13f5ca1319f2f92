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

/** One clean path segment. */
export const safeName = /^[A-Za-z0-9_][A-Za-z0-9._+~@:-]*$/;

/** Whether text can be a module's name or version: one clean path segment. */
export const isCleanName = (text: string): boolean => safeName.test(text) && !text.includes('..');

/** Relative, and never above where it starts. */
export const staysBelow = (path: string): boolean => !path.startsWith('/') && !path.split('/').includes('..');
