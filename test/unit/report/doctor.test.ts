import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { DoctorAnswer, DoctorEntry } from '../../../src/engine/answers.ts';
import type { Diagnosis } from '../../../src/engine/diagnoses.ts';
import { doctorLines } from '../../../src/report/doctor.ts';
import { exitStatus } from '../../../src/report/exit-status.ts';

const module = { name: 'lonely', version: '1.0' };
const kernel = { release: '6.1', arch: 'x86_64' };
const link: Diagnosis = { code: 'installed-link-broken', path: '/d/lonely/kernel-6.1-x86_64', module, kernel };
const source: Diagnosis = {
  code: 'source-missing',
  path: '/d/lonely/1.0/source',
  module,
  source: '/usr/src/lonely-1.0',
};
const stale: Diagnosis = { code: 'stale', path: '/d/lonely/1.0/6.1/x86_64', module, kernel, changed: ['sources'] };

const canBe: DoctorEntry = { diagnosis: link, canRepair: true };
const byHand: DoctorEntry = { diagnosis: source, canRepair: false };
const warning: DoctorEntry = { diagnosis: stale, canRepair: false };

const answer = (entries: readonly DoctorEntry[], more: Partial<DoctorAnswer> = {}): DoctorAnswer => ({
  kind: 'examined',
  fix: false,
  entries,
  failures: [],
  modules: 3,
  kernels: 1,
  isBusy: false,
  ...more,
});

const linkLine = 'installed-link-broken: /d/lonely/kernel-6.1-x86_64 leads nowhere: lonely/1.0 is not built for 6.1';
const sourceLine = 'source-missing: the source of lonely/1.0 is gone: /usr/src/lonely-1.0';
const helps =
  'install its package again, or mount the file system of its source; if it is not wanted: dkms remove lonely/1.0 --all';
const explained = (code: string): string =>
  `doctor: codes are explained in docs/doctor.md#${code} (/usr/share/doc/kmodsort/doctor.md)`;

describe('doctorLines', () => {
  it('shows each finding with what helps, and how many can be repaired', () => {
    expect(doctorLines(answer([canBe, byHand]))).toEqual([
      linkLine,
      '  fix  kmodsort doctor --fix removes the link; kmodsort sync builds the module again',
      sourceLine,
      `  fix  ${helps}`,
      'doctor: 2 findings, 1 can be repaired: kmodsort doctor --fix',
      explained('installed-link-broken'),
    ]);
  });
  it('shows what was done, and why of the rest', () => {
    const failure = { kind: 'read-only', at: '/d' } as const;
    const entries = [
      { ...canBe, isRepaired: true },
      { ...canBe, isRepaired: false, failure },
      { ...byHand, isRepaired: false },
    ];
    expect(doctorLines(answer(entries, { fix: true }))).toEqual([
      linkLine,
      '  repaired  removed the link; kmodsort sync builds the module again',
      linkLine,
      expect.stringMatching(/^ {2}left {2}.*read-only.*\/d|^ {2}left {2}.*\/d.*read-only/),
      sourceLine,
      `  left  ${helps}`,
      'doctor: 3 findings: 1 repaired, 2 left',
      explained('installed-link-broken'),
    ]);
  });
  it('marks what does not count', () => {
    expect(doctorLines(answer([warning]))).toEqual([
      'stale: warning: lonely/1.0 on 6.1 is out of date (sources): /d/lonely/1.0/6.1/x86_64',
      '  fix  kmodsort sync; kmodsort why lonely/1.0 says what has changed',
      'doctor: 1 finding, none that --fix repairs',
      explained('stale'),
    ]);
  });
  it('says what it looked at, and what it did not', () => {
    expect(doctorLines(answer([]))).toEqual(['doctor: nothing wrong: 3 modules, 1 kernel']);
    expect(doctorLines(answer([], { isBusy: true }))[0]).toMatch(/another run is at work/);
    expect(doctorLines(answer([], { failures: [{ kind: 'no-permission', at: '/d' }] }))).toEqual([
      expect.stringMatching(/^doctor: FAILED: .*\/d/),
      'doctor: not all could be looked at',
    ]);
  });
});

describe('docs/doctor.md', () => {
  it('shows what is printed', () => {
    const release = '6.1.0-56-amd64';
    const zeta = { name: 'zeta', version: '2.1' };
    const broken: Diagnosis = {
      ...link,
      path: `/var/lib/dkms/lonely/kernel-${release}-x86_64`,
      kernel: { release, arch: 'x86_64' },
    };
    const gone: Diagnosis = { ...source, module: zeta, source: '/usr/src/zeta-2.1' };
    const found = [
      { diagnosis: broken, canRepair: true },
      { diagnosis: gone, canRepair: false },
    ];
    const cured = found.map((entry) => ({ ...entry, isRepaired: entry.canRepair }));
    const page = readFileSync(resolve(import.meta.dirname, '../../../docs/doctor.md'), 'utf8');
    expect(page).toContain(`$ kmodsort doctor\n${doctorLines(answer(found)).join('\n')}\n\n`);
    expect(page).toContain(`$ kmodsort doctor --fix\n${doctorLines(answer(cured, { fix: true })).join('\n')}\n\`\`\``);
  });
});

describe('the exit status', () => {
  it.each([
    ['nothing', answer([]), 0],
    ['an error', answer([canBe]), 1],
    ['a warning', answer([warning]), 0],
    ['what is repaired', answer([{ ...canBe, isRepaired: true }], { fix: true }), 0],
    ['what is left', answer([{ ...byHand, isRepaired: false }], { fix: true }), 1],
    ['what could not be looked at', answer([], { failures: [{ kind: 'no-permission' }] }), 1],
  ])('of %s', (_what, one, expected) => {
    expect(exitStatus(one, 'typed', { requiredFailed: false })).toBe(expected);
  });
});
