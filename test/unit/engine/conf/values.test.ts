import { describe, expect, it } from 'vitest';
import { first, inOrder, matchesOf, valuesOf } from '../../../../src/engine/conf/values.ts';
import { rawOf } from './conf-raw.ts';

describe('the values of a directive', () => {
  const raw = rawOf({ 'MAKE[10]': 'ten', 'MAKE[2]': 'two', 'MAKE[1]': '', MAKE: 'none', STRIP: '' });
  it('come in the order of their indexes, without empty ones', () => {
    expect(inOrder(valuesOf(raw, 'MAKE'))).toEqual([
      [0, 'none'],
      [2, 'two'],
      [10, 'ten'],
    ]);
  });
  it('are told apart from whether they matched', () => {
    const both = rawOf({ MAKE_MATCH: '^6', 'match:MAKE_MATCH': 'yes' });
    expect([[...valuesOf(both, 'MAKE_MATCH')], [...matchesOf(both, 'MAKE_MATCH')]]).toEqual([
      [[0, '^6']],
      [[0, 'yes']],
    ]);
    expect([...matchesOf(both, 'PATCH_MATCH')]).toEqual([]);
  });
  it('are none where the directive is not there', () => {
    expect([...valuesOf(raw, 'PATCH')]).toEqual([]);
    expect([first(raw, 'PATCH'), first(raw, 'STRIP'), first(raw, 'MAKE')]).toEqual(['', '', 'none']);
  });
});
