import type { BootHeld } from '../answers.ts';
import { readText } from '../system/files.ts';
import { remove, writeAtomic } from '../system/publish.ts';
import { bootHoldFile } from './paths.ts';

/** What the boot guard has done to the boot loader, written down before it is done. */

/** A file of a boot loader's entry. Absolute paths. */
export interface Renamed {
  readonly from: string;
  readonly to: string;
}

export interface BootHold extends BootHeld {
  /** Since when, ISO 8601. */
  readonly at: string;
  /** Held back while a transaction went on, and nobody was told yet. */
  readonly untold?: true;
  /** A menu was made, or will be made by others, that goes by it. */
  readonly inMenu?: true;
  readonly renamed: readonly Renamed[];
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

const listOf = <T>(value: unknown, one: (item: Record<string, unknown>) => T): T[] =>
  Array.isArray(value) ? value.filter(isObject).map(one) : [];

const parse = (text: string): BootHold | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    if (!isObject(value)) return undefined;
    return {
      held: listOf(value.held, ({ release, missing }) => ({
        release: textOf(release),
        missing: Array.isArray(missing) ? missing.map(textOf) : [],
      })),
      prefer: textOf(value.prefer),
      at: textOf(value.at),
      ...(value.untold === true ? { untold: true as const } : {}),
      ...(value.inMenu === true ? { inMenu: true as const } : {}),
      renamed: listOf(value.renamed, ({ from, to }) => ({ from: textOf(from), to: textOf(to) })).filter(
        ({ from, to }) => from.startsWith('/') && to.startsWith('/'),
      ),
    };
  } catch {
    return undefined;
  }
};

const nothing: BootHold = { held: [], prefer: '', at: '', renamed: [] };

/** What is held back; of one that cannot be understood a menu may go by it. */
export const readBootHold = (stateDir: string): BootHold | undefined => {
  const text = readText(bootHoldFile(stateDir));
  return text === undefined ? undefined : (parse(text) ?? { ...nothing, inMenu: true });
};

export const writeBootHold = (stateDir: string, hold: BootHold): void =>
  writeAtomic(bootHoldFile(stateDir), `${JSON.stringify(hold)}\n`);

/** Nothing is held back any more. */
export const forgetBootHold = (stateDir: string): void => remove(bootHoldFile(stateDir));

/** A menu that goes by it is about to be made. */
export const rememberMenu = (stateDir: string): void => {
  const hold = readBootHold(stateDir) ?? nothing;
  if (!hold.inMenu) writeBootHold(stateDir, { ...hold, inMenu: true });
};

/** Entries that are about to be renamed, beside those that were. */
export const rememberRenamed = (stateDir: string, more: readonly Renamed[]): void => {
  if (more.length === 0) return;
  const hold = readBootHold(stateDir) ?? nothing;
  const known = hold.renamed.filter(({ to }) => !more.some((one) => one.to === to));
  writeBootHold(stateDir, { ...hold, renamed: [...known, ...more] });
};
