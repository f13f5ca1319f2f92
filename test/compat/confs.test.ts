import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type PackagedSource, packagedSource } from '../module-packages.ts';
import { run } from '../packages.ts';
import { type Question, type ReadConf, readByDkms } from './dkms-reader.ts';
import { readByUs } from './our-reader.ts';

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

  it('are all taken by both', () => {
    expect([...ours, ...theirs].filter(({ refused }) => refused)).toEqual([]);
  });

  const parts = ['objects', 'make', 'patches', 'scripts', 'excluded', 'autoinstall', 'depends'] as const;

  it.each(parts)('say the same of %s', (part) => {
    const different = questions.flatMap(({ name, version, kernel }, index) => {
      const [mine, other] = [ours[index]?.[part], theirs[index]?.[part]];
      if (JSON.stringify(mine) === JSON.stringify(other)) return [];
      return [{ module: `${name}/${version}`, kernel: kernel.release, mine, other }];
    });
    expect(different).toEqual([]);
  });
});
