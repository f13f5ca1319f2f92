import { FailureError } from '../errors.ts';
import type { BuildSite } from '../run/build-site.ts';
import type { Run } from '../run/run.ts';

/** Who else could change what root builds. Links are not followed: they lead to what others answer for. */

/** A line of find(1): its letter says what is wrong with the path that follows. */
const finds = [
  ['-perm', '-002', '-type', 'd', '-printf', 'd%p\\0'],
  ['-perm', '-002', '-type', 'f', '-printf', 'f%p\\0'],
  ['-not', '-user', '0', '-not', '-type', 'l', '-printf', 'o%p\\0'],
] as const;

const words = finds.flatMap((expression, index) => (index === 0 ? expression : ['-o', ...expression]));

/**
 * Look at every file below a source before it is built. What somebody else than root owns is a note, or with
 * strict_sources a failure; throws source-unsafe, conf-unsafe, source-foreign (FailureError).
 */
export const checkSource = async (run: Run, { source }: BuildSite): Promise<void> => {
  const ended = await run.processes.ask(['find', source, ...words]);
  const found = ended.output.split('\0');
  const first = (letter: string): string | undefined => found.find((line) => line.startsWith(letter))?.slice(1);
  const [directory, file, foreign] = [first('d'), first('f'), first('o')];
  if (directory !== undefined) throw new FailureError({ kind: 'source-unsafe', at: directory });
  if (file !== undefined) throw new FailureError({ kind: 'conf-unsafe', at: file });
  if (foreign === undefined || process.getuid?.() !== 0) return;
  if (run.settings.strictSources) throw new FailureError({ kind: 'source-foreign', at: foreign, detail: source });
  run.note({ note: 'source-foreign', path: foreign, source });
};
