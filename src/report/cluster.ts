import type { Progress } from '../engine/progress.ts';
import { counted } from './messages.ts';

/** What is said of work on other machines. */

/** ` (node2)`. */
export const onMachine = (name: string | undefined): string => (name === undefined ? '' : ` (${name})`);

/** What went there, and what is queued. */
export const clusterSentence = (progress: Extract<Progress, { readonly kind: 'sent' | 'submitted' }>): string => {
  if (progress.kind === 'submitted') return `${counted(progress.count, 'Slurm job')}: ${progress.ids}`;
  const { headers, sources, to, key } = progress;
  const what = `headers of ${counted(headers, 'kernel')} and ${counted(sources, 'source')}`;
  return `${what} are in ${to} (signed with ${key})`;
};
