import { join } from 'node:path';
import type { Failure } from '../errors.ts';
import type { Kernel } from '../request.ts';
import { runFor } from '../run/given.ts';
import type { Run } from '../run/run.ts';
import { type EntryRecord, readRecord } from '../state/record.ts';
import { stat } from '../system/files.ts';
import { lookOr } from '../system/look.ts';
import { distrustedConf, distrustedDirectory, isGroupWritable } from '../system/trust.ts';
import type { TreeEntry } from '../tree/tree.ts';
import { confOf, confScope, type ModuleConf } from './conf.ts';
import { type ConfQuestion, overrideFiles, readConfs } from './reader.ts';

/** The confs of many Modules on many Kernels, read in one go. */

const directive = /^[A-Za-z_]\w*(\[\d+\])?=/;

/** A conf that we will not run as root, or a source directory that anybody can write. */
const unsafeConf = (run: Run, entry: TreeEntry, files: readonly string[]): Failure | undefined => {
  for (const path of files) {
    const distrusted = distrustedConf(path);
    if (distrusted) return distrusted;
    if (isGroupWritable(path)) run.note({ note: 'group-writable', path });
  }
  return distrustedDirectory(entry.source);
};

/** `-c` of a command is about the modules that it names. */
const confFile = (run: Run, entry: TreeEntry): string =>
  (run.named.has(entry.module.name) && run.switches.conf) || join(entry.source, 'dkms.conf');

const ownDirectives = (run: Run, name: string): string[] =>
  run.named.has(name) ? run.switches.directives.filter((text) => directive.test(text)) : [];

/** The files of a Module's conf for a Kernel, in the order in which they are read. */
const confFilesOf = (run: Run, entry: TreeEntry, kernel: Kernel): string[] => [
  confFile(run, entry),
  ...overrideFiles(run.settings.confDir, entry.module.name, entry.module.version, kernel.release, kernel.arch),
];

const beforeReading = (run: Run, entry: TreeEntry, files: readonly string[]): Failure | undefined => {
  if (entry.unreadable) return entry.unreadable;
  if (entry.broken) return { kind: 'source-broken', at: join(entry.directory, 'source'), detail: entry.source };
  if (stat(files[0] ?? '')?.kind !== 'file') return { kind: 'conf-missing', at: files[0] ?? '' };
  return unsafeConf(run, entry, files);
};

const environmentDirectives = (run: Run): string[] =>
  Object.entries(run.settings.environment)
    .filter(([name, value]) => name.startsWith('DKMS_DIRECTIVE') && directive.test(value ?? ''))
    .map(([, value]) => value ?? '');

/** Directives that stand above those of a Module's conf: the caller's environment's, then the command's. */
export const directivesFor = (run: Run, name: string): string[] => [
  ...environmentDirectives(run),
  ...ownDirectives(run, name),
];

/** One Module on one Kernel, with the files of its conf. */
export interface Asked {
  /** As the run is for this one. */
  readonly run: Run;
  readonly entry: TreeEntry;
  readonly kernel: Kernel;
  readonly files: readonly string[];
  /** What is remembered of it. */
  readonly record: EntryRecord;
}

/** What to ask about a Module on a Kernel: with the switches that it was built with. */
export const askAbout = (run: Run, entry: TreeEntry, kernel: Kernel): Asked => {
  const record = readRecord(run.settings.stateDir, entry.module, kernel);
  const own = runFor(run, entry.module, record);
  return { run: own, entry, kernel, files: confFilesOf(own, entry, kernel), record };
};

const questionOf = ({ run, entry, kernel, files }: Asked): ConfQuestion => ({
  files,
  release: kernel.release,
  scope: confScope(
    kernel,
    run.factsOf(kernel).headers ?? defaultHeaders(run, kernel),
    run.settings,
    entry.module,
    run.settings.variables,
  ),
  directives: directivesFor(run, entry.module.name),
});

/** Where headers are looked for, and what a conf sees where there are none. */
export const defaultHeaders = (run: Run, kernel: Kernel): string =>
  run.switches.kernelSource ?? join(run.settings.installTree, kernel.release, 'build');

/** What bash had to say while it read a conf that it could read: a line of each conf, whatever the kernel. */
const noteComplaints = (run: Run, at: string, complaints: string): void => {
  const [first] = complaints.split('\n');
  if (first) run.note({ note: 'conf-said', path: at, text: first.replace(`${at}: `, '') });
};

/** What reading a conf came to. */
export type Read = { readonly conf: ModuleConf } | { readonly failure: Failure };

/** Read the confs of Modules on Kernels, all in one go; the answers are in the order of what was asked. */
export const readModuleConfs = async (run: Run, asked: readonly Asked[]): Promise<Read[]> => {
  const early = asked.map((one) =>
    lookOr<Failure | undefined>(
      () => beforeReading(one.run, one.entry, one.files),
      (why) => why,
    ),
  );
  const readable = asked.filter((_, index) => early[index] === undefined);
  const questions = readable.map(questionOf);
  const readings = await readConfs(run, questions);
  const answers = new Map(readable.map((one, index) => [one, readings[index]]));
  return asked.map((one, index): Read => {
    const failure = early[index];
    if (failure) return { failure };
    const reading = answers.get(one);
    const at = one.files[0] ?? '';
    if (!reading) return { failure: { kind: 'conf-broken', at } };
    if (reading.kind === 'failed') return { failure: reading.failure };
    noteComplaints(run, at, reading.complaints);
    const result = confOf(reading.raw, one.entry.module, one.run.factsOf(one.kernel));
    return 'conf' in result ? result : { failure: { ...result.invalid, at } };
  });
};

/** Facts for the notes of one conf. */
export const noteConf = (run: Run, conf: ModuleConf, at: string): void => {
  // Who reads a hook's output did not write the conf.
  const ignored = run.named.has(conf.module.name) ? conf.ignored : [];
  for (const name of ignored) run.note({ note: 'directive-ignored', path: at, directive: name });
  if (conf.objects.length === 0 && !conf.exclusion) run.note({ note: 'no-objects', module: conf.module });
};
