import type { PlanAnswer, Summary } from '../answers.ts';
import type { Errand, Word } from '../errand.ts';
import { type Failure, FailureError } from '../errors.ts';
import type { Run } from '../run/run.ts';
import { close, openLog, openToRead, readPart, sizeOf } from '../system/descriptors.ts';
import type { Argv } from '../system/exec.ts';
import { writeText } from '../system/publish.ts';

/** This program at work in another view of the machine: what it is asked, and what it says, a line of JSON each. */

const isWord = (value: unknown): value is Word =>
  value instanceof Object &&
  (('progress' in value && value.progress instanceof Object) ||
    ('answer' in value && value.answer instanceof Object && 'notes' in value.answer));

/** A line that is none was said by somebody on the way there: mount, a crash. */
const wordOf = (line: string): Word | undefined => {
  try {
    const value: unknown = JSON.parse(line);
    return isWord(value) ? value : undefined;
  } catch {
    return undefined;
  }
};

/** Reads whole lines of a file that grows. */
const linesOf = (descriptor: number): (() => string[]) => {
  let at = 0;
  let rest = '';
  return () => {
    const end = sizeOf(descriptor);
    const lines = `${rest}${readPart(descriptor, at, end)}`.split('\n');
    at = end;
    rest = lines.pop() ?? '';
    return lines;
  };
};

const lookEveryMs = 100;

/**
 * Run the program on an errand and pass on what it says.
 *
 * @param place a private path to begin file names with
 * @param limit seconds after which it is ended; none: never
 * @returns its answer. Throws unexpected (FailureError) where it ended without one.
 */
export const runErrand = async (
  run: Run,
  argv: Argv,
  errand: Errand,
  place: string,
  limit?: number,
): Promise<Summary | PlanAnswer> => {
  const asked = `${place}.asked`;
  writeText(asked, JSON.stringify(errand), 0o600);
  const [input, log] = [openToRead(asked), openLog(`${place}.said`)];
  const lines = linesOf(log);
  const other: string[] = [];
  let answer: Summary | PlanAnswer | undefined;
  const passOn = (): void => {
    for (const line of lines()) {
      const word = wordOf(line);
      if (word === undefined) other.push(line);
      else if ('answer' in word) answer = word.answer;
      else run.emit(word.progress);
    }
  };
  const timer = setInterval(passOn, lookEveryMs);
  try {
    const { code, timedOut } = await run.processes.run({
      argv,
      environment: run.settings.environment,
      input,
      log,
      ...(limit === undefined ? {} : { limit }),
    });
    passOn();
    const late: Failure = { kind: 'guard-limit', detail: String(limit) };
    // Told to end, it says how far it came.
    if (answer) return timedOut ? { ...answer, failures: [...answer.failures, late] } : answer;
    if (run.abort.aborted) throw new FailureError({ kind: 'interrupted' });
    if (timedOut) throw new FailureError(late);
    const detail = other.find((line) => line.trim()) ?? `exit ${code}`;
    throw new FailureError({ kind: 'unexpected', at: 'trial', detail });
  } finally {
    clearInterval(timer);
    close(input);
    close(log);
  }
};
