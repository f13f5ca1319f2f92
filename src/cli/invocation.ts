import type { Manager } from '../adapters/events.ts';
import type { Request } from '../engine/request.ts';
import type { Overrides } from '../engine/settings.ts';
import type { ExitPolicy } from '../report/exit-status.ts';

/** What a run shall do: a Request, or a hook's words whose Request also depends on what comes on stdin. */
export type Task =
  | { readonly kind: 'request'; readonly request: Request }
  /** What another run of ours asks on stdin. */
  | { readonly kind: 'errand' }
  | { readonly kind: 'guard'; readonly manager: 'apt' | 'pacman'; readonly self: readonly [string, ...string[]] }
  | { readonly kind: 'hook'; readonly manager: Manager; readonly words: readonly string[]; readonly dryRun: boolean };

/** How the answer is given; `dkms`: status lines as scripts scrape them; `relay`: for another run of ours. */
type Output = 'auto' | 'json' | 'dot' | 'dkms' | 'relay';

/** What a command line means. */
export type Invocation = RunInvocation | TextInvocation;

/** Something is to be done. */
export interface RunInvocation {
  readonly kind: 'run';
  readonly task: Task;
  readonly overrides: Overrides;
  readonly output: Output;
  readonly verbose: boolean;
  /** Say only what failed. */
  readonly quiet?: boolean;
  /** Absolute path of the page that a matrix is written to, too. */
  readonly page?: string;
  readonly noColor?: boolean;
  /** Options that were given and mean nothing any more. */
  readonly ignored?: readonly string[];
  readonly exitPolicy: ExitPolicy;
}

/** The answer is known: help, the version, or what is wrong with the words. */
interface TextInvocation {
  readonly kind: 'text';
  readonly text: string;
  readonly code: number;
  /** Where it goes; stdout if it ends well and nothing is said. */
  readonly to?: 'err';
}
