import { describe, expect, it } from 'vitest';
import { first, inOrder, isCleanName, staysBelow, valuesOf } from '../../../src/engine/conf-values.ts';
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
  it('are none where the directive is not there', () => {
    expect([...valuesOf(raw, 'PATCH')]).toEqual([]);
    expect([first(raw, 'PATCH'), first(raw, 'STRIP'), first(raw, 'MAKE')]).toEqual(['', '', 'none']);
  });
});

describe('isCleanName', () => {
  it.each(['zfs', '2.3.9', '_x', 'a.b_c+d~e@f:g-h', '0'])('takes %j', (name) => {
    expect(isCleanName(name)).toBe(true);
  });
  it.each(['', '.', '..', '.a', '-a', '+a', 'a..b', 'a/b', 'a b', 'a\n', '\na', 'a$', 'ä', "a'"])(
    'refuses %j',
    (name) => {
      expect(isCleanName(name)).toBe(false);
    },
  );
});

describe('staysBelow', () => {
  it.each(['', 'a', 'a/b', './a', 'a/..b', 'a../b', '...'])('takes %j', (path) => {
    expect(staysBelow(path)).toBe(true);
  });
  it.each(['/', '/a', '..', '../a', 'a/..', 'a/../b', 'a/b/..'])('refuses %j', (path) => {
    expect(staysBelow(path)).toBe(false);
  });
});
