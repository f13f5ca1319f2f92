import type { PlanAnswer } from '../engine/answers.ts';
import type { Job, Plan, Settled } from '../engine/plan.ts';
import { type Kernel, type Module, moduleLabel } from '../engine/request.ts';
import { failureInOneLine } from './failures.ts';
import { counted, duration, jobReason, outcomeReason } from './messages.ts';
import { about, secondsLeft } from './time-left.ts';

/** Nothing is known that there could be something to do for. */
export const noModules = 'nothing to do: no modules in the dkms tree, or no kernel to build them for';

interface Placed {
  readonly module: Module;
  readonly kernel: Kernel;
}

/** `6 jobs in dependency order on 2 kernels`. */
export const planHeadline = (jobs: readonly Job[]): string => {
  const kernels = new Set(jobs.map((job) => job.kernel.release));
  return `${counted(jobs.length, 'job')} in dependency order on ${counted(kernels.size, 'kernel')}`;
};

/** Modules that a job waits for; on the same kernel they need no kernel's name. */
const waitsFor = (job: Job, jobs: readonly Job[]): string[] =>
  job.after.map((id) => {
    const other = jobs.find((candidate) => candidate.id === id);
    if (!other) return id;
    const label = moduleLabel(other.module);
    return other.kernel.release === job.kernel.release ? label : `${label} on ${other.kernel.release}`;
  });

const widthsOf = (placed: readonly Placed[]) => ({
  module: Math.max(0, ...placed.map(({ module }) => moduleLabel(module).length)),
  kernel: Math.max(0, ...placed.map(({ kernel }) => kernel.release.length)),
});

type Widths = ReturnType<typeof widthsOf>;

const where = ({ module, kernel }: Placed, widths: Widths): string =>
  `${moduleLabel(module).padEnd(widths.module)}  ${kernel.release.padEnd(widths.kernel)}`;

const jobLine = (job: Job, index: number, plan: Plan, widths: Widths): string => {
  const after = waitsFor(job, plan.jobs);
  const number = String(index + 1).padStart(String(plan.jobs.length).length);
  const deed = job.want === 'absent' ? `remove: ${jobReason(job.why)}` : jobReason(job.why);
  const took = job.took === undefined ? '' : ` (${duration(job.took)} last time)`;
  return `${number}. ${where(job, widths)}  ${deed}${took}${after.length > 0 ? `; after ${after.join(', ')}` : ''}`;
};

const settledLine = (settled: Settled, widths: Widths): string => {
  const reason = outcomeReason(settled.outcome);
  const kind = settled.outcome.kind === 'failed' ? 'FAILED' : settled.outcome.kind;
  return `  ${where(settled, widths)}  ${kind}${reason ? `: ${reason}` : ''}`;
};

/** The Jobs that the whole run waits for longest, each after the one before it; empty where that is one alone or none. */
const longestChain = (jobs: readonly Job[]): Job[] => {
  const longestOf = (some: readonly Job[]): Job | undefined =>
    some.reduce<Job | undefined>((best, job) => ((job.longest ?? 0) > (best?.longest ?? 0) ? job : best), undefined);
  const follows = (job: Job, before: Job, index: number): boolean =>
    job.after.includes(before.id) ||
    (job.behind ?? []).includes(before.id) ||
    (job.module.name === before.module.name && index > jobs.indexOf(before));
  const chain: Job[] = [];
  for (let next = longestOf(jobs); next; ) {
    const before = next;
    chain.push(before);
    next = longestOf(jobs.filter((job, index) => follows(job, before, index)));
  }
  return chain.length > 1 ? chain : [];
};

/** `expected: about 6 min; the longest chain: spl/2.3 (62.0 s) -> zfs/2.3 (4 min 50 s)`, as far as it is known. */
const expectedLines = ({ plan: { jobs }, atOnce }: Pick<PlanAnswer, 'plan' | 'atOnce'>): string[] => {
  const waiting = jobs.map((job) => ({ job, state: { phase: 'waiting' } }) as const);
  const seconds = secondsLeft(waiting, atOnce > 0 ? atOnce : jobs.length);
  const chain = longestChain(jobs);
  const names = chain.map(
    ({ module, took }) => `${moduleLabel(module)}${took === undefined ? '' : ` (${duration(took)})`}`,
  );
  const parts = [
    ...(seconds === undefined ? [] : [`expected: ${about(seconds)}`]),
    ...(chain.length > 0 ? [`the longest chain: ${names.join(' -> ')}`] : []),
  ];
  return parts.length > 0 ? [parts.join('; ')] : [];
};

/** A plan for people: the jobs in order, then everything that needs none, then what cannot be planned for. */
export const planLines = (answer: Pick<PlanAnswer, 'plan' | 'atOnce' | 'failures'>): string[] => {
  const { plan, failures } = answer;
  const failed = failures.map((failure) => `FAILED: ${failureInOneLine(failure)}`);
  if (plan.jobs.length === 0 && plan.settled.length === 0) {
    return [failed.length > 0 ? 'nothing to do' : noModules, ...failed];
  }
  const widths = widthsOf([...plan.jobs, ...plan.settled]);
  const jobs = plan.jobs.map((job, index) => jobLine(job, index, plan, widths));
  const settled = plan.settled.map((entry) => settledLine(entry, widths));
  return [
    plan.jobs.length > 0 ? `${planHeadline(plan.jobs)}:` : 'nothing to do',
    ...jobs,
    ...expectedLines(answer),
    ...(settled.length > 0 ? ['no job for:', ...settled] : []),
    ...failed,
  ];
};

const dotText = (text: string): string => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;

const dotLabel = (job: Job): string => {
  const took = job.took === undefined ? '' : `\n${duration(job.took)} last time`;
  const text = `${moduleLabel(job.module)}\n${job.kernel.release}\n${jobReason(job.why)}${took}`;
  return dotText(text).replaceAll('\n', '\\n');
};

/**
 * A plan as a graph in the dot language; an arrow goes from a job to the one that waits for it. The longest chain is
 * bold.
 */
export const planDot = (plan: Plan): string[] => {
  const chain = longestChain(plan.jobs).map(({ id }) => id);
  const bold = (...ids: readonly string[]): string => (ids.every((id) => chain.includes(id)) ? 'style=bold' : '');
  const box = (job: Job): string => [`label=${dotLabel(job)}`, bold(job.id)].filter(Boolean).join(', ');
  const arrow = (id: string, job: Job): string => (bold(id, job.id) === '' ? '' : ` [${bold(id, job.id)}]`);
  return [
    'digraph plan {',
    '  rankdir=LR;',
    '  node [shape=box];',
    ...plan.jobs.map((job) => `  ${dotText(job.id)} [${box(job)}];`),
    ...plan.jobs.flatMap((job) => job.after.map((id) => `  ${dotText(id)} -> ${dotText(job.id)}${arrow(id, job)};`)),
    '}',
  ];
};
