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
  it('hears of the end of a run', () => {
    expect(apt.events(['trigger', '/usr/src', '/lib/modules'], '')).toEqual([{ kind: 'transaction-ended' }]);
    expect(apt.events(['trigger'], '')).toEqual([{ kind: 'transaction-ended' }]);
    expect(apt.events(['configure'], '')).toEqual([{ kind: 'transaction-ended' }]);
  });
  it.each([[['postinst']], [['postinst', '']], [['prerm']], [['prerm', '../x']], [['postinst', '-k']]])(
    'names the usage when the kernel of %j is missing or odd',
    (words: string[]) => {
      expect(failureOf(words)).toMatchObject({
        kind: 'bad-usage',
        detail: expect.stringContaining(`hook run apt ${words[0]} KERNEL`),
      });
    },
  );
  it.each([[[]], [['preinst', '6.1']]])('refuses the words %j', (words: string[]) => {
    expect(failureOf(words)).toMatchObject({ kind: 'bad-usage' });
  });
});
