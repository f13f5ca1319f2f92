import { existsSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { provisionKernels, repository, type TestKernel } from '../kernels.ts';
import { isRoot, missingPackages } from '../packages.ts';
import { missingRegistry } from '../real/registry.ts';

/** What a fleet needs on this machine: all of it is there before the tests go into a network of their own. */

export interface FleetProvision {
  readonly kernels: readonly TestKernel[];
}

declare module 'vitest' {
  interface ProvidedContext {
    /** What the tests of a fleet have to work with, or why there is nothing. */
    fleet: FleetProvision | { readonly missing: string };
  }
}

const tools = ['iproute2', 'openssh-client', 'skopeo', 'util-linux'];

/** Programs of services, with the units that are not to run on this machine itself. */
const services = new Map([
  ['munge', ['munge']],
  ['slurmctld', ['slurmctld']],
  ['slurmd', ['slurmd']],
  ['slurm-client', []],
]);

const policy = '/usr/sbin/policy-rc.d';

/** Install services that only nodes are to run: none starts here, neither now nor with the machine. */
const missingServices = (): string | undefined => {
  const isNew = (unit: string): boolean => !existsSync(join('/lib/systemd/system', `${unit}.service`));
  const masks = [...services.values()]
    .flat()
    .filter(isNew)
    .map((unit) => join('/etc/systemd/system', `${unit}.service`))
    .filter((mask) => existsSync('/etc/systemd/system') && !existsSync(mask));
  const isOurs = !existsSync(policy);
  if (isOurs) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    for (const mask of masks) symlinkSync('/dev/null', mask);
    return missingPackages([...services.keys()]);
  } finally {
    if (isOurs) rmSync(policy);
  }
};

/** Get what is missing; tells what cannot be had. */
export const provisionFleet = (): FleetProvision | { readonly missing: string } => {
  if (!isRoot()) return { missing: 'networks and mounts need root' };
  const kernels = provisionKernels();
  if (kernels.kind === 'missing') return { missing: kernels.why };
  const missing = missingPackages(tools) ?? missingServices() ?? missingRegistry();
  if (missing) return { missing };
  if (!existsSync(join(repository, 'dist/kmodsort.mjs'))) return { missing: 'nothing is built: npm run build' };
  return { kernels: kernels.kernels };
};

/** Once before all tests of a fleet. */
export default function setup(project: TestProject): void {
  const fleet = provisionFleet();
  if ('missing' in fleet) process.stderr.write(`tests of a fleet are skipped: ${fleet.missing}\n`);
  project.provide('fleet', fleet);
}
