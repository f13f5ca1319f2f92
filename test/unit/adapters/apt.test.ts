import { describe, expect, it } from 'vitest';
import { apt } from '../../../src/adapters/apt.ts';
import { FailureError } from '../../../src/engine/errors.ts';

const failureOf = (words: readonly string[]) => {
  try {
    apt.events(words, '');
  } catch (error) {
    if (error instanceof FailureError) return error.failure;
  }
  return undefined;
};

describe('apt', () => {
  it('reads no stdin', () => {
    expect(['postinst', 'prerm', 'trigger', 'configure'].map((word) => apt.readsStdin([word]))).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });
  it('hears of kernels', () => {
    expect(apt.events(['postinst', '6.1.0-56-amd64', '/boot/vmlinuz-6.1.0-56-amd64'], '')).toEqual([
      { kind: 'kernel-arrived', release: '6.1.0-56-amd64' },
    ]);
    expect(apt.events(['prerm', '6.1.0-56-amd64'], '')).toEqual([
      { kind: 'kernel-leaving', release: '6.1.0-56-amd64' },
    ]);
  });
  it.each([
    [['source', 'zfs', '2.3.9'], 'zfs-2.3.9'],
    [['source', 'v4l2loopback', '0.12.7-2+b1'], 'v4l2loopback-0.12.7-2+b1'],
  ])('hears of the source that a module package brought: %j', (words, source) => {
    expect(apt.events(words, '')).toEqual([{ kind: 'source-touched', source }]);
  });
  it.each([
    [['source']],
    [['source', 'zfs']],
    [['source', 'zfs', '']],
    [['source', '', '2.3.9']],
    [['source', '../zfs', '2.3.9']],
    [['source', 'zfs', '2.3.9/..']],
    [['source', '-zfs', '2.3.9']],
  ])('names the usage when the source of %j is missing or odd', (words: string[]) => {
    expect(failureOf(words)).toEqual({
      kind: 'bad-usage',
      at: 'hook run apt source',
      detail: 'kmodsort hook run apt source NAME VERSION',
    });
  });
  it('hears of the end of a run', () => {
    expect(apt.events(['trigger', '/usr/src', '/lib/modules'], '')).toEqual([{ kind: 'transaction-ended' }]);
    expect(apt.events(['trigger'], '')).toEqual([{ kind: 'transaction-ended' }]);
    expect(apt.events(['configure'], '')).toEqual([{ kind: 'transaction-ended' }]);
  });
  it.each([[['postinst']], [['postinst', '']], [['prerm']], [['prerm', '../x']], [['postinst', '-k']]])(
    'names the usage when the kernel of %j is missing or odd',
    (words: string[]) => {
      expect(failureOf(words)).toEqual({
        kind: 'bad-usage',
        at: `hook run apt ${words[0]}`,
        detail: expect.stringContaining(`hook run apt ${words[0]} KERNEL`),
      });
    },
  );
  it.each<[string[], string]>([
    [[], 'hook run apt'],
    [['preinst', '6.1'], 'hook run apt preinst'],
    [['sources', 'zfs', '2.3.9'], 'hook run apt sources'],
  ])('refuses the words %j and names all that it knows', (words, at) => {
    const detail = 'kmodsort hook run apt postinst|prerm KERNEL, source NAME VERSION, trigger [NAMES] or configure';
    expect(failureOf(words)).toEqual({ kind: 'bad-usage', at, detail });
  });
});
