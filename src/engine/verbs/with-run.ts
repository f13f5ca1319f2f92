import { join } from 'node:path';
import type { DueStep } from '../answers.ts';
import { directiveNames } from '../conf/directives.ts';
import { failureOf } from '../errors.ts';
import { identityOf } from '../kernel/compiler.ts';
import { enrolmentOf } from '../kernel/secure-boot.ts';
import { type KeyResult, readyKey } from '../kernel/signing-key.ts';
import type { Emit, Note } from '../progress.ts';
import { revokedKeys } from '../registry/revoked.ts';
import type { Given, Kernel, Switches } from '../request.ts';
import { askConfinement } from '../run/confinement.ts';
import { type Programs, placeForPrograms } from '../run/programs.ts';
import type { Memory, Run } from '../run/run.ts';
import type { Settings } from '../settings.ts';
import { markDue } from '../state/due.ts';
import { scriptEnvironment } from '../system/environment.ts';
import { makeProcesses, type Processes } from '../system/exec.ts';
import { makeJobserver } from '../system/jobserver.ts';
import { makeTemporary, remove } from '../system/publish.ts';
import { mayBeAnybodys } from '../system/trust.ts';
import { askedOnce, type KernelQuestions, kernelQuestions, remembered } from './kernel-questions.ts';

/** One at a time for each Kernel, in the order of the calls. */
const turns = (): Run['serialize'] => {
  const last = new Map<string, Promise<unknown>>();
  return (kernel, work) => {
    const before = last.get(kernel.release) ?? Promise.resolve();
    const turn = before.then(work);
    last.set(
      kernel.release,
      turn.catch(() => undefined),
    );
    return turn;
  };
};

const collector = (emit: Emit): { notes: Note[]; note: (note: Note) => void } => {
  const notes: Note[] = [];
  const said = new Set<string>();
  const note = (one: Note): void => {
    const key = JSON.stringify(one);
    if (said.has(key)) return;
    said.add(key);
    notes.push(one);
    emit({ kind: 'noted', note: one });
  };
  return { notes, note };
};

/** A place where no key can be made or read: modules stay unsigned, and it is told. */
const unreadyKey = (error: unknown): KeyResult => {
  const { detail, kind } = failureOf(error);
  return { problem: { problem: 'said', text: detail ?? kind } };
};

/** One key is made at a time, and what is new or unknown to the firmware is said once. */
const keyMaker = (settings: Settings, processes: Processes, note: Run['note']): Run['signingKey'] => {
  let before: Promise<unknown> = Promise.resolve();
  const ask = async (kernel: Kernel): Promise<KeyResult> => {
    const ready = await readyKey(settings, kernel.release, processes).catch(unreadyKey);
    if ('problem' in ready) return ready;
    const { certificate } = ready.key;
    if (ready.isNew) note({ note: 'key-made', certificate });
    const enrolment = await enrolmentOf(certificate, processes);
    if (enrolment === 'missing') note({ note: 'not-enrolled', certificate });
    if (enrolment === 'pending') note({ note: 'enrolment-pending', certificate });
    return ready;
  };
  return remembered((kernel) => {
    const turn = before.then(() => ask(kernel));
    before = turn.catch(() => undefined);
    return turn;
  });
};

/** An answer that is looked for at the first question. */
const once = <Answer>(ask: () => Promise<Answer>): (() => Promise<Answer>) => {
  let answer: Promise<Answer> | undefined;
  return () => {
    answer ??= ask();
    return answer;
  };
};

/** What must follow when modules of a kernel change. */
type Follows = (release: string) => readonly DueStep[];

/** Written down once for each kernel, before its first file changes. */
const marker = (stateDir: string, follows: Follows): Run['beforeChange'] => {
  const marked = new Set<string>();
  return (release) => {
    if (marked.has(release)) return;
    markDue(stateDir, release, follows(release));
    marked.add(release);
  };
};

/** What a Run is made of. */
interface Parts {
  readonly settings: Settings;
  readonly switches: Switches;
  readonly emit: Emit;
  readonly note: Run['note'];
  readonly abort: AbortSignal;
  readonly processes: Processes;
  readonly scratch: string;
  readonly programs: string;
  readonly follows: Follows;
  readonly memory: Memory;
}

/** What others may have made in the place of a directory that root named once counts as gone. */
const withoutForeignSource = ({ kernelSource, ...rest }: Given): Given => {
  if (kernelSource === undefined) return rest;
  return { ...rest, kernelSource: mayBeAnybodys(kernelSource) ? '/nonexistent' : kernelSource };
};

const withGiven = (
  { conf: _conf, kernelSource: _source, kernelConfig: _config, ...switches }: Switches,
  given: Given,
): Switches => ({ ...switches, directives: [], ...given });

const makeRun = async ({ follows, ...parts }: Parts): Promise<Run> => {
  const { switches, note, abort, processes, scratch } = parts;
  const settings = switches.symlink ? { ...parts.settings, symlinkModules: true } : parts.settings;
  const askTool = askedOnce((argv) => identityOf(argv, processes, settings.environment.PATH));
  const views = new Map<string, Run>();
  const questions = (given: Given, place: string): KernelQuestions =>
    kernelQuestions({ ...parts, settings }, given, join(scratch, place), askTool);
  const as: Run['as'] = (name, given) => {
    const key = JSON.stringify([name, given]);
    const view = views.get(key) ?? {
      ...run,
      ...questions(withoutForeignSource(given), `vermagic-${views.size}`),
      switches: withGiven(switches, given),
      named: new Set([name]),
    };
    views.set(key, view);
    return view;
  };
  const run: Run = {
    ...parts,
    ...questions(switches, 'vermagic'),
    settings,
    jobserver: await makeJobserver(settings.jobs, scratch, processes, abort),
    environment: scriptEnvironment(settings.environment, directiveNames),
    signingKey: keyMaker(settings, processes, note),
    confinement: once(() => askConfinement(processes)),
    serialize: turns(),
    beforeChange: marker(settings.stateDir, follows),
    revokedKeys: once(() => revokedKeys(processes, settings)),
    useless: new Map(),
    finishing: makeProcesses(settings.environment),
    named: new Set(),
    as,
  };
  return run;
};

/** What a run that changes something is told besides. */
interface Changes {
  readonly follows?: Follows;
  /** Whether it may write down what it sees. */
  readonly writes?: boolean;
}

/**
 * Do something with a Run of its own: what it needs is made before and taken away after.
 *
 * @param changes nothing for who only asks
 */
export const withRun = async <T>(
  settings: Settings,
  switches: Switches,
  emit: Emit,
  abort: AbortSignal,
  work: (run: Run, notes: readonly Note[]) => Promise<T>,
  { follows = () => [], writes = false }: Changes = {},
): Promise<T> => {
  const { notes, note } = collector(emit);
  const scratch = makeTemporary(settings.temporary, 'kmodsort-');
  const processes = makeProcesses(settings.environment, abort);
  let programs: Programs | undefined;
  try {
    programs = await placeForPrograms(settings, scratch, processes, abort);
    const memory = { stateDir: settings.stateDir, writes };
    const parts = { settings, switches, emit, note, abort, processes, scratch, follows, memory };
    const run = await makeRun({ ...parts, programs: programs.directory });
    return await work(run, notes).finally(() => run.jobserver.close());
  } finally {
    programs?.remove();
    remove(scratch);
  }
};
