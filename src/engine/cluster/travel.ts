import { join } from 'node:path';
import { FailureError } from '../errors.ts';
import type { Job, Plan } from '../plan.ts';
import type { Input } from '../registry/input.ts';
import type { Registry } from '../registry/reference.ts';
import { apart } from '../registry/remote.ts';
import { type Parcel, sendInput } from '../registry/send-input.ts';
import type { PushKey } from '../registry/signers.ts';
import { type ComingPackages, type Kernel, type Module, moduleLabel, sameKernel } from '../request.ts';
import type { Run } from '../run/run.ts';
import { exists } from '../system/files.ts';
import { makeTemporary, remove } from '../system/publish.ts';
import { readTree } from '../tree/tree.ts';
import { stageHeaders } from '../trial/headers-tree.ts';

/** What the jobs of a plan are made from goes into the registry, each once, whoever needs it. */

/** Where it goes. */
export interface Way {
  readonly registry: Registry;
  readonly key: PushKey;
}

/** What is in the registry now. */
export interface Travelled {
  /** By release. */
  readonly headers: ReadonlyMap<string, Input>;
  /** By `name/version`. */
  readonly sources: ReadonlyMap<string, Input>;
}

/** What is passed over on a kernel may be needed there to know that. */
const passedOver = ({ settled }: Plan, kernel: Kernel): Module[] =>
  settled.filter((one) => one.outcome.kind === 'skipped' && sameKernel(one.kernel, kernel)).map(({ module }) => module);

/** Modules whose sources a job needs: its own, of all that it waits for, and of what is passed over. Pure. */
export const neededBy = (job: Job, plan: Plan): string[] => {
  const byId = new Map(plan.jobs.map((one) => [one.id, one]));
  const needed = new Map<string, Module>();
  const visit = (one: Job): void => {
    if (needed.has(one.id)) return;
    needed.set(one.id, one.module);
    for (const id of one.after) {
      const before = byId.get(id);
      if (before) visit(before);
    }
  };
  visit(job);
  return [...new Set([...needed.values(), ...passedOver(plan, job.kernel)].map(moduleLabel))];
};

/** Where the source of a module is: below the root, or in its place on this machine. */
const sourceOf = ({ settings }: Run, root: string, label: string): string => {
  const brought = join(root, 'usr/src', label.replace('/', '-'));
  if (exists(brought)) return brought;
  const known = readTree(settings.dkmsTree, settings.sourceTree).find(({ module }) => moduleLabel(module) === label);
  if (known && !known.broken) return known.source;
  throw new FailureError({ kind: 'source-missing', at: brought });
};

const send = (run: Run, { registry, key }: Way, parcel: Parcel): Promise<Input> =>
  apart(run, async (connection) => {
    const { kind, name, hash } = await sendInput(connection, registry, parcel, key);
    return { kind, name, hash };
  });

const sendHeaders = async (
  run: Run,
  way: Way,
  kernel: Kernel,
  root: string,
  coming: ComingPackages,
): Promise<Input> => {
  const { release, arch } = kernel;
  const directory = makeTemporary(run.scratch, 'headers-', 0o755);
  try {
    await stageHeaders(run, root, release, directory);
    const kernelPackage = coming[release]?.headers ?? (await run.kernelPackageOf(kernel));
    const parcel = { kind: 'headers', name: release, directory, arch, ...(kernelPackage ? { kernelPackage } : {}) };
    return await send(run, way, { ...parcel, kind: 'headers' });
  } finally {
    remove(directory);
  }
};

/**
 * Send what the jobs of a plan need.
 *
 * @param root where sources and packages were brought
 * Throws registry-failed, no-push-key, input-unfit, headers-missing, source-missing (FailureError).
 */
export const sendInputs = async (
  run: Run,
  way: Way,
  plan: Plan,
  root: string,
  coming: ComingPackages,
): Promise<Travelled> => {
  const headers = new Map<string, Input>();
  const sources = new Map<string, Input>();
  for (const job of plan.jobs) {
    const { kernel } = job;
    if (!headers.has(kernel.release)) headers.set(kernel.release, await sendHeaders(run, way, kernel, root, coming));
    for (const name of neededBy(job, plan).filter((one) => !sources.has(one))) {
      const directory = sourceOf(run, root, name);
      sources.set(name, await send(run, way, { kind: 'source', name, directory, arch: kernel.arch }));
    }
  }
  return { headers, sources };
};
