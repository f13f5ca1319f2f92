import { join } from 'node:path';
import type { BootHeld, OpenDue, OpenFailure } from '../answers.ts';
import { passedOverBy } from '../plan/kernel-choice.ts';
import { sameModule } from '../request.ts';
import type { Settings } from '../settings.ts';
import { readBootHold } from '../state/boot-hold.ts';
import { dueFor, dueReleases } from '../state/due.ts';
import { failureNotices, loginNotice, requiredNotices } from '../state/paths.ts';
import { readRecord, recordedEntries } from '../state/record.ts';
import { makeProcesses } from '../system/exec.ts';
import { exists, isDirectory } from '../system/files.ts';
import { remove, writeAtomic } from '../system/publish.ts';
import { newestEntries, readTree } from '../tree/tree.ts';

/** Where people look after a failure at night: the login, the journal, the end of an apt run. */

/** Remembered failures of what is wanted: the newest version of each Module, on kernels that are there and looked after. */
export const openFailuresOf = (settings: Settings): OpenFailure[] => {
  const wanted = newestEntries(readTree(settings.dkmsTree, settings.sourceTree)).map((entry) => entry.module);
  return recordedEntries(settings.stateDir)
    .filter(({ module }) => wanted.some((one) => sameModule(one, module)))
    .filter(({ kernel }) => isDirectory(join(settings.installTree, kernel.release)))
    .filter(({ kernel }) => passedOverBy(settings, kernel.release) === undefined)
    .flatMap(({ module, kernel }) => {
      const known = readRecord(settings.stateDir, module, kernel).failure;
      if (!known) return [];
      return [{ module, kernel, failure: known.failure, ...(known.stays ? { stays: known.stays } : {}) }];
    });
};

/** What is still due on kernels that are there. */
export const openDueOf = ({ stateDir, installTree }: Settings): OpenDue[] =>
  dueReleases(stateDir)
    .filter((release) => isDirectory(join(installTree, release)))
    .map((release) => ({ release, steps: dueFor(stateDir, release) }));

/** Kernels that are not booted by default; of none before those who watch are told. */
export const openHoldOf = ({ stateDir }: Settings): BootHeld | undefined => {
  const hold = readBootHold(stateDir);
  return hold?.untold ? undefined : hold;
};

const publish = (path: string, text: string): void => {
  if (text !== '') writeAtomic(path, text);
  else if (exists(path)) remove(path);
};

/** The text that every login shows; none if it is empty. */
export const publishLoginNotice = (settings: Settings, text: string): void =>
  publish(loginNotice(settings.stateDir), text);

type Texts = ReadonlyMap<string, string>;

/**
 * The texts with which an apt run ends, after all packages; those of `required` with an error.
 *
 * @param texts by the release of the kernel; an empty one takes back what was said of it
 */
export const publishEndNotices = (
  { stateDir }: Settings,
  { required, failed }: { readonly required: Texts; readonly failed: Texts },
): void => {
  for (const [release, text] of required) publish(join(requiredNotices(stateDir), release), text);
  for (const [release, text] of failed) publish(join(failureNotices(stateDir), release), text);
};

/** Lines for the system's log with priority err: logger(1). Without a log there is nobody to tell. */
export const tellJournal = async (settings: Settings, lines: readonly string[]): Promise<void> => {
  const isHeard = exists('/run/systemd/journal/socket') || exists('/dev/log');
  if (settings.privateInstallTree || lines.length === 0 || !isHeard) return;
  const processes = makeProcesses(settings.environment);
  for (const line of lines) {
    await processes.ask(['logger', '--tag', 'kmodsort', '--priority', 'user.err', '--', line], { limit: 5 });
  }
};
