import type { PlanAnswer, Summary } from './answers.ts';
import type { Progress } from './progress.ts';
import type { SyncRequest } from './request.ts';
import type { Places } from './settings.ts';

/** What a run asks of another one of ours, in another view of the machine: JSON on its stdin. */
export interface Errand {
  readonly request: SyncRequest;
  readonly places: Places;
  /** Cores that it may use; 0 is no limit. */
  readonly jobs: number;
}

/** What that one says, a line of JSON each. */
export type Word = { readonly progress: Progress } | { readonly answer: Summary | PlanAnswer };
