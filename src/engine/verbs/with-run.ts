import { join } from 'node:path';
import { directiveNames } from '../conf/directives.ts';
import { kernelFacts } from '../kernel/kernel.ts';
import { isUnenrolled } from '../kernel/secure-boot.ts';
import { type KeyResult, readyKey } from '../kernel/signing-key.ts';
import { headersVermagic } from '../kernel/vermagic.ts';
import type { Emit, Note } from '../progress.ts';
import { type Kernel, kernelKey, type Switches } from '../request.ts';
import { type Programs, placeForPrograms } from '../run/programs.ts';
import type { Run } from '../run/run.ts';
import type { Settings } from '../settings.ts';
import { scriptEnvironment } from '../system/environment.ts';
import { makeProcesses, type Processes } from '../system/exec.ts';
import { makeJobserver } from '../system/jobserver.ts';
import { makeTemporary, remove } from '../system/publish.ts';

/** The value for a key, made at the first question. */
const remembered = <Value>(make: (kernel: Kernel) => Value): ((kernel: Kernel) => Value) => {
  const known = new Map<string, Value>();
  return (kernel) => {
    const key = kernelKey(kernel);
    const value = known.has(key) ? known.get(key) : undefined;
    if (value !== undefined) return value;
    const made = make(kernel);
    known.set(key, made);
    return made;
  };
};

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

/** One key is made at a time, and what is new or unknown to the firmware is said once. */
const keyMaker = (settings: Settings, processes: Processes, note: Run['note']): Run['signingKey'] => {
  let before: Promise<unknown> = Promise.resolve();
  const ask = async (kernel: Kernel): Promise<KeyResult> => {
    const ready = await readyKey(settings, kernel.release, processes);
    if ('problem' in ready) return ready;
    const { certificate } = ready.key;
    if (ready.isNew) note({ note: 'key-made', certificate });
    if (await isUnenrolled(certificate, processes)) note({ note: 'not-enrolled', certificate });
    return ready;
  };
  return remembered((kernel) => {
    const turn = before.then(() => ask(kernel));
    before = turn.catch(() => undefined);
    return turn;
  });
};

const makeRun = async (
  given: Settings,
  switches: Switches,
  emit: Emit,
  note: Run['note'],
  abort: AbortSignal,
  processes: Processes,
  { scratch, programs }: { readonly scratch: string; readonly programs: string },
): Promise<Run> => {
  const settings = switches.symlink ? { ...given, symlinkModules: true } : given;
  const environment = scriptEnvironment(settings.environment, directiveNames);
  const factsOf = remembered((kernel) => kernelFacts(settings, kernel, switches.kernelSource, switches.kernelConfig));
  const jobserver = await makeJobserver(settings.jobs, scratch, processes, abort);
  return {
    settings,
    processes,
    emit,
    note,
    abort,
    scratch,
    programs,
    jobserver,
    factsOf,
    environment,
    vermagicOf: remembered((kernel) =>
      headersVermagic(factsOf(kernel), join(scratch, 'vermagic', kernel.release), processes),
    ),
    signingKey: keyMaker(settings, processes, note),
    serialize: turns(),
    switches,
    named: new Set(),
  };
};

/** Do something with a Run of its own: what it needs is made before and taken away after. */
export const withRun = async <T>(
  settings: Settings,
  switches: Switches,
  emit: Emit,
  abort: AbortSignal,
  work: (run: Run, notes: readonly Note[]) => Promise<T>,
): Promise<T> => {
  const { notes, note } = collector(emit);
  const scratch = makeTemporary(settings.temporary, 'kmodsort-');
  const processes = makeProcesses(settings.environment, abort);
  let programs: Programs | undefined;
  try {
    programs = await placeForPrograms(settings, scratch, processes, abort);
    const places = { scratch, programs: programs.directory };
    const run = await makeRun(settings, switches, emit, note, abort, processes, places);
    return await work(run, notes).finally(() => run.jobserver.close());
  } finally {
    programs?.remove();
    remove(scratch);
  }
};
