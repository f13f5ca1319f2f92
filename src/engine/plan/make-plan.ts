import type { Job, JobReason, Plan, Settled } from '../plan.ts';
import { type Kernel, kernelKey, type Module, moduleLabel } from '../request.ts';
import type { Candidate, KernelCandidates, PlanInput } from './candidates.ts';
import { decide, decideInCycle, type PlanContext, rebuilds } from './decide.ts';
import { allNeedsOf, type Needs, orderOf } from './graph.ts';
import { expectedSeconds, withLongest } from './longest.ts';
import { withSharedObjects } from './shared-objects.ts';

/** `name/version@release/arch`, unique in a Plan. */
const jobId = (module: Module, kernel: Kernel): string => `${moduleLabel(module)}@${kernelKey(kernel)}`;

/** The names that a command asks for and all that they need; every name where nothing was asked for. */
const wantedNames = (input: PlanInput, needs: Needs): ReadonlySet<string> => {
  if (!input.targets) return new Set(needs.keys());
  return new Set([...input.targets.keys()].flatMap((name) => [name, ...allNeedsOf(needs, name)]));
};

const jobOf = (candidate: Candidate, why: JobReason, context: PlanContext): Job => {
  const { module, conf } = candidate;
  const { kernel } = context.on;
  const waitsFor = (conf?.depends ?? []).filter((need) => 'job' in (context.decided.get(need) ?? {}));
  const after = waitsFor.map((need) => jobId(context.byName.get(need)?.module ?? module, kernel));
  const want = context.input.targets?.get(module.name)?.want ?? 'installed';
  const took = rebuilds.has(why.reason) ? candidate.took : undefined;
  const job = { id: jobId(module, kernel), module, kernel, want, why, after };
  return took === undefined ? job : { ...job, took };
};

/** In a circle the failure of the module that was named says all; and forced, it goes without the others. */
const isAsked = (input: PlanInput, name: string): boolean => input.targets?.has(name) ?? true;

/** A Plan's part on one Kernel; `seconds` are what each Job is expected to take, by its id. */
interface Part {
  readonly jobs: Job[];
  readonly settled: Settled[];
  readonly seconds: readonly (readonly [id: string, seconds: number])[];
}

const planKernel = (input: PlanInput, on: KernelCandidates): Part => {
  const byName = new Map(on.candidates.map((candidate) => [candidate.module.name, candidate]));
  const needs: Needs = new Map(on.candidates.map((one) => [one.module.name, one.conf?.depends ?? []]));
  const order = orderOf(needs);
  const wanted = wantedNames(input, needs);
  const context: PlanContext = { input, on, byName, decided: new Map() };
  const jobs: Job[] = [];
  const settled: Settled[] = [];
  for (const name of [...order.cycles.keys(), ...order.names].filter((one) => wanted.has(one))) {
    const candidate = byName.get(name);
    if (!candidate) continue;
    const path = order.cycles.get(name);
    const decision = path ? decideInCycle(candidate, context, path) : decide(candidate, context);
    if ('job' in decision) {
      jobs.push(jobOf(candidate, decision.job, context));
    } else if (!path || isAsked(input, name)) {
      settled.push({ module: candidate.module, kernel: on.kernel, outcome: decision.outcome });
    }
    context.decided.set(name, decision);
  }
  const seconds = jobs.map(({ id, module, why }): [string, number] => {
    const { took, size = 0 } = byName.get(module.name) ?? {};
    return [id, rebuilds.has(why.reason) ? expectedSeconds(took, size) : 0];
  });
  return { jobs: withSharedObjects(jobs, byName), settled, seconds };
};

/**
 * Decide what happens to each Module on each Kernel, in dependency order. Pure: no files, no processes.
 * Removals come last, so that a new version is in place before the old one goes.
 */
export const makePlan = (input: PlanInput): Plan => {
  const parts = input.kernels.map((on) => planKernel(input, on));
  const removals = input.removals.map(({ module, kernel, want = 'absent', why }): Job => {
    const id = jobId(module, kernel);
    return { id, module, kernel, want, why: { reason: why }, after: [] };
  });
  const seconds = new Map(parts.flatMap((part) => part.seconds));
  return {
    jobs: withLongest([...parts.flatMap((part) => part.jobs), ...removals], seconds),
    settled: parts.flatMap((part) => part.settled),
  };
};
