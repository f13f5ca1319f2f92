import { basename, join } from 'node:path';
import type { MatrixAnswer } from '../answers.ts';
import { FailureError } from '../errors.ts';
import type { Emit, Note } from '../progress.ts';
import type { MatrixRequest } from '../request.ts';
import { noSwitches, type Run } from '../run/run.ts';
import type { Settings } from '../settings.ts';
import { sweepStore } from '../store/sweep.ts';
import { compareVersions } from '../system/version.ts';
import { readTree } from '../tree/tree.ts';
import { bringSources, headersIn, linkHeaders, packagesIn } from '../trial/matrix-places.ts';
import { unpackPackages } from '../trial/unpack.ts';
import type { Gathered } from './matrix-slurm.ts';
import { asFailure, askInView, inPlace, packagesFor } from './try.ts';
import { withRun } from './with-run.ts';

/** Every module built for every kernel, in the order of their dependencies and confined, in a view as a trial's. */

type Built = Pick<MatrixAnswer, 'rows' | 'failures' | 'notes' | 'packages' | 'releases'>;

/** Throws not-added (FailureError) of a name that is not in the dkms tree. */
const checkNames = ({ settings: { dkmsTree, sourceTree } }: Run, names: readonly string[]): void => {
  const known = new Set(readTree(dkmsTree, sourceTree).map(({ module }) => module.name));
  const unknown = names.find((name) => !known.has(name));
  if (unknown !== undefined) throw new FailureError({ kind: 'not-added', at: unknown });
};

/** Put all that is named where a view of the machine finds it. */
const gather = async (run: Run, request: MatrixRequest, directory: string): Promise<Gathered> => {
  const root = join(directory, 'root');
  checkNames(run, request.names);
  const headers = headersIn(request.places);
  const given = [...request.archives, ...packagesIn(request.places)];
  const brought = await packagesFor(
    run,
    { archives: [], next: false, releases: request.releases },
    join(directory, 'packages'),
  );
  const packages = [...given, ...brought];
  const names = packages.map((file) => basename(file));
  if (packages.length > 0) run.emit({ kind: 'unpacking', packages: names });
  const unpacked = await unpackPackages(run, packages, root);
  linkHeaders(headers, root);
  const { sources, names: own } = await bringSources(run, request.directories, root);
  const releases = [...new Set([...request.releases, ...headers.map(({ release }) => release), ...unpacked.releases])];
  releases.sort(compareVersions);
  const question = {
    program: request.program,
    names: [...new Set([...own, ...request.names])],
    releases,
    sources: [...sources, ...unpacked.sources],
    coming: unpacked.coming,
    remembers: false,
    needed: headers.map((one) => one.directory),
  };
  return { root, directory, question, packages: names };
};

const buildAll = async (run: Run, request: MatrixRequest, directory: string): Promise<Built> => {
  const { slurm } = request;
  // Where nothing can be sent nothing is unpacked.
  const cluster = slurm && (await import('./matrix-slurm.ts'));
  const way = cluster && (await cluster.expectCluster(run));
  const gathered = await gather(run, request, directory);
  const { question, root, packages } = gathered;
  const built =
    slurm && cluster && way
      ? await cluster.buildOnSlurm(run, way, gathered, slurm.cores)
      : await askInView(run, question, root, directory);
  return { ...built, packages, releases: question.releases };
};

const answerOf = async (
  run: Run,
  request: MatrixRequest,
  notes: readonly Note[],
  directory: string,
): Promise<MatrixAnswer> => {
  const start = performance.now();
  const built = await buildAll(run, request, directory).catch((error: unknown): Built => {
    return { rows: [], failures: [asFailure(error)], notes: [], packages: [], releases: [] };
  });
  sweepStore(run.settings);
  const signal = run.abort.reason === 'SIGINT' ? 'SIGINT' : 'SIGTERM';
  const seconds = (performance.now() - start) / 1000;
  return {
    kind: 'matrix',
    ...built,
    notes: [...notes, ...built.notes],
    seconds,
    ...(run.abort.aborted ? { signal } : {}),
  };
};

/** Build the matrix. Changes nothing but the Store and the logs of what failed. */
export const matrix = (
  settings: Settings,
  request: MatrixRequest,
  emit: Emit,
  abort: AbortSignal,
): Promise<MatrixAnswer> =>
  inPlace(settings, (place) =>
    withRun<MatrixAnswer>({ ...settings, temporary: place }, noSwitches, emit, abort, (run, notes) =>
      answerOf(run, request, notes, place),
    ),
  );
