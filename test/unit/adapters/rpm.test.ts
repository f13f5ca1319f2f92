import { describe, expect, it } from 'vitest';
import { rpm } from '../../../src/adapters/rpm.ts';
import { FailureError } from '../../../src/engine/errors.ts';

const ended = { kind: 'transaction-ended' };

describe('rpm', () => {
  it('reads stdin for file triggers only', () => {
    expect(['files-in', 'files-out', 'add', 'remove'].map((word) => rpm.readsStdin([word]))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
  it("hears of kernel-install's kernels", () => {
    const release = '5.14.0-427.el9.x86_64';
    expect(rpm.events(['add', release, `/boot/id/${release}`, '/boot/vmlinuz'], '')).toEqual([
      { kind: 'kernel-arrived', release },
    ]);
    expect(rpm.events(['remove', release, ''], '')).toEqual([{ kind: 'kernel-leaving', release }]);
  });
  it('hears of touched kernels, headers and sources', () => {
    const stdin =
      '/usr/src/zfs-2.3.9/dkms.conf\n/usr/src/zfs-2.3.9/a.c\n/lib/modules/5.14.0/vmlinuz\n/usr/src/kernels/5.15.0/Makefile\n';
    expect(rpm.events(['files-in'], stdin)).toEqual([
      { kind: 'source-touched', source: 'zfs-2.3.9' },
      { kind: 'kernel-touched', release: '5.14.0' },
      { kind: 'kernel-touched', release: '5.15.0' },
      ended,
    ]);
  });
  it('takes the empty stdin of files-out', () => {
    expect(rpm.events(['files-out'], '')).toEqual([ended]);
  });
  it('passes over what is not below the trees', () => {
    expect(
      rpm.events(
        ['files-in'],
        '/usr/srcs/a-1/dkms.conf\n/usr/lib/modules-load.d/x.conf\n/lib/modules\n/usr/src/kernels\n',
      ),
    ).toEqual([ended]);
  });
  it.each([[[]], [['add']], [['add', '..']], [['remove']], [['frob']]])('refuses the words %j', (words: string[]) => {
    expect(() => rpm.events(words, '')).toThrow(FailureError);
  });
});
