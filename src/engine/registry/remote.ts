import type { Problem } from '../problems.ts';
import type { Settings } from '../settings.ts';
import type { Blob } from '../store/layout.ts';
import type { CommandOptions, Ended, Processes } from '../system/exec.ts';
import { installCommand } from '../system/install-command.ts';
import { makeTemporary, remove } from '../system/publish.ts';

/** What a place that holds Artifacts is asked. Nothing that it answers is believed. */

/** What asking takes. */
export interface Connection {
  readonly processes: Processes;
  readonly settings: Settings;
  /** A private directory. */
  readonly scratch: string;
  /** What makes whoever fetches hold a lock: the next run finds and ends one that has outlived us. */
  readonly holding?: Pick<CommandOptions, 'descriptors' | 'onStart'>;
}

/** Work with a private directory of its own, below that of a connection: for one thing that goes or comes. */
export const apart = async <T>(connection: Connection, work: (own: Connection) => Promise<T>): Promise<T> => {
  const { processes, settings, holding } = connection;
  const scratch = makeTemporary(connection.scratch, 'registry-');
  try {
    return await work({ processes, settings, scratch, ...(holding ? { holding } : {}) });
  } finally {
    remove(scratch);
  }
};

/** What was found, nothing where there is no such thing, or why nobody knows. */
export type Answered<T> = { readonly found?: T } | { readonly trouble: Problem };

/** An Artifact in a registry or directory: its repository, and its Key or what else it is found by. */
export interface Place {
  readonly repository: string;
  readonly tag: string;
}

/** A registry, or a directory in its place. */
export interface Remote {
  /** The manifest of an Artifact. */
  readonly manifest: (place: Place) => Promise<Answered<string>>;
  /**
   * Fetch layers, each into a file with the name of its hash.
   *
   * @param manifest as it was found
   * @returns why not all came; undefined if they did
   */
  readonly fetch: (
    place: Place,
    manifest: string,
    layers: readonly Blob[],
    directory: string,
  ) => Promise<Problem | undefined>;
  /** Put an image layout there. Throws registry-failed (FailureError). */
  readonly send: (place: Place, layout: string) => Promise<void>;
  /** Let one more tag stand for what is in a place. Throws registry-failed (FailureError). */
  readonly tag: (place: Place, tag: string) => Promise<void>;
}

/** How long an answer may take, and an Artifact, in seconds: whoever is waited for may never answer. */
export const patience = { answer: 20, artifact: 120 } as const;

/** What a program that could not be started says, with the command that brings it. */
export const toolProblem = ({ distribution }: Settings, program: string, { problem }: Ended): Problem => {
  const install = installCommand(distribution, program);
  return { problem: 'said', text: install === undefined ? problem : `${problem} (${install})` };
};
