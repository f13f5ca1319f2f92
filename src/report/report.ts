import type { Answer, Row, Summary } from '../engine/answers.ts';
import type { Progress } from '../engine/progress.ts';
import type { Module, Request } from '../engine/request.ts';
import type { Paint } from './paint.ts';

/** Where text goes; a stream whose other end is gone takes it and forgets it. */
export interface TextSink {
  readonly write: (text: string) => void;
}

/** Required modules that will not load on a kernel; no release where nothing was looked at. */
export interface MissingRequired {
  readonly release?: string;
  readonly names: readonly string[];
}

/** What a report needs to know about the run that it tells of. */
export interface ReportContext {
  readonly request: Request;
  readonly output: 'auto' | 'json' | 'dot' | 'dkms' | 'relay';
  readonly verbose: boolean;
  /** Say only what failed. */
  readonly quiet: boolean;
  /** Kernels on which modules that are required will not load. */
  readonly missingRequired: (summary: Pick<Summary, 'rows' | 'failures' | 'notes'>) => readonly MissingRequired[];
  /** Whether an earlier hook of the same transaction has said it in full. */
  readonly isTold: (row: Row) => boolean;
  /** The command that tries one kernel again, or one module of which nothing has changed since it failed. */
  readonly retry: (release: string, forced?: Module) => string;
  /** stdout is a terminal. */
  readonly isTerminal: boolean;
  /** Columns of the terminal, where stdout is one. */
  readonly columns?: number;
  /** Colours of what is for people at a terminal. */
  readonly paint: Paint;
  readonly out: TextSink;
  readonly err: TextSink;
}

/** Tells people or programs about a run. */
export interface Report {
  onProgress(progress: Progress): void;
  finish(answer: Answer): Promise<void> | void;
  /** Gives the screen back when there will be no answer; for reports that took it. */
  abandon?(): Promise<void>;
}

/** What the choice of a report goes by. */
export interface ReportFacts {
  readonly quiet?: boolean;
  readonly output: 'auto' | 'json' | 'dot' | 'dkms' | 'relay';
  readonly request: Request;
  readonly verbose: boolean;
  readonly isTerminal: boolean;
  /** TERM of the environment. */
  readonly terminal: string | undefined;
}

/** Whether the answer is data, so that remarks must not come between. */
export const isQuestion = (request: Request): boolean =>
  request.verb === 'status' ||
  request.verb === 'log' ||
  request.verb === 'verify' ||
  request.verb === 'guard' ||
  request.verb === 'boot-guard' ||
  request.verb === 'lint' ||
  request.verb === 'doctor' ||
  (request.verb === 'sync' && request.dryRun);

/** Whether all is built in a view of the machine, and nothing is installed. */
export const isTrial = ({ verb }: Request): boolean => verb === 'try' || verb === 'matrix' || verb === 'produce';

/**
 * Which report tells of a run. A hook never gets the terminal one: apt runs dpkg on a terminal of its own
 * whose output is also logged.
 */
export const chooseReport = (facts: ReportFacts): 'json' | 'relay' | 'terminal' | 'lines' => {
  if (facts.output === 'json' || facts.output === 'relay') return facts.output;
  const { request } = facts;
  if (facts.output === 'dot' || facts.quiet || isQuestion(request)) return 'lines';
  if ((request.verb === 'sync' && request.origin !== 'typed') || facts.verbose || !facts.isTerminal) return 'lines';
  return facts.terminal === undefined || facts.terminal === 'dumb' ? 'lines' : 'terminal';
};
