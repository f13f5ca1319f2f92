import { systemPath } from '../system/environment.ts';
import type { Processes } from '../system/exec.ts';
import { hashText } from '../system/files.ts';

/** Which compiler builds for a kernel: what it says of itself, not where its file lies or when that was written. */

/** What an identity of today begins with; those of earlier versions of ours were of the file, and cannot be compared. */
export const identityMark = 'v:';

/**
 * The identity of a compiler, as `gcc -v` tells it. It is looked for on the system's own PATH, so that a wrapper that
 * comes first on somebody's PATH (ccache) makes no difference.
 *
 * @returns empty where it is not found
 */
export const compilerIdentity = async (command: string, processes: Processes): Promise<string> => {
  const ended = await processes.ask([command, '-v'], { variables: { PATH: systemPath }, limit: 10 });
  // By which name and from which directory it was called is not what it is.
  const said = `${ended.output}${ended.errors}`.split('\n').filter((line) => !line.startsWith('COLLECT_'));
  return ended.code === 0 ? `${identityMark}${hashText(...said)}` : '';
};
