import type { Answer, ChangedPart, WhyEntry } from '../answers.ts';
import { askAbout } from '../conf/module-confs.ts';
import { type Manifest, manifestOf } from '../key/contents.ts';
import { headersContents } from '../key/headers.ts';
import { keyOf } from '../key/key.ts';
import { changedParts } from '../key/parts.ts';
import { confContents } from '../plan/inputs.ts';
import { makePlan } from '../plan/make-plan.ts';
import { scopeOf } from '../plan/scope.ts';
import { sourceContents } from '../plan/source-hashes.ts';
import { type Finding, findingsOn, surveyModules } from '../plan/survey.ts';
import type { Plan } from '../plan.ts';
import type { Emit } from '../progress.ts';
import { type Kernel, sameKernel, sameModule, typedSync, type WhyRequest } from '../request.ts';
import { runFor } from '../run/given.ts';
import { noSwitches, type Run } from '../run/run.ts';
import type { Settings } from '../settings.ts';
import type { KeyParts } from '../state/record.ts';
import { byBytes } from '../system/files.ts';
import { newestEntries, readTree, type TreeEntry } from '../tree/tree.ts';
import { treeFacts } from '../tree/tree-facts.ts';
import { noteSkipped } from './note-kernels.ts';
import { withRun } from './with-run.ts';

/** What has changed since a module was built, down to the file. Changes nothing. */

/** Files that are new, gone or not the same; none where nobody knows what stood there. */
const changedFiles = (before: Manifest | undefined, now: Manifest): string[] =>
  before
    ? [...new Set([...before.keys(), ...now.keys()])].filter((path) => before.get(path) !== now.get(path)).sort(byBytes)
    : [];

const manifestNow = (run: Run, { entry, kernel }: Finding, part: string): Manifest | undefined => {
  const asked = askAbout(run, entry, kernel);
  switch (part) {
    case 'sources':
      return sourceContents(run.memory, entry.source, treeFacts(entry.source))?.manifest();
    case 'conf':
      return confContents(asked).manifest();
    case 'headers':
      return headersContents(run.memory, asked.run.factsOf(kernel)).manifest();
    default:
      return undefined;
  }
};

const partOf = (
  run: Run,
  finding: Finding,
  before: KeyParts,
  part: ReturnType<typeof changedParts>[number],
): ChangedPart => {
  const now = manifestNow(run, finding, part);
  const own = finding.record.build?.writes ?? [];
  const files = now ? changedFiles(manifestOf(run.settings.stateDir, before[part]), now) : [];
  const said = part === 'compiler' ? { was: before[part], is: finding.parts[part] } : {};
  return { part, files: files.filter((path) => part !== 'sources' || !own.includes(path)), ...said };
};

/** Everything that a Job or a settled line names and that is no part of a Key: built objects, an exported symbol. */
const others = ({ candidate }: Finding, known: readonly ChangedPart[]): ChangedPart[] =>
  candidate.changed.filter((part) => !known.some((one) => one.part === part)).map((part) => ({ part, files: [] }));

const changesOf = (run: Run, finding: Finding): ChangedPart[] => {
  const { record, parts } = finding;
  const before = record.build?.parts ?? record.failure?.parts;
  const known = before ? changedParts(before, parts).map((part) => partOf(run, finding, before, part)) : [];
  return [...known, ...others(finding, known)];
};

const decisionOn = (plan: Plan, { entry, kernel }: Finding): Pick<WhyEntry, 'job' | 'outcome'> => {
  const isIt = (one: { module: Finding['entry']['module']; kernel: Kernel }): boolean =>
    sameModule(one.module, entry.module) && sameKernel(one.kernel, kernel);
  const job = plan.jobs.find(isIt);
  const outcome = plan.settled.find(isIt)?.outcome;
  return { ...(job ? { job } : {}), ...(outcome ? { outcome } : {}) };
};

const entryOf = (run: Run, plan: Plan, finding: Finding): WhyEntry => ({
  module: finding.entry.module,
  kernel: finding.kernel,
  state: finding.candidate.state,
  key: keyOf(finding.parts),
  changed: changesOf(runFor(run, finding.entry.module, finding.record), finding),
  ...decisionOn(plan, finding),
});

/** The version that is asked for in the place of the newest. */
const entriesFor = ({ name, version }: WhyRequest, known: readonly TreeEntry[]): TreeEntry[] => {
  const asked = known.find(({ module }) => module.name === name && module.version === version);
  const newest = newestEntries(known);
  return version === undefined
    ? newest
    : [...newest.filter(({ module }) => module.name !== name), ...(asked ? [asked] : [])];
};

/** Say what has changed since a Module was built, on each Kernel that is asked about. */
export const why = (settings: Settings, request: WhyRequest, emit: Emit, abort: AbortSignal): Promise<Answer> =>
  withRun<Answer>(settings, noSwitches, emit, abort, async (run) => {
    const { name, version } = request;
    const known = readTree(settings.dkmsTree, settings.sourceTree);
    const { kernels, skipped } = scopeOf(settings, typedSync(request.scope), known);
    noteSkipped(run, { skipped });
    const survey = await surveyModules(run, entriesFor(request, known), kernels);
    const plan = makePlan({ kernels: survey.kernels, removals: [], trustMemory: true, headersMayFollow: false });
    const entries = kernels.flatMap((kernel) => {
      const finding = findingsOn(survey, kernel).get(name);
      return finding ? [entryOf(run, plan, finding)] : [];
    });
    return entries.length > 0
      ? { kind: 'why', entries }
      : { kind: 'nothing', about: 'why', asked: version === undefined ? name : `${name}/${version}` };
  });
