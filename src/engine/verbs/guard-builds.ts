import type { GuardAnswer, GuardBuild, Row } from '../answers.ts';
import { type Failure, type FailureKind, failureOf, isFailureError } from '../errors.ts';
import { canBoot } from '../kernel/kernel.ts';
import { filesOfPackages } from '../register/packages.ts';
import type { GuardRequest } from '../request.ts';
import type { Run } from '../run/run.ts';
import { vetoesDirectory } from '../state/paths.ts';
import { forgetRecord, recordedEntries } from '../state/record.ts';
import { inPlace, type Tried, tryIn } from './try.ts';

/** Before a transaction changes anything: the required modules are built for the kernels that come in. */

/** What says nothing of the module: the machine was not up to it, or somebody ended it. */
const saysNothing: ReadonlySet<FailureKind> = new Set([
  'not-tried',
  'not-confined',
  'interrupted',
  'lock-busy',
  'disk-full',
  'read-only',
  'memory-short',
  'no-permission',
  'noexec',
  'build-stalled',
  'registry-failed',
  'unexpected',
]);

const verdictOf = ({ outcome, module }: Row, required: ReadonlySet<string>): GuardBuild['verdict'] => {
  if (outcome.kind === 'failed' && saysNothing.has(outcome.failure.kind)) return 'untried';
  if (outcome.kind === 'skipped' && outcome.why.reason === 'interrupted') return 'untried';
  if (outcome.kind !== 'failed' && outcome.kind !== 'blocked') return 'ready';
  return required.has(module.name) ? 'stop' : 'warning';
};

/** Those that a blocked one waits for decide: of what was not tried nobody knows anything. */
const judged = ({ rows }: Tried, required: ReadonlySet<string>): GuardBuild[] => {
  const builds = rows.map((row): GuardBuild => ({ row, verdict: verdictOf(row, required) }));
  const isUntried = (name: string, release: string): boolean =>
    builds.some(
      ({ row, verdict }) => verdict === 'untried' && row.module.name === name && row.kernel.release === release,
    );
  return builds.map((build): GuardBuild => {
    const { outcome, kernel } = build.row;
    const root =
      outcome.kind === 'blocked' && outcome.why.reason === 'dependency-failed' ? outcome.why.root : undefined;
    return root !== undefined && isUntried(root, kernel.release) ? { ...build, verdict: 'untried' } : build;
  });
};

/** What failed for a kernel that was installed all the same has records of its own. */
const forgetOld = ({ settings: { stateDir, installTree } }: Run): void => {
  const vetoes = vetoesDirectory(stateDir);
  for (const { module, kernel } of recordedEntries(vetoes))
    if (canBoot(installTree, kernel.release)) forgetRecord(vetoes, module, kernel);
};

/**
 * Build what the setting names. Whatever keeps it from that is no reason to stop anybody.
 *
 * @returns what came of it; nothing where no kernel comes in
 */
export const guardBuilds = async (
  run: Run,
  request: GuardRequest,
): Promise<Pick<GuardAnswer, 'builds' | 'untried'>> => {
  const { kernelGuard, requiredModules, guardLimit } = run.settings;
  const names = kernelGuard === 'build' ? requiredModules : [];
  if (kernelGuard === 'build' && names.length === 0) return { builds: [] };
  const archives = [...request.archives, ...request.tools, ...(await filesOfPackages(run, request.packages))];
  if (archives.length === 0) return { builds: [] };
  const asked = { verb: 'try', archives, next: false, releases: [], names, program: request.program } as const;
  const manner = { remembers: true, onlyKernels: true, ...(guardLimit > 0 ? { limit: guardLimit * 60 } : {}) };
  try {
    forgetOld(run);
    const tried = await inPlace(run.settings, (place) => tryIn(run, asked, place, manner));
    const [untried] = tried.failures;
    // Who is told to end has nothing more to say.
    const builds = run.abort.aborted ? [] : judged(tried, new Set(requiredModules));
    const ended: Failure | undefined = run.abort.aborted ? { kind: 'interrupted' } : untried;
    return { builds, ...(ended ? { untried: ended } : {}) };
  } catch (error) {
    if (!isFailureError(error)) throw error;
    return { builds: [], untried: failureOf(error) };
  }
};
