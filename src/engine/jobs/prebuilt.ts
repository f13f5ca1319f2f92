import { join } from 'node:path';
import { holdingLock } from '../build/scripts.ts';
import { defaultHeaders } from '../conf/module-confs.ts';
import { type Failure, FailureError, isFailureError, systemFailure } from '../errors.ts';
import { checkIncoming } from '../install/load-check.ts';
import type { Problem } from '../problems.ts';
import type { Wanted } from '../registry/believed.ts';
import { type Fetched, type Fetching, fetchArtifact } from '../registry/fetch.ts';
import { takesPrebuilt } from '../registry/takes-prebuilt.ts';
import { storeDirectory } from '../state/paths.ts';
import { putLayers } from '../store/put.ts';
import { takeArtifact } from '../store/take.ts';
import { hashText } from '../system/files.ts';
import { copyFile, makeTemporary, remove } from '../system/publish.ts';
import type { JobContext } from './job-context.ts';

/** A build that another machine has made comes into the Store, if it is one that will load here. */

/** Objects of another name or number, or a result that is not theirs, are no build of this conf. */
const isOfConf = ({ conf }: JobContext, { statement }: Fetched): boolean => {
  const names = conf.objects.map(({ dest }) => `${dest}.ko`);
  const hashes = names.map((name) => statement.objects[name] ?? '');
  return (
    names.length === Object.keys(statement.objects).length &&
    !hashes.includes('') &&
    hashText(...hashes) === statement.result
  );
};

/** Problems of one object that count, whatever is the matter with the others. */
const byKey = ['version-magic'] as const;
const byTag = ['version-magic', 'symbol-version', 'no-symbol-version'] as const;

/**
 * As for what was built here: one object of many that will not load is no reason, but of a required module. Without headers
 * nothing but the versions of symbols says that it was built for this kernel: each counts.
 */
const loadProblem = async (
  { run, conf, site }: JobContext,
  { directory }: Pick<Fetched, 'directory'>,
  telling: readonly Problem['problem'][],
): Promise<Problem | undefined> => {
  const { module, kernel } = site;
  const paths = conf.objects.map(({ dest }) => join(directory, '0/module', `${dest}.ko`));
  const { problems, unchecked } = await checkIncoming(run, { module, kernel, paths });
  const [first] = problems;
  const isBad = problems.length === paths.length || run.settings.requiredModules.includes(module.name);
  const bad = isBad && first ? first : problems.find(({ problem }) => telling.includes(problem));
  if (!bad)
    for (const { symbols, of } of unchecked) run.note({ note: 'symbols-unchecked', module, kernel, symbols, of });
  return bad;
};

/** Whether a build of the Store, which a trial may have brought without the kernel, is one for this kernel. */
export const isFitting = async (context: JobContext, key: string): Promise<boolean> => {
  const { run, site, conf } = context;
  const directory = makeTemporary(run.scratch, 'parcel-');
  try {
    const artifact = await takeArtifact(run.processes, run.settings.stateDir, site.module.name, key, directory);
    const files = conf.objects.map(({ dest }) => `${dest}.ko`);
    if (!('statement' in artifact) || files.some((file) => artifact.statement.objects[file] === undefined))
      return false;
    return (await loadProblem(context, { directory }, byTag)) === undefined;
  } finally {
    remove(directory);
  }
};

/** The last look, at what has come; only what passes it is kept. */
const checked = async (context: JobContext, fetching: Fetching, wanted: Wanted): Promise<Fetching> => {
  if (!('fetched' in fetching)) return fetching;
  const { fetched, artifact } = fetching;
  if (!isOfConf(context, fetched)) return { refused: { problem: 'statement-malformed', at: 'subject' }, artifact };
  const problem = await loadProblem(context, fetched, 'tag' in wanted ? byTag : byKey);
  return problem ? { refused: problem, artifact } : fetching;
};

/** What came goes away; the log of a failure is kept with it, as of one that happened here. */
const withLog = ({ run, site }: JobContext, fetching: Fetching): Fetching => {
  if (!('failed' in fetching) || fetching.failed.log === undefined) return fetching;
  const log = join(run.scratch, `${site.module.name}-${site.kernel.release}.failed.log`);
  copyFile(fetching.failed.log, log);
  return { ...fetching, failed: { ...fetching.failed, log } };
};

const ask = async (context: JobContext, wanted: Wanted): Promise<Fetching> => {
  const { run, job, site } = context;
  const { settings, processes } = run;
  let scratch: string | undefined;
  try {
    scratch = makeTemporary(storeDirectory(settings.stateDir), '.tmp_');
    const minding = job.why.reason !== 'failed-before';
    const connection = { processes, settings, scratch, holding: holdingLock(site) };
    const fetching = await fetchArtifact(connection, site.module.name, wanted, minding);
    const result = withLog(context, await checked(context, fetching, wanted));
    if ('fetched' in result) {
      const { statement, layers } = result.fetched;
      await putLayers(settings.stateDir, site.module.name, site.kernel, statement, layers);
    }
    return result;
  } catch (error) {
    // A full disk, say: what is built here may still go well.
    const failure = isFailureError(error) ? error.failure : systemFailure(error);
    if (!failure) throw error;
    const { kind, detail } = failure;
    return { trouble: { problem: 'said', text: detail ?? kind }, registry: settings.prebuilt.from ?? '' };
  } finally {
    if (scratch !== undefined) remove(scratch);
  }
};

type Unhelpful = Exclude<Fetching, { readonly fetched: Fetched } | { readonly failed: Failure }>;

/** What came of asking, as a failure. */
const failureOfAsking = ({ site }: JobContext, fetching: Unhelpful): Failure => {
  if ('trouble' in fetching) return { kind: 'registry-failed', at: fetching.registry, problem: fetching.trouble };
  const { artifact } = fetching;
  if ('refused' in fetching) return { kind: 'prebuilt-refused', at: artifact, problem: fetching.refused };
  return { kind: 'prebuilt-missing', at: artifact, wanted: { module: site.module, release: site.kernel.release } };
};

/** Without headers it cannot be built here: that is what fails where prebuilt builds are only preferred. */
const withoutHeaders = (context: JobContext, why: Failure): Failure => {
  const { run, site } = context;
  if (run.settings.prebuilt.policy === 'only' || why.kind === 'prebuilt-refused') return why;
  const at = defaultHeaders(run, site.kernel);
  const more = why.problem ? { more: [why.problem] } : {};
  return { kind: 'headers-missing', at, detail: site.kernel.release, ...more };
};

/** Whoever wants prebuilt builds only has a failure, whoever prefers them a word about it. */
const tell = (context: JobContext, fetching: Unhelpful): void => {
  const { run, site } = context;
  const { module, kernel } = site;
  if (run.settings.prebuilt.policy === 'only') throw new FailureError(failureOfAsking(context, fetching));
  if ('trouble' in fetching) run.note({ note: 'registry-failed', registry: fetching.registry, why: fetching.trouble });
  else if ('refused' in fetching) {
    const { artifact, refused } = fetching;
    run.note({ note: 'prebuilt-refused', module, kernel, artifact, why: refused });
  } else run.note({ note: 'prebuilt-missing', module, kernel, artifact: fetching.artifact });
};

/** Ask a registry that was of use so far. Throws FailureError for a build that a Builder has found to fail. */
const asked = async (context: JobContext, wanted: Wanted): Promise<{ readonly key: string } | Unhelpful> => {
  const { run, say } = context;
  const { from = '' } = run.settings.prebuilt;
  const trouble = run.useless.get(from);
  if (!trouble) say('fetch');
  const fetching = trouble ? { trouble, registry: from } : await ask(context, wanted);
  if ('fetched' in fetching) return { key: fetching.fetched.statement.key };
  if ('failed' in fetching) throw new FailureError(fetching.failed);
  if (run.abort.aborted) throw new FailureError({ kind: 'interrupted' });
  if ('trouble' in fetching) run.useless.set(fetching.registry, fetching.trouble);
  return fetching;
};

/**
 * Bring the build with a Key into the Store, from where `prebuilt` says.
 *
 * @param key undefined where nobody knows all that goes into the build
 * @returns false where it has to be built here. Throws FailureError where it must not be: prebuilt_policy="only".
 */
export const fetchPrebuilt = async (context: JobContext, key: string | undefined): Promise<boolean> => {
  const { from = '', policy } = context.run.settings.prebuilt;
  if (!takesPrebuilt(context.run.settings)) return false;
  if (key === undefined) {
    if (policy === 'only')
      throw new FailureError({ kind: 'prebuilt-missing', at: from, problem: { problem: 'key-unknown' } });
    return false;
  }
  const result = await asked(context, { key });
  if ('key' in result) return true;
  tell(context, result);
  return false;
};

/**
 * Bring the build with a kernel tag into the Store, on a machine without headers.
 *
 * @param tag undefined where no package has the kernel
 * @returns its Key. Throws FailureError: it cannot be built here.
 */
export const fetchByTag = async (context: JobContext, tag: string | undefined): Promise<string> => {
  const { from = '' } = context.run.settings.prebuilt;
  const { release } = context.site.kernel;
  if (tag === undefined) {
    const problem: Problem = { problem: 'kernel-unpackaged', release };
    throw new FailureError(withoutHeaders(context, { kind: 'prebuilt-missing', at: from, problem }));
  }
  const result = await asked(context, { tag });
  if ('key' in result) return result.key;
  throw new FailureError(withoutHeaders(context, failureOfAsking(context, result)));
};
