import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { provisionKernels, repository, type TestKernel } from '../kernels.ts';
import { isRoot, missingPackages, run } from '../packages.ts';
import { fetchPackaged, type LeftOut, type PackagedModule, unpackedDkms } from './packaged.ts';

export interface CompatProvision {
  readonly kernels: readonly TestKernel[];
  /** Where Debian's own dkms is unpacked, as a root directory. */
  readonly dkms: string;
  /** Sources of the packages of modules that Debian has. */
  readonly modules: readonly PackagedModule[];
  readonly leftOut: readonly LeftOut[];
  /** A bundle that prints what our reader makes of confs. */
  readonly confPrinter: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    /** What there is to compare with dkms, or why there is nothing. */
    compat: CompatProvision | { readonly missing: string };
  }
}

/** What dkms needs to run, and openssl for its signatures. */
const tools = ['kmod', 'openssl', 'binutils'];

const canOverlay = (): boolean =>
  spawnSync('unshare', [
    '--mount',
    'sh',
    '-ec',
    'mount -t tmpfs none /mnt; mkdir /mnt/u /mnt/w /mnt/m; mount -t overlay -o lowerdir=/,upperdir=/mnt/u,workdir=/mnt/w none /mnt/m; test -e /mnt/m/usr',
  ]).status === 0;

const bundlePrinter = (): string => {
  const printer = join(repository, 'dist/compat/print-confs.mjs');
  run('node', ['packaging/bundle.mjs', 'test/compat/print-confs.ts', printer], { cwd: repository });
  return printer;
};

const provision = (): CompatProvision | { missing: string } => {
  if (!isRoot()) return { missing: 'dkms has paths of its own and runs in a root of its own, which needs root' };
  if (!canOverlay()) return { missing: 'this machine gives no overlay of its root to a mount namespace' };
  const kernels = provisionKernels();
  if (kernels.kind === 'missing') return { missing: kernels.why };
  const lacking = missingPackages(tools);
  if (lacking) return { missing: lacking };
  if (!existsSync(join(repository, 'dist/kmodsort.mjs'))) return { missing: 'nothing is built: npm run build' };
  try {
    const { modules, leftOut } = fetchPackaged();
    return { kernels: kernels.kernels, dkms: unpackedDkms(), modules, leftOut, confPrinter: bundlePrinter() };
  } catch (error) {
    return { missing: error instanceof Error ? error.message : String(error) };
  }
};

/** Once before all of these tests: kernel headers, Debian's dkms and its packages of modules. */
export default function setup(project: TestProject): void {
  const compat = provision();
  if ('missing' in compat) process.stderr.write(`tests against dkms are skipped: ${compat.missing}\n`);
  else for (const { name, why } of compat.leftOut) process.stderr.write(`${name} is left out: ${why}\n`);
  project.provide('compat', compat);
}
