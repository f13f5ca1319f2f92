import type { Row } from '../answers.ts';
import type { Failure } from '../errors.ts';
import type { Run } from '../run/run.ts';
import { readTree, type TreeEntry } from '../tree/tree.ts';

/** What a command did, before depmod. */
export interface Done {
  readonly rows: readonly Row[];
  readonly failures: readonly Failure[];
  /** Releases below whose directories files were changed. */
  readonly changed: readonly string[];
}

/** Nothing was done. */
export const nothing: Done = { rows: [], failures: [], changed: [] };

/** The dkms tree as it is now. */
export const entriesNow = (run: Run): TreeEntry[] => readTree(run.settings.dkmsTree, run.settings.sourceTree);
