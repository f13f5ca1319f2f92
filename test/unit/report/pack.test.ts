import { describe, expect, it } from 'vitest';
import type { PackAnswer, PackedEntry } from '../../../src/engine/delivered.ts';
import { exitStatus } from '../../../src/report/exit-status.ts';
import { packLines } from '../../../src/report/pack.ts';

const entry = (file: string, more: Partial<PackedEntry>): PackedEntry => ({
  module: 'zfs/2.1',
  kernel: '6.1/x86_64',
  key: 'k',
  file,
  state: 'packed',
  ...more,
});

const answer = (more: Partial<PackAnswer>): PackAnswer => ({
  kind: 'packed',
  output: '/srv/repo',
  entries: [],
  guessed: [],
  failures: [],
  ...more,
});

const status = (one: PackAnswer): number => exitStatus(one, 'typed', { requiredFailed: false });

describe('what was packed', () => {
  it('is told in a line each', () => {
    const packed = answer({
      entries: [
        entry('spl.deb', { bytes: 2048, isSigned: true }),
        entry('zfs-longer.deb', { state: 'there', bytes: 10, isSigned: false }),
      ],
    });
    expect(packLines(packed)).toEqual([
      'kmodsort: 2 packages in /srv/repo',
      '  packed         spl.deb         2.0 KiB',
      '  already there  zfs-longer.deb  10 B     modules not signed',
    ]);
    expect(status(packed)).toBe(0);
  });

  it('is told of a dry run, and where a dependency is guessed', () => {
    const planned = answer({
      entries: [entry('a.deb', { state: 'planned' })],
      guessed: [{ release: '6.1', name: 'linux-image-6.1' }],
    });
    expect(packLines(planned)).toEqual([
      'kmodsort: 1 package in /srv/repo',
      '  to be packed  a.deb',
      'kmodsort: the package of the kernel 6.1 is not installed here: the dependency on linux-image-6.1 follows from the release',
    ]);
  });

  it.each([
    [
      { kind: 'dependency-not-in-store', at: 'zfs/2.1, 6.1', detail: 'spl' },
      'zfs/2.1, 6.1: the store has no build of spl with the symbols that it was built on',
      'dkms install zfs/2.1 -k 6.1 --force',
    ],
    [
      { kind: 'kernel-owner-unknown', at: '6.1' },
      'cannot tell which package brings the kernel: 6.1',
      'pack on a machine on which this kernel is installed',
    ],
  ] as const)('says what failed and what helps: %o', (failure, says, help) => {
    const failed = answer({ failures: [failure] });
    expect(packLines(failed)).toEqual([`kmodsort: FAILED: ${says}`, `  help  ${help}`]);
    expect(status(failed)).toBe(1);
  });
});
