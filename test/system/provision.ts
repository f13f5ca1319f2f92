import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { provisionKernels, repository, type TestKernel } from '../kernels.ts';
import { isRoot, missingPackages, run } from '../packages.ts';
import { provisionRoots, type Release } from './roots.ts';

export interface SystemProvision {
  readonly roots: Readonly<Record<Release, string>>;
  readonly kernels: readonly TestKernel[];
  /** Paths of the packages under test. */
  readonly packages: Readonly<
    Record<'debSystem' | 'debBundled' | 'pacmanSystem' | 'pacmanBundled' | 'rpmSystem' | 'rpmBundled', string>
  >;
}

declare module 'vitest' {
  interface ProvidedContext {
    /** What the system tests have to work with, or why there is nothing. */
    system: SystemProvision | { readonly missing: string };
  }
}

/** What makes packages; linters of packages beside them. */
const packageTools = [
  'makepkg',
  'pacman-package-manager',
  'libarchive-tools',
  'rpm',
  'zstd',
  'dpkg',
  'lintian',
  'rpmlint',
  'shellcheck',
  'apt-utils',
];

const makePackage = (format: string, runtime: string): string =>
  run(
    'sh',
    ['packaging/package.sh', format, '--runtime', runtime, '--output', join(repository, 'dist/packages', runtime)],
    {
      cwd: repository,
    },
  ).trim();

const makePackages = (): SystemProvision['packages'] => ({
  debSystem: makePackage('deb', 'system'),
  debBundled: makePackage('deb', 'bundled'),
  pacmanSystem: makePackage('pacman', 'system'),
  pacmanBundled: makePackage('pacman', 'bundled'),
  rpmSystem: makePackage('rpm', 'system'),
  rpmBundled: makePackage('rpm', 'bundled'),
});

const provision = (): SystemProvision | { missing: string } => {
  if (!isRoot()) return { missing: 'package managers in a root of their own need root' };
  const kernels = provisionKernels();
  if (kernels.kind === 'missing') return { missing: kernels.why };
  const roots = provisionRoots();
  if (roots.kind === 'missing') return { missing: roots.why };
  const tools = missingPackages(packageTools);
  if (tools) return { missing: tools };
  if (!existsSync(join(repository, 'dist/kmodsort.mjs'))) return { missing: 'nothing is built: npm run build' };
  return { roots: roots.directory, kernels: kernels.kernels, packages: makePackages() };
};

/** Once before all system tests: roots, kernel headers and the packages under test. */
export default function setup(project: TestProject): void {
  const system = provision();
  if ('missing' in system) process.stderr.write(`system tests are skipped: ${system.missing}\n`);
  project.provide('system', system);
}
