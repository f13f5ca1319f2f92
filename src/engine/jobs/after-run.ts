import { join } from 'node:path';
import type { Row } from '../answers.ts';
import type { Failure } from '../errors.ts';
import { objectNameOf } from '../kernel/compression.ts';
import { runningKernel } from '../kernel/kernel.ts';
import type { Run } from '../run/run.ts';
import { dueFor, dueReleases, strikeDue } from '../state/due.ts';
import { withoutMarkers } from '../state/nested.ts';
import { readRecord } from '../state/record.ts';
import { close, openLastingLog } from '../system/descriptors.ts';

/** What follows a run when its lock is free again: post_transaction, and loading what was installed. */

const commandLimit = 600;

/** The admin's shell line, once for each kernel that was changed; its output goes to a log in the dkms tree. */
const runPostTransaction = async (run: Run, release: string): Promise<Failure | undefined> => {
  const line = run.settings.postTransaction;
  if (!line) return undefined;
  const log = join(run.settings.dkmsTree, 'post_transaction.log');
  const descriptor = openLastingLog(log);
  const ended = await run.processes.run({
    argv: ['bash', '-c', line],
    environment: { ...withoutMarkers(run.environment), kernelver: release },
    log: descriptor,
    limit: commandLimit,
  });
  close(descriptor);
  return ended.code === 0 ? undefined : { kind: 'post-transaction-failed', at: line, code: ended.code, log };
};

/** Names to load, only for the kernel that runs and only out of the system's own tree. */
const loadable = (run: Run, rows: readonly Row[]): string[] => {
  const isWanted = run.switches.modprobe || run.settings.modprobeOnInstall;
  if (!isWanted || run.settings.privateInstallTree) return [];
  return rows
    .filter((row) => row.outcome.kind === 'installed' && row.kernel.release === runningKernel())
    .flatMap((row) => readRecord(run.settings.stateDir, row.module, row.kernel).installed ?? [])
    .map((file) => objectNameOf(file.path.split('/').at(-1) ?? '') ?? '')
    .filter(Boolean);
};

const load = async (run: Run, name: string): Promise<Failure | undefined> => {
  const ended = await run.processes.ask(['modprobe', name], { limit: 60 });
  if (ended.code === 0) return undefined;
  return { kind: 'load-failed', at: name, detail: ended.problem, code: ended.code };
};

/** Kernels that were given modules, or lost some, and those of which an earlier run owes it. */
const changedIn = (run: Run, rows: readonly Row[]): string[] => {
  const { stateDir } = run.settings;
  const changed = rows.filter(({ outcome }) => outcome.kind === 'installed' || outcome.kind === 'removed');
  const due = dueReleases(stateDir).filter((release) => dueFor(stateDir, release).includes('post-transaction'));
  return [...new Set([...changed.map((row) => row.kernel.release), ...due])].sort();
};

const postTransaction = async (run: Run, release: string): Promise<Failure | undefined> => {
  const failure = await runPostTransaction(run, release);
  if (!failure) strikeDue(run.settings.stateDir, release, ['post-transaction']);
  return failure;
};

/** Do what follows; the failures are the run's own. */
export const afterRun = async (run: Run, rows: readonly Row[]): Promise<Failure[]> => {
  // What is due then stays due.
  if (run.abort.aborted) return [];
  const failures: (Failure | undefined)[] = [];
  for (const name of loadable(run, rows)) failures.push(await load(run, name));
  for (const release of changedIn(run, rows)) failures.push(await postTransaction(run, release));
  return failures.filter((failure) => failure !== undefined);
};
