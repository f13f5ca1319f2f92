import { join } from 'node:path';
import { type Failure, systemFailure } from '../errors.ts';
import { makeUname } from '../kernel/uname.ts';
import type { Environment } from '../settings.ts';
import { pathOf } from '../system/environment.ts';
import type { Processes } from '../system/exec.ts';
import { exists, readDirectory, readText, stat } from '../system/files.ts';
import { makeTemporary, remove, writeText } from '../system/publish.ts';
import { directiveNames, type RawConf } from './directives.ts';
import { reader } from './script.ts';

/**
 * dkms.conf is a bash script, so bash reads it: all confs of a run in one process, each in a subshell
 * with a result file of its own. A conf that kills or stalls that process is found by reading the
 * rest one at a time.
 */

/** What to read, and the values that a conf may use. */
export interface ConfQuestion {
  /** dkms.conf, then the overrides that exist, in order. */
  readonly files: readonly string[];
  readonly release: string;
  /** Variables in scope: kernelver, arch, kernel_source_dir, dkms_tree, the framework's. */
  readonly scope: Readonly<Record<string, string>>;
  /** NAME=value or NAME[i]=value, applied last (--directive, DKMS_DIRECTIVE*). */
  readonly directives: readonly string[];
}

export type ConfReading =
  | { readonly kind: 'read'; readonly raw: RawConf; readonly complaints: string }
  | { readonly kind: 'failed'; readonly failure: Failure };

const stallMs = 3000;
const singleLimit = 30;
const singlesAtOnce = 8;

/** What a reading of confs needs of a run. */
export interface ConfReader {
  readonly processes: Processes;
  /** The caller's environment as scripts get it. */
  readonly environment: Environment;
  /** A private directory. */
  readonly scratch: string;
  /** Another one, where programs may be run. */
  readonly programs: string;
}

interface ReaderSession {
  readonly directory: string;
  readonly processes: Processes;
  readonly environment: Environment;
  readonly programs: string;
}

const resultFile = (session: ReaderSession, index: number): string => join(session.directory, `${index}.result`);
const complaintFile = (session: ReaderSession, index: number): string => join(session.directory, `${index}.complaints`);

const fieldsOf = (session: ReaderSession, question: ConfQuestion, index: number): string => {
  const scope = Object.entries(question.scope).map(([name, value]) => `${name}=${value}`);
  const fields = [
    resultFile(session, index),
    complaintFile(session, index),
    makeUname(session.programs, question.release, pathOf(session.environment)),
    ...question.files,
    '',
    ...scope,
    '',
    ...question.directives,
    '',
  ];
  return `${fields.join('\0')}\0`;
};

/** Abort when no further result has appeared for a while. */
const watchForStall = (session: ReaderSession, stop: () => void): NodeJS.Timeout => {
  let seen = -1;
  let since = Date.now();
  return setInterval(() => {
    const results = readDirectory(session.directory).filter((name) => name.endsWith('.result')).length;
    if (results !== seen) since = Date.now();
    else if (Date.now() - since > stallMs) stop();
    seen = results;
  }, 200);
};

/** True if some conf killed the shell that reads them: its own subshell may have lived on to give an answer. */
const runReader = async (
  session: ReaderSession,
  questions: ReadonlyMap<number, ConfQuestion>,
  single: boolean,
): Promise<boolean> => {
  const listFile = join(session.directory, `list-${[...questions.keys()][0] ?? 0}${single ? '-single' : ''}`);
  writeText(listFile, [...questions].map(([index, question]) => fieldsOf(session, question, index)).join(''));
  const stalled = new AbortController();
  const watch = single ? undefined : watchForStall(session, () => stalled.abort());
  const ended = await session.processes.run({
    argv: ['bash', '--norc', '--noprofile', '-c', reader, 'dkms.conf', listFile, join(session.directory, 'names')],
    environment: session.environment,
    abort: stalled.signal,
    ...(single ? { limit: singleLimit } : {}),
  });
  clearInterval(watch);
  return ended.code !== 0 && !stalled.signal.aborted;
};

type Gathered = Map<string, Map<number, string>>;

const isMatch = 'match:';

const gatherIn = (into: Gathered, name: string, index: number, value: string): void => {
  into.set(name, (into.get(name) ?? new Map()).set(index, value));
};

const parseResult = (text: string): RawConf | undefined => {
  const fields = text.split('\0');
  const values: Gathered = new Map();
  const matches: Gathered = new Map();
  let complete = false;
  for (let i = 0; i + 2 < fields.length; i += 3) {
    const [name = '', index, value = ''] = fields.slice(i, i + 3);
    if (name === 'END') complete = true;
    else if (name.startsWith(isMatch)) gatherIn(matches, name.slice(isMatch.length), Number(index), value);
    else gatherIn(values, name, Number(index), value);
  }
  return complete ? { values, matches } : undefined;
};

const shellError = /: line \d+: .*(syntax error|unexpected EOF|unexpected end of file)|cannot execute binary file/;

/** What bash has to write down about a conf is less than that, bytes. */
const roomForResults = 1 << 16;

/** Where bash can write nothing down it is the fault of no conf: what the system says of the place. */
const placeFailure = ({ directory }: ReaderSession): Failure | undefined => {
  try {
    writeText(join(directory, 'room'), '-'.repeat(roomForResults));
    return undefined;
  } catch (error) {
    return systemFailure(error);
  }
};

const readingOf = (session: ReaderSession, question: ConfQuestion, index: number, elapsedMs: number): ConfReading => {
  const at = question.files[0] ?? '';
  const complaints = (readText(complaintFile(session, index)) ?? '').trim();
  const error = complaints.split('\n').find((line) => shellError.test(line));
  if (error) return { kind: 'failed', failure: { kind: 'conf-broken', at, detail: error } };
  const raw = parseResult(readText(resultFile(session, index)) ?? '');
  if (raw) return { kind: 'read', raw, complaints };
  if (elapsedMs >= singleLimit * 1000) return { kind: 'failed', failure: { kind: 'conf-stalled', at } };
  const [detail] = complaints.split('\n');
  const place = detail ? undefined : placeFailure(session);
  if (place) return { kind: 'failed', failure: place };
  const why = detail ? { detail } : { problem: { problem: 'shell-ended' } as const };
  return { kind: 'failed', failure: { kind: 'conf-broken', at, ...why } };
};

const singly = async (session: ReaderSession, question: ConfQuestion, index: number): Promise<number> => {
  const start = Date.now();
  if (await runReader(session, new Map([[index, question]]), true)) remove(resultFile(session, index));
  return Date.now() - start;
};

/**
 * Read many confs; the answers are in the order of the questions. One bad conf costs only its own answer.
 *
 * @param reader what runs bash, and in which private directory
 */
export const readConfs = async (
  { processes, environment, scratch, programs }: ConfReader,
  questions: readonly ConfQuestion[],
): Promise<ConfReading[]> => {
  if (questions.length === 0) return [];
  const directory = makeTemporary(scratch, 'kmodsort-conf-');
  const session: ReaderSession = { directory, processes, environment, programs };
  try {
    writeText(join(directory, 'names'), `${directiveNames.join('\n')}\n`);
    const killed = await runReader(session, new Map(questions.entries()), false);
    const missing = questions.map((_, index) => index).filter((index) => killed || !exists(resultFile(session, index)));
    const elapsed = new Map<number, number>();
    // Side by side: several that stall must not add up while a transaction waits.
    for (let start = 0; start < missing.length; start += singlesAtOnce) {
      const some = missing.slice(start, start + singlesAtOnce);
      await Promise.all(
        some.map(async (index) => {
          const question = questions[index];
          if (question) elapsed.set(index, await singly(session, question, index));
        }),
      );
    }
    return questions.map((question, index) => readingOf(session, question, index, elapsed.get(index) ?? 0));
  } finally {
    remove(directory);
  }
};

/** The override files that exist for a module on a kernel, in the order in which they are read. */
export const overrideFiles = (
  confDir: string,
  name: string,
  version: string,
  release: string,
  arch: string,
): string[] =>
  [
    `${name}.conf`,
    `${name}-${version}.conf`,
    `${name}-${version}-${release}.conf`,
    `${name}-${version}-${release}-${arch}.conf`,
    `${name}--${release}.conf`,
    `${name}--${release}-${arch}.conf`,
  ]
    .map((file) => join(confDir, file))
    .filter((path) => stat(path)?.kind === 'file');
