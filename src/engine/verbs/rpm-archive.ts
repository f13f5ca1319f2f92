import type { Failure } from '../errors.ts';
import { type DkmsRequest, type SyncRequest, typedSync } from '../request.ts';
import type { Run } from '../run/run.ts';
import { stat } from '../system/files.ts';

/** An .rpm that ldtarball is given: rpm installs it and runs its scriptlets, so it must not come under our lock. */

type Changing = SyncRequest | DkmsRequest;

const rpmOf = (request: Changing): string | undefined =>
  request.verb === 'ldtarball' && request.archive?.endsWith('.rpm') ? request.archive : undefined;

/** What is left to do when rpm is done: all that the running kernel lacks. */
const autoinstall = typedSync({ kind: 'running' });

const install = async (run: Run, archive: string): Promise<Failure | undefined> => {
  if (stat(archive)?.kind !== 'file') return { kind: 'archive-missing', at: archive };
  const ended = await run.processes.run({ argv: ['rpm', '-Uvh', archive], environment: run.environment, limit: 3600 });
  if (ended.code === 0) return undefined;
  const said = ended.errors.trim().split('\n').at(-1) ?? '';
  return { kind: 'rpm-refused', at: archive, detail: said || ended.problem, code: ended.code };
};

/** Install the .rpm of a request, if it is about one. The answer is what is left to do, or why nothing is. */
export const afterRpm = async (run: Run, request: Changing): Promise<Changing | { readonly failure: Failure }> => {
  const archive = rpmOf(request);
  if (archive === undefined) return request;
  const failure = await install(run, archive);
  return failure ? { failure } : autoinstall;
};
