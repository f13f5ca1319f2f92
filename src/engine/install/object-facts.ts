import { exportedCrcs, fieldOf, importedCrcs, undefinedIn, withPlainObject } from '../kernel/modinfo.ts';
import type { Run } from '../run/run.ts';
import { objectFactsFile } from '../state/paths.ts';
import type { Processes } from '../system/exec.ts';
import { readText, stat } from '../system/files.ts';
import { lookOr } from '../system/look.ts';
import { writeAtomic } from '../system/publish.ts';
import type { ObjectFacts } from './load-rules.ts';

/**
 * What installed objects say of themselves. Four programs are asked about each of them, so it is remembered as long as its
 * file is the same.
 */

/** How an object's facts are written down. */
interface Kept {
  /** Size and times of its file. */
  readonly file: string;
  readonly facts: Omit<ObjectFacts, 'imports' | 'exports'> & {
    readonly imports: readonly (readonly [string, string])[];
    readonly exports: readonly (readonly [string, string])[];
  };
}

/** Of another format nothing is known. */
const format = 1;

const isKept = (value: unknown): value is Kept =>
  value instanceof Object &&
  'file' in value &&
  typeof value.file === 'string' &&
  'facts' in value &&
  value.facts instanceof Object &&
  ['undefined', 'imports', 'exports'].every((list) => Array.isArray(Reflect.get(Object(value.facts), list)));

/** Path of each object to what was written down of it; empty where that cannot be read. */
const readKept = (file: string): Map<string, Kept> => {
  try {
    const value: unknown = JSON.parse(readText(file) ?? '{}');
    if (!(value instanceof Object && 'format' in value && value.format === format && 'objects' in value))
      return new Map();
    const { objects } = value;
    return new Map(Object.entries(Object(objects)).filter((entry): entry is [string, Kept] => isKept(entry[1])));
  } catch {
    return new Map();
  }
};

const fileLine = (path: string): string => {
  const facts = stat(path);
  return [facts?.size, facts?.mtimeMs, facts?.ctimeMs].join(' ');
};

/** Ask the programs; `isWhole` is false where one of them could not say all that it knows. */
const askFacts = (run: Run, path: string): Promise<{ readonly facts: ObjectFacts; readonly isWhole: boolean }> => {
  let isWhole = true;
  const ask: Processes['ask'] = async (argv, options) => {
    const ended = await run.processes.ask(argv, options);
    // Not found, not started, killed, or too slow.
    if (ended.code >= 126 || ended.timedOut) isWhole = false;
    return ended;
  };
  const reader = { processes: { ...run.processes, ask }, scratch: run.scratch };
  return withPlainObject(reader, path, async (plain) => {
    const info = await ask(['modinfo', plain], { limit: 30 });
    const names = await ask(['nm', '--undefined-only', '--no-sort', plain], { limit: 30 });
    const facts = {
      vermagic: fieldOf(info.output, 'vermagic'),
      signed: fieldOf(info.output, 'sig_id') !== '' || fieldOf(info.output, 'signer') !== '',
      undefined: undefinedIn(names.output),
      imports: await importedCrcs(reader.processes, plain),
      exports: await exportedCrcs(reader.processes, plain),
    };
    return { facts, isWhole: isWhole && info.code === 0 && names.code === 0 };
  });
};

/** The facts of objects on one kernel. */
export interface KnownObjects {
  readonly factsOf: (path: string) => Promise<ObjectFacts>;
  /** Write down what was asked for, and forget the rest. */
  readonly keep: () => void;
}

/** What is known of the objects on a kernel, and what is asked now. */
export const knownObjects = (run: Run, release: string): KnownObjects => {
  const { stateDir, writes } = run.memory;
  const before = readKept(objectFactsFile(stateDir, release));
  const now = new Map<string, Kept>();
  let isNew = false;
  const factsOf = async (path: string): Promise<ObjectFacts> => {
    const file = fileLine(path);
    const known = before.get(path);
    if (known?.file === file) {
      now.set(path, known);
      return { ...known.facts, imports: new Map(known.facts.imports), exports: new Map(known.facts.exports) };
    }
    const { facts, isWhole } = await askFacts(run, path);
    isNew = true;
    if (isWhole) now.set(path, { file, facts: { ...facts, imports: [...facts.imports], exports: [...facts.exports] } });
    return facts;
  };
  const keep = (): void => {
    if (!writes || (!isNew && now.size === before.size)) return;
    const text = JSON.stringify({ format, objects: Object.fromEntries(now) });
    lookOr(
      () => writeAtomic(objectFactsFile(stateDir, release), `${text}\n`),
      () => undefined,
    );
  };
  return { factsOf, keep };
};
