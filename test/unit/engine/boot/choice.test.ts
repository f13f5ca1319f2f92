import { describe, expect, it } from 'vitest';
import { holdFor } from '../../../../src/engine/boot/choice.ts';

const good = (release: string) => ({ release, missing: [] });
const bad = (release: string) => ({ release, missing: ['zfs'] });

describe('which kernels are held back', () => {
  it.each([
    ['none where the newest lacks nothing', [good('3'), good('2')], undefined],
    ['none where there is only one', [bad('3')], undefined],
    ['none where none is better', [bad('3'), bad('2')], undefined],
    ['none where there is no kernel', [], undefined],
    ['the newest, for the next', [bad('3'), good('2')], { held: [bad('3')], prefer: '2' }],
    [
      'all down to the first that is sound',
      [bad('4'), bad('3'), good('2')],
      { held: [bad('4'), bad('3')], prefer: '2' },
    ],
  ])('%s', (_what, kernels, expected) => {
    expect(holdFor(kernels)).toEqual(expected);
  });
});
