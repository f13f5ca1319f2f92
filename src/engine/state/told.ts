import { readText } from '../system/files.ts';
import { writeAtomic } from '../system/publish.ts';
import { toldFile } from './paths.ts';

/** What the hooks of one transaction have said in full: whoever reads them needs it once. */

const linesOf = (stateDir: string): string[] => (readText(toldFile(stateDir)) ?? '').split('\n').filter(Boolean);

/** What was told in this transaction: `name/version@release/arch`. */
export const toldIn = (stateDir: string, transaction: string): ReadonlySet<string> => {
  const [of, ...told] = linesOf(stateDir);
  return new Set(of === transaction ? told : []);
};

/** Remember that these were told, too. */
export const rememberTold = (stateDir: string, transaction: string, more: readonly string[]): void => {
  if (more.length === 0) return;
  const told = new Set([...toldIn(stateDir, transaction), ...more]);
  writeAtomic(toldFile(stateDir), `${[transaction, ...told].join('\n')}\n`);
};
