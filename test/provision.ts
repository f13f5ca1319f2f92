import type { TestProject } from 'vitest/node';
import { type Provision, provisionKernels } from './kernels.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** What the real tests have to work with; they skip themselves where it is missing. */
    provision: Provision;
  }
}

/** Once before all real tests: kernel headers and tools, or one line that says why there are none. */
export default function setup(project: TestProject): void {
  const provision = provisionKernels();
  if (provision.kind === 'missing') process.stderr.write(`real tests are skipped: ${provision.why}\n`);
  project.provide('provision', provision);
}
