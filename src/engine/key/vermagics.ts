import type { Memory } from '../run/run.ts';
import { vermagicsFile } from '../state/paths.ts';
import { hashText, readText } from '../system/files.ts';
import { lookOr } from '../system/look.ts';
import { writeAtomic } from '../system/publish.ts';

/**
 * The version strings of headers, remembered by what stands in them: to ask kbuild for one takes as long as a small
 * module.
 */

/** So many headers are remembered; the oldest make room. */
const most = 32;

/** Hash of the headers and version string, the oldest first. */
const known = ({ stateDir }: Memory): [string, string][] =>
  (readText(vermagicsFile(stateDir)) ?? '').split('\n').flatMap((line): [string, string][] => {
    const [, hash, vermagic] = /^([0-9a-f]+) (.+)$/.exec(line) ?? [];
    return hash && vermagic ? [[hash, vermagic]] : [];
  });

const remember = (memory: Memory, hash: string, vermagic: string): void =>
  lookOr(
    () => {
      const lines = [...known(memory), [hash, vermagic]].slice(-most).map((words) => `${words.join(' ')}\n`);
      writeAtomic(vermagicsFile(memory.stateDir), lines.join(''));
    },
    () => undefined,
  );

/**
 * The version string of headers.
 *
 * @param contents hashes of what stands in them; an empty one is of nothing that could be looked at
 * @param ask asks kbuild; undefined where it cannot tell, which is not remembered
 */
export const vermagicFor = async (
  memory: Memory,
  contents: { readonly headers: string; readonly kbuild: string },
  ask: () => Promise<string | undefined>,
): Promise<string | undefined> => {
  if (contents.headers === '' || contents.kbuild === '') return ask();
  const hash = hashText(contents.headers, contents.kbuild);
  const remembered = known(memory).find(([of]) => of === hash)?.[1];
  if (remembered !== undefined) return remembered;
  const vermagic = await ask();
  if (vermagic !== undefined && memory.writes) remember(memory, hash, vermagic);
  return vermagic;
};
