import { describe, expect, it } from 'vitest';
import { rpm } from '../../../src/adapters/rpm.ts';
import { FailureError } from '../../../src/engine/errors.ts';

const ended = { kind: 'transaction-ended' };

const failureOf = (words: readonly string[]) => {
  try {
    rpm.events(words, '');
  } catch (error) {
    if (error instanceof FailureError) return error.failure;
  }
  return undefined;
};

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
        '/usr/srcs/a-1/dkms.conf\n/usr/src/a-1/dkms/.conf\n/usr/lib/modules-load.d/x.conf\n/lib/modules\n/usr/src/kernels\n',
      ),
    ).toEqual([ended]);
  });
  it.each<[string[], string, string]>([
    [[], 'hook run rpm', 'kmodsort hook run rpm add|remove KERNEL, files-in or files-out'],
    [['frob'], 'hook run rpm frob', 'kmodsort hook run rpm add|remove KERNEL, files-in or files-out'],
    [['add'], 'hook run rpm add', 'kmodsort hook run rpm add KERNEL [ENTRY_DIR [IMAGE]]'],
    [['add', '..'], 'hook run rpm add', 'kmodsort hook run rpm add KERNEL [ENTRY_DIR [IMAGE]]'],
    [['remove'], 'hook run rpm remove', 'kmodsort hook run rpm remove KERNEL [ENTRY_DIR]'],
    [['remove', 'a/b'], 'hook run rpm remove', 'kmodsort hook run rpm remove KERNEL [ENTRY_DIR]'],
  ])('refuses the words %j', (words, at, detail) => {
    expect(failureOf(words)).toEqual({ kind: 'bad-usage', at, detail });
  });
});
