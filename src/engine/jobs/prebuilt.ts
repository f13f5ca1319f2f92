import { join } from 'node:path';
import { type Failure, FailureError, isFailureError, systemFailure } from '../errors.ts';
import { checkIncoming } from '../install/load-check.ts';
import type { Problem } from '../problems.ts';
import { type Fetched, type Fetching, fetchArtifact } from '../registry/fetch.ts';
import { storeDirectory } from '../state/paths.ts';
import { putLayers } from '../store/put.ts';
import { exists, hashText } from '../system/files.ts';
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

/** As for what was built here: one object of many that will not load is no reason, but of a required module. */
const loadProblem = async ({ run, conf, site }: JobContext, { directory }: Fetched): Promise<Problem | undefined> => {
  const { module, kernel } = site;
  const paths = conf.objects.map(({ dest }) => join(directory, '0/module', `${dest}.ko`));
  const problems = await checkIncoming(run, { module, kernel, paths });
  const isBad = problems.length === paths.length || run.settings.requiredModules.includes(module.name);
  return isBad ? problems[0] : problems.find(({ problem }) => problem === 'version-magic');
};

/** The last look, at what has come; only what passes it is kept. */
const checked = async (context: JobContext, fetching: Fetching): Promise<Fetching> => {
  if (!('fetched' in fetching)) return fetching;
  const { fetched, artifact } = fetching;
  if (!isOfConf(context, fetched)) return { refused: { problem: 'statement-malformed', at: 'subject' }, artifact };
  const problem = await loadProblem(context, fetched);
  return problem ? { refused: problem, artifact } : fetching;
};

/** What came goes away; the log of a failure is kept with it, as of one that happened here. */
const withLog = ({ run, site }: JobContext, fetching: Fetching): Fetching => {
  if (!('failed' in fetching) || fetching.failed.log === undefined) return fetching;
  const log = join(run.scratch, `${site.module.name}-${site.kernel.release}.failed.log`);
  copyFile(fetching.failed.log, log);
  return { ...fetching, failed: { ...fetching.failed, log } };
};

const ask = async (context: JobContext, key: string): Promise<Fetching> => {
  const { run, job, site } = context;
  const { settings, processes } = run;
  let scratch: string | undefined;
  try {
    scratch = makeTemporary(storeDirectory(settings.stateDir), '.tmp_');
    const minding = job.why.reason !== 'failed-before';
    const fetching = await fetchArtifact({ processes, settings, scratch }, site.module.name, key, minding);
    const result = withLog(context, await checked(context, fetching));
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

/** Whoever wants prebuilt builds only has a failure, whoever prefers them a word about it. */
const tell = (
  { run, site }: JobContext,
  fetching: Exclude<Fetching, { readonly fetched: Fetched } | { readonly failed: Failure }>,
): void => {
  const isOnly = run.settings.prebuilt.policy === 'only';
  const { module, kernel } = site;
  if (run.abort.aborted) throw new FailureError({ kind: 'interrupted' });
  if ('trouble' in fetching) {
    const { registry, trouble } = fetching;
    run.useless.set(registry, trouble);
    if (isOnly) throw new FailureError({ kind: 'registry-failed', at: registry, problem: trouble });
    run.note({ note: 'registry-failed', registry, why: trouble });
    return;
  }
  const { artifact } = fetching;
  if ('refused' in fetching) {
    const { refused } = fetching;
    if (isOnly) throw new FailureError({ kind: 'prebuilt-refused', at: artifact, problem: refused });
    run.note({ note: 'prebuilt-refused', module, kernel, artifact, why: refused });
    return;
  }
  if (isOnly) throw new FailureError({ kind: 'prebuilt-missing', at: artifact });
  run.note({ note: 'prebuilt-missing', module, kernel, artifact });
};

/**
 * Bring the build with a Key into the Store, from where `prebuilt` says.
 *
 * @param key undefined where nobody knows all that goes into the build
 * @returns false where it has to be built here. Throws FailureError where it must not be: prebuilt_policy="only".
 */
export const fetchPrebuilt = async (context: JobContext, key: string | undefined): Promise<boolean> => {
  const { run, say } = context;
  const { from = '', policy, pushKey, signers } = run.settings.prebuilt;
  // A Builder that believes nobody else.
  if (policy === 'prefer' && pushKey !== undefined && !exists(signers)) return false;
  if (key === undefined) {
    if (policy === 'only')
      throw new FailureError({ kind: 'prebuilt-missing', at: from, problem: { problem: 'key-unknown' } });
    return false;
  }
  const trouble = run.useless.get(from);
  if (!trouble) say('fetch');
  const fetching = trouble ? { trouble, registry: from } : await ask(context, key);
  if ('fetched' in fetching) return true;
  if ('failed' in fetching) throw new FailureError(fetching.failed);
  tell(context, fetching);
  return false;
};
