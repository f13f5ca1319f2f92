import { resolve } from 'node:path';
import { type Manager, requestOf } from '../adapters/events.ts';
import type {
  KernelScope,
  MatrixRequest,
  Module,
  NamedSource,
  PackageFormat,
  Request,
  StatusRequest,
  TryRequest,
} from '../engine/request.ts';
import { isCleanName, isPackageFile } from '../engine/system/names.ts';
import { nearest } from '../engine/system/nearest.ts';
import type { ExitPolicy } from '../report/exit-status.ts';
import { type CiSystem, ciJobs } from './ci-jobs.ts';
import type { Task } from './invocation.ts';
import { jobsOf, releasesOf } from './options.ts';
import { UsageError } from './usage.ts';

/** What the commands of kmodsort ask for. */

export interface Chosen {
  readonly task: Task;
  readonly exitPolicy: ExitPolicy;
  readonly dot: boolean;
  readonly page?: string;
}

/** The answer is known: nothing has to be done for it. */
export interface Said {
  readonly text: string;
}

const managers: readonly Manager[] = ['pacman', 'apt', 'rpm'];
export const typed = (request: Request): Chosen => ({
  task: { kind: 'request', request },
  exitPolicy: 'typed',
  dot: false,
});

/** The kernels of -k; without it the usual ones. */
export const scopeOf = (releases: readonly string[]): KernelScope =>
  releases.length > 0 ? { kind: 'only', kernels: releases.map((release) => ({ release })) } : { kind: 'usual' };

const namedModule = (asked: string): { readonly name: string; readonly version?: string } => {
  const [, name, version] = /^([^/]+)(?:\/([^/]+))?$/.exec(asked) ?? [];
  if (name === undefined) throw new UsageError(`invalid module '${asked}': use NAME or NAME/VERSION`);
  return { name, ...(version ? { version } : {}) };
};

/**
 * What `try` is about: a shell makes words of `*.deb`, also after one `--packages`.
 *
 * @param words module names and package files
 */
export const operandsOf = (
  words: readonly string[] = [],
  packages: readonly string[] = [],
  cwd: string,
): Pick<TryRequest, 'names' | 'archives'> => {
  const names = words.filter((word) => !isPackageFile(word));
  const odd = names.find((name) => !isCleanName(name));
  if (odd !== undefined) throw new UsageError(`invalid module '${odd}': use NAME`);
  const files = [...packages, ...words.filter(isPackageFile)];
  const other = files.find((file) => !isPackageFile(file));
  if (other !== undefined) throw new UsageError(`not a package file (.deb, .rpm, .pkg.tar.*): '${other}'`);
  return { names, archives: files.map((file) => resolve(cwd, file)) };
};

/**
 * What a matrix is of: words with a slash are source directories.
 *
 * @param headers package files, directories of headers, releases
 * @param places directories with packages or directories of headers in them
 */
export const matrixRequest = (
  words: readonly string[],
  headers: readonly string[] = [],
  places: readonly string[] = [],
  { cwd, self }: { readonly cwd: string; readonly self: readonly [string, ...string[]] },
): MatrixRequest => {
  const isPath = (word: string): boolean => word.includes('/') || word === '.' || word === '..';
  const sources = words.filter((word) => !isPackageFile(word));
  // A shell makes words of `*.deb`, also after one --kernels.
  const kernels = [...headers, ...words.filter(isPackageFile)];
  const names = sources.filter((word) => !isPath(word));
  const odd = names.find((name) => !isCleanName(name));
  if (odd !== undefined) throw new UsageError(`invalid module '${odd}': use NAME, or the path of a source directory`);
  if (kernels.length + places.length === 0) throw new UsageError('matrix needs --kernels or --kernels-from');
  const absolute = (paths: readonly string[]): string[] => paths.map((path) => resolve(cwd, path));
  const others = kernels.filter((word) => !isPackageFile(word));
  return {
    verb: 'matrix',
    names: [...new Set(names)],
    directories: absolute(sources.filter(isPath)),
    archives: absolute(kernels.filter(isPackageFile)),
    places: absolute([...others.filter(isPath), ...places]),
    releases: releasesOf(others.filter((word) => !isPath(word))),
    program: self,
  };
};

/** The same matrix, where it is to be built. */
export const onCluster = (request: MatrixRequest, on: 'local' | 'slurm', jobs: unknown): MatrixRequest =>
  on === 'local' ? request : { ...request, slurm: { cores: Math.max(1, jobsOf(lastOf(jobs)).jobs ?? 1) } };

/** The jobs of a CI system for the same matrix. */
export const printedMatrix = (system: CiSystem, words: readonly string[], request: MatrixRequest): string => {
  if (request.archives.length + request.places.length > 0)
    throw new UsageError('--print needs kernel releases: the jobs bring their headers with apt-get');
  const [name] = request.names;
  if (name !== undefined)
    throw new UsageError(`--print needs source directories: no module ${name} is known where the jobs run`);
  return ciJobs(system, { modules: words, releases: request.releases });
};

export const whyRequest = (asked: string, releases: readonly string[]): Request => ({
  verb: 'why',
  ...namedModule(asked),
  scope: scopeOf(releases),
});

export const pushRequest = (asked: readonly string[] = [], releases: readonly string[], dryRun: boolean): Request => {
  for (const one of asked) namedModule(one);
  return { verb: 'push', names: [...new Set(asked)], releases, dryRun };
};

/** SHA-256 in hex. */
const isHash = (text: string): boolean => /^[0-9a-f]{64}$/.test(text);

const lastOf = (value: unknown): string | undefined => {
  const last: unknown = Array.isArray(value) ? value.at(-1) : value;
  return typeof last === 'string' ? last : undefined;
};

/** NAME/VERSION, both of them. */
const wholeModule = (text: string): Module | undefined => {
  const [, name = '', version = ''] = /^([^/]+)\/([^/]+)$/.exec(text) ?? [];
  return isCleanName(name) && isCleanName(version) ? { name, version } : undefined;
};

const namedSource = (text: string): NamedSource => {
  const at = text.lastIndexOf('@');
  const [name, hash] = [text.slice(0, at), text.slice(at + 1)];
  if (wholeModule(name) && isHash(hash)) return { name, hash };
  throw new UsageError(`invalid source '${text}': use NAME/VERSION@HASH`);
};

/** What `produce` is told besides. */
interface InputWords {
  readonly source?: readonly string[] | undefined;
  /** Given twice, a list. */
  readonly headers?: unknown;
  readonly ticket?: unknown;
}

export const produceRequest = (
  asked: string,
  [release, ...more]: readonly string[],
  words: InputWords,
  self: readonly [string, ...string[]],
): Request => {
  const module = wholeModule(asked);
  if (!module) throw new UsageError(`invalid module '${asked}': use NAME/VERSION`);
  if (release === undefined || more.length > 0) throw new UsageError('produce requires one -k KERNEL');
  const [headers, ticket] = [lastOf(words.headers), lastOf(words.ticket)];
  if (headers !== undefined && !isHash(headers)) throw new UsageError(`invalid --headers '${headers}': use HASH`);
  return {
    verb: 'produce',
    module,
    release,
    sources: (words.source ?? []).map(namedSource),
    ...(headers === undefined ? {} : { headers }),
    ...(ticket === undefined ? {} : { ticket }),
    program: self,
  };
};

const formats: readonly PackageFormat[] = ['deb', 'rpm', 'pacman'];

/** What `pack` is told of packages. */
interface PackWords extends Readonly<Record<PackageFormat, boolean>> {
  /** Of -o; given twice, a list. */
  readonly output?: unknown;
  readonly 'dry-run': boolean;
}

export const packRequest = (
  asked: readonly string[] = [],
  releases: readonly string[],
  words: PackWords,
  cwd: string,
): Request => {
  for (const one of asked) namedModule(one);
  if (releases.length === 0) throw new UsageError('pack requires -k KERNEL');
  const [format, ...more] = formats.filter((one) => words[one]);
  if (format === undefined || more.length > 0) throw new UsageError('pack requires one of --deb, --rpm and --pacman');
  const output: unknown = Array.isArray(words.output) ? words.output.at(-1) : words.output;
  const directory = resolve(cwd, typeof output === 'string' ? output : '.');
  return { verb: 'pack', names: [...new Set(asked)], releases, format, output: directory, dryRun: words['dry-run'] };
};

export const lintRequest = (paths: readonly string[], cwd: string): Request => ({
  verb: 'lint',
  operands: paths.map((typed) => ({ typed, path: resolve(cwd, typed) })),
});

export const logRequest = (asked: string, releases: readonly string[]): Request => {
  const named = namedModule(asked);
  if (releases.length > 1) throw new UsageError('log accepts one -k only');
  const [release] = releases;
  return { verb: 'log', ...named, ...(release ? { release } : {}) };
};

/** What a machine does when it comes up: the kernel that runs, and what had to wait. */
const bootRequest = (dryRun: boolean): Request => ({
  ...requestOf('none', [{ kind: 'transaction-ended' }], { dryRun }),
  scope: { kind: 'running' },
});

export const hookRun = ([manager, ...words]: readonly string[], dryRun: boolean): Chosen => {
  if (manager === undefined) return typed(requestOf('none', [{ kind: 'transaction-ended' }], { dryRun }));
  if (manager === 'boot') return { ...typed(bootRequest(dryRun)), exitPolicy: 'boot' };
  const known = managers.find((name) => name === manager);
  if (known) return { task: { kind: 'hook', manager: known, words, dryRun }, exitPolicy: known, dot: false };
  const near = nearest(manager, managers);
  throw new UsageError(
    `unknown package manager ${manager}: ${near ? `did you mean ${near}?` : `use one of ${managers.join(', ')}, or boot`}`,
  );
};

export const outputOf = (json: boolean, asDot: boolean): 'auto' | 'json' | 'dot' => {
  if (json && asDot) throw new UsageError('--json and --dot are mutually exclusive');
  if (json) return 'json';
  return asDot ? 'dot' : 'auto';
};

/** The state of one module or all, on some kernels or all. */
export const statusRequest = (
  asked: string | undefined,
  releases: readonly string[],
  onlyFailed: boolean,
): StatusRequest => ({
  verb: 'status',
  ...(asked === undefined ? {} : namedModule(asked)),
  kernels: releases.map((release) => ({ release })),
  arches: [],
  ...(onlyFailed ? { onlyFailed } : {}),
});

/** The state of everything. */
export const statusTask: Chosen = typed({ verb: 'status', kernels: [], arches: [] });
