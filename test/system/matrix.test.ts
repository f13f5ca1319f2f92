import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { repository } from '../kernels.ts';
import { isRoot, missingPackages, run } from '../packages.ts';
import { bareMachine, debOf, older, provision, releases, stopMachines } from './apt-machine.ts';
import { headersPackage } from './debs.ts';

/** What `kmodsort matrix --print` prints, done as a CI system would do it: in a container with a checkout in it. */

afterEach(stopMachines);

const missing = isRoot() ? missingPackages(['python3-yaml']) : 'a package is installed';

/** A document as others read it. */
const parsed = (yaml: string): unknown =>
  JSON.parse(
    run('python3', ['-c', 'import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.argv[1]), default=str))', yaml]),
  );

const asText = (value: unknown): string => (typeof value === 'string' ? value : '');
const at = (value: unknown, ...path: readonly (string | number)[]): unknown =>
  path.reduce((inner: unknown, key) => Reflect.get(Object(inner), key), value);
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** The lines of a job, and the kernels that there is one for. */
const jobsIn: Readonly<Record<string, (document: unknown) => { readonly lines: string[]; readonly kernels: unknown }>> =
  {
    github: (document) => ({
      lines: list(at(document, 'jobs', 'build', 'steps'))
        .map((step) => asText(at(step, 'run')))
        .filter(Boolean),
      kernels: at(document, 'jobs', 'build', 'strategy', 'matrix', 'kernel'),
    }),
    gitlab: (document) => ({
      lines: list(at(document, 'kernel modules', 'script')).map(asText),
      kernels: at(document, 'kernel modules', 'parallel', 'matrix', 0, 'KERNEL'),
    }),
  };

describe.skipIf(!provision || missing)('matrix', () => {
  it.each(['github', 'gitlab'])('matrix: the jobs for %s build on a machine that has nothing', async (system) => {
    const [release = 'bookworm'] = releases;
    const machine = await bareMachine(release, headersPackage(older));
    machine.bring(debOf(release), '/checkout');
    await machine.sh('mv /checkout/*.deb /checkout/kmodsort.deb');
    for (const name of ['zeta-core', 'mid-link']) machine.bring(join(repository, 'test/fixtures', name), '/checkout');
    const words = ['./zeta-core', './mid-link', '--kernels', older.release, '--print', system];
    const printed = run(process.execPath, [join(repository, 'dist/kmodsort.mjs'), 'matrix', ...words]);
    const { lines, kernels } = jobsIn[system]?.(parsed(printed)) ?? { lines: [], kernels: [] };
    expect(kernels).toEqual([older.release]);
    const script = ['set -e', 'cd /checkout', 'export KMODSORT_PACKAGE=kmodsort.deb KERNEL="$1"', ...lines].join('\n');
    const ended = await machine.run(['sh', '-c', script, 'sh', older.release], { timeout: 240_000 });
    expect(ended.stdout).toContain('matrix: 2 modules on 1 kernel: 2 ok');
    expect(ended.code).toBe(0);
    expect(machine.read('/checkout/matrix.html')).toContain('<th scope="col">mid-link/1.0</th>');
    expect(machine.objects(older.release)).toEqual([]);
  });
});
