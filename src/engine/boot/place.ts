import { join } from 'node:path';
import type { Failure } from '../errors.ts';
import type { Environment, Settings } from '../settings.ts';
import type { Processes } from '../system/exec.ts';
import { namesIn } from '../system/files.ts';
import { remove } from '../system/publish.ts';

/** Where the boot guard works, and with what. */
export interface Place {
  readonly settings: Settings;
  /** They run to their end although the run was ended. */
  readonly processes: Processes;
  /** Of the scripts that make a menu: with the caller's language, in which titles are written. */
  readonly environment: Environment;
  /** Somebody else makes the menu anew when we are done. */
  readonly menuFollows: boolean;
}

/** What temporary names of ours begin with, in directories that are not ours. */
export const temporaryPrefix = '.tmp_kmodsort_';

/** Remove what a killed run left in a directory of a boot loader's. */
export const sweepOurs = (directory: string): void => {
  for (const name of namesIn(directory)) if (name.startsWith(temporaryPrefix)) remove(join(directory, name));
};

/** What a boot loader did not do. */
export const guardFailure = (loader: string, text: string, log?: string): Failure => ({
  kind: 'boot-guard-failed',
  at: loader,
  problem: { problem: 'said', text },
  ...(log ? { log } : {}),
});
