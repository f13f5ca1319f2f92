import { uptime } from 'node:os';
import { join } from 'node:path';
import { canBoot, machineArch } from '../kernel/kernel.ts';
import { surveyModules } from '../plan/survey.ts';
import { failureNotices, loginNotice, queueDirectory, recordFile, requiredNotices } from '../state/paths.ts';
import { exists, readDirectory, stat } from '../system/files.ts';
import { remove } from '../system/publish.ts';
import { newestEntries } from '../tree/tree.ts';
import { type Check, type Found, isGone, type View } from './view.ts';

/** What waits for somebody: hooks that nobody took up, notices, builds that are out of date, failures. */

const dayMs = 24 * 3600 * 1000;

/** The next run takes up what waits; what has waited for a day, or since before the last boot, waits for nobody. */
const queueOld = ({ settings }: View): Found[] => {
  const bootedMs = Date.now() - uptime() * 1000;
  const directory = queueDirectory(settings.stateDir);
  return readDirectory(directory)
    .filter((name) => !name.startsWith('.'))
    .map((name) => join(directory, name))
    .filter((path) => (stat(path)?.mtimeMs ?? Date.now()) < Math.max(bootedMs, Date.now() - dayMs))
    .map((path) => ({ diagnosis: { code: 'queue-old', path } }));
};

const noticesOutdated = (view: View): Found[] => {
  const { stateDir } = view.settings;
  const login = loginNotice(stateDir);
  const isSettled = view.openFailures.length === 0 && view.openDue.length === 0;
  const ofKernels = [requiredNotices(stateDir), failureNotices(stateDir)].flatMap((directory) =>
    readDirectory(directory)
      .filter((release) => !release.startsWith('.') && isGone(view, release))
      .map((release) => ({ path: join(directory, release), release })),
  );
  return [
    ...(isSettled && exists(login)
      ? [{ diagnosis: { code: 'notice-outdated', path: login }, repair: () => remove(login) } as const]
      : []),
    ...ofKernels.map(({ path, release }) => ({
      diagnosis: { code: 'notice-outdated', path, release } as const,
      repair: () => remove(path),
    })),
  ];
};

export const checkWaiting: Check = (view) => (view.isBusy ? [] : [...queueOld(view), ...noticesOutdated(view)]);

/** What plan/staleness calls lost objects: they have a code of their own. */
const toldElsewhere = 'built objects';

/** Builds of which something has changed since. Starts a shell, and each compiler once. */
const stale = async (view: View): Promise<Found[]> => {
  const { installTree } = view.settings;
  const entries = newestEntries(view.entries).filter(({ broken }) => !broken);
  const kernels = view.releases
    .filter((release) => canBoot(installTree, release))
    .map((release) => ({ release, arch: machineArch() }));
  if (entries.length === 0 || kernels.length === 0) return [];
  const survey = await surveyModules(view.run, entries, kernels);
  return [...survey.findings.values()]
    .flatMap((findings) => [...findings.values()])
    .filter(({ candidate, record }) => candidate.state === 'installed' && !record.failure)
    .map((finding) => ({ ...finding, changed: finding.candidate.changed.filter((part) => part !== toldElsewhere) }))
    .filter(({ changed }) => changed.length > 0)
    .map(({ entry: { module, directory }, kernel, changed }) => ({
      diagnosis: { code: 'stale', path: join(directory, kernel.release, kernel.arch), module, kernel, changed },
    }));
};

/** What is known already, and is no fault of the tree: said, and not counted. */
export const checkRemarks: Check = async (view) => {
  if (view.isBusy) return [];
  const failures = view.openFailures.map(({ module, kernel }): Found => {
    const path = recordFile(view.settings.stateDir, module, kernel);
    return { diagnosis: { code: 'failure-remembered', path, module, kernel } };
  });
  return [...failures, ...(await stale(view))];
};
