import { describe, expect, it } from 'vitest';
import { isCleanName, isPathSegment, staysBelow } from '../../../../src/engine/system/names.ts';

describe('isCleanName', () => {
  it.each(['6.1.0-56-amd64', 'zfs-2.3.9', '6.9.3_1', 'a~b+c@d:e', '_x', 'a.', '2'])('takes %s', (name) => {
    expect(isCleanName(name)).toBe(true);
  });
  it.each(['', '.', '..', '.a', 'a..b', '-k', '+a', '~a', '@a', ':a', 'a b', 'a/b', 'a$b', "a'b", 'ä', 'a\n', '\na'])(
    'refuses %j',
    (name) => {
      expect(isCleanName(name)).toBe(false);
    },
  );
});

describe('isPathSegment', () => {
  it.each(['snd-hda', 'a..b', 'A9'])('takes %s', (name) => {
    expect(isPathSegment(name)).toBe(true);
  });
  it.each(['', '..', '.hidden', 'a/b', '-a'])('refuses %j', (name) => {
    expect(isPathSegment(name)).toBe(false);
  });
});

describe('staysBelow', () => {
  it.each(['a', 'a/b', './a', 'a/..b', 'a..', ''])('%j stays', (path) => {
    expect(staysBelow(path)).toBe(true);
  });
  it.each(['/a', '..', '../a', 'a/../b', 'a/..'])('%j leaves', (path) => {
    expect(staysBelow(path)).toBe(false);
  });
});
