import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { confOf, confScope } from '../../src/engine/conf.ts';
import { readConfs } from '../../src/engine/conf-reader.ts';
import { makeProcesses } from '../../src/engine/exec.ts';
import { kernelFacts } from '../../src/engine/kernel.ts';
import { readSettings } from '../../src/engine/settings.ts';
import type { TestKernel } from '../kernels.ts';
import { type PackagedSource, packagedSource } from '../module-packages.ts';
import { run } from '../packages.ts';
import { type Question, type ReadConf, readByDkms } from './dkms-reader.ts';

/** Every module package of Debian main: its conf means to us what it means to dkms, for every kernel at hand. */

const provision = inject('provision');
const kernels = provision.kind === 'ready' ? provision.kernels : [];

/** Names of all packages of modules; dh-dkms is a program for making them. */
const packageNames = (): string[] =>
  run('apt-cache', ['search', '-n', '--', '-dkms$'])
    .split('\n')
    .map((line) => line.split(' ')[0] ?? '')
    .filter((name) => name !== '' && name !== 'dh-dkms')
    .sort();

const isConfThere = ({ directory }: PackagedSource): boolean => {
  try {
    return run('ls', [join(directory, 'dkms.conf')]) !== '';
  } catch {
    return false;
  }
};

const readByUs = async (questions: readonly Question[], scratch: string): Promise<ReadConf[]> => {
  const settings = await readSettings({
    confDir: join(scratch, 'etc'),
    osRelease: '/dev/null',
    installTree: '/lib/modules',
  });
  const factsOf = ({ release, headers }: TestKernel) =>
    kernelFacts(settings, { release, arch: 'x86_64' }, headers, join(headers, '.config'));
  const readings = await readConfs(
    questions.map(({ name, version, kernel, path }) => ({
      files: [path],
      release: kernel.release,
      scope: confScope({ release: kernel.release, arch: 'x86_64' }, kernel.headers, settings, { name, version }, {}),
      directives: [],
    })),
    makeProcesses(),
    scratch,
    process.env,
  );
  return questions.map(({ name, version, kernel }, index) => {
    const reading = readings[index];
    if (reading?.kind !== 'read') throw new Error(`${name}: ${JSON.stringify(reading)}`);
    const result = confOf(reading.raw, { name, version }, factsOf(kernel));
    if (!('conf' in result)) throw new Error(`${name}: ${result.invalid.detail}`);
    const { conf } = result;
    const usual = `make -C ${kernel.headers} M=${settings.dkmsTree}/${name}/${version}/build`;
    return {
      objects: conf.objects.map((one) => [one.built, one.location, one.dest, one.destLocation]),
      make: conf.make ?? usual,
      excluded: conf.exclusion !== undefined,
      autoinstall: conf.autoinstall,
      depends: conf.depends,
    };
  });
};

describe.skipIf(provision.kind === 'missing')('the confs of all module packages in Debian main', () => {
  let scratch = '';
  let questions: Question[] = [];
  let ours: ReadConf[] = [];
  let theirs: ReadConf[] = [];

  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'kmodsort-confs-'));
    const sources = packageNames().map(packagedSource).filter(isConfThere);
    questions = sources.flatMap(({ name, version, directory }) =>
      kernels.map((kernel) => ({ name, version, kernel, path: join(directory, 'dkms.conf') })),
    );
    theirs = readByDkms(questions, scratch);
    ours = await readByUs(questions, scratch);
  }, 400_000);

  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  it('are many', () => {
    expect(new Set(questions.map((question) => question.name)).size).toBeGreaterThan(20);
  });

  it.each(['objects', 'make', 'excluded', 'autoinstall', 'depends'] as const)('say the same of %s', (part) => {
    const different = questions.flatMap(({ name, version, kernel }, index) => {
      const [mine, other] = [ours[index]?.[part], theirs[index]?.[part]];
      if (JSON.stringify(mine) === JSON.stringify(other)) return [];
      return [{ module: `${name}/${version}`, kernel: kernel.release, mine, other }];
    });
    expect(different).toEqual([]);
  });
});
