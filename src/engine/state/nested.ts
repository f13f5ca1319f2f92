import type { Environment } from '../settings.ts';
import { liveHolder, ownMark } from '../system/lock.ts';
import { runLockFile } from './paths.ts';

/** Runs that our own children start: a script of a module may call dkms. */

/** Names in a child's environment that say under whose lock it runs and which modules are in work above it. */
export const markers = { run: 'KMODSORT_RUN', working: 'KMODSORT_WORKING' } as const;

/** The mark of the run that holds the lock, for the environment of its children. */
export const runMark = ownMark;

/** Whether the caller's environment says truly that the run that holds the lock started us. */
export const isNested = (stateDir: string, environment: Environment): boolean => {
  const mark = environment[markers.run];
  return mark !== undefined && mark === liveHolder(runLockFile(stateDir));
};

/** An environment without these names: what it is for runs when the lock is free again. */
export const withoutMarkers = ({
  [markers.run]: _run,
  [markers.working]: _working,
  ...rest
}: Environment): Environment => rest;
