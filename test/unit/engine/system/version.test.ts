import { describe, expect, it } from 'vitest';
import { compareVersions, newestOf } from '../../../../src/engine/system/version.ts';

/** Each one older than the next. */
const ascending = [
  '2.6.32',
  '3.10.0-957.el7',
  '3.10.0-1160.el7',
  '5.9',
  '5.10',
  '5.10.1',
  '5.10.10',
  '6.1',
  '6.1.0-9-amd64',
  '6.1.0-56-amd64',
  '6.1.0-56-cloud-amd64',
  '6.12.117+deb12-cloud-amd64',
];

describe('compareVersions', () => {
  it('counts every run of digits as a number, and a prefix is the smaller one', () => {
    const shuffled = [...ascending].sort().reverse();
    expect(shuffled.sort(compareVersions)).toEqual(ascending);
  });
  it.each([
    ['1.0', '1.0'],
    ['1.01', '1.1'],
    ['1.000', '1.0'],
    [`1.${'0'.repeat(30)}1`, '1.1'],
    [`1.${'0'.repeat(30)}`, '1.0'],
    [`1.${'0'.repeat(30)}-rc1`, '1.0-rc1'],
  ])('takes %s and %s for the same', (a, b) => {
    expect(compareVersions(a, b)).toBe(0);
    expect(compareVersions(b, a)).toBe(0);
  });
  it.each([
    ['20240102', '20240111'],
    ['1.0-rc1', '1.0-rc10'],
    ['1.0.a', '1.0.b'],
    ['6.1', '6.1.0-56'],
    ['99999999999999999', '100000000000000000'],
  ])('puts %s before %s, from either side', (older, newer) => {
    expect(compareVersions(older, newer)).toBeLessThan(0);
    expect(compareVersions(newer, older)).toBeGreaterThan(0);
  });
});

describe('newestOf', () => {
  it('finds the newest wherever it stands', () => {
    expect(newestOf(['2.10', '2.9', '2.1'])).toBe('2.10');
    expect(newestOf(['2.9', '2.1', '2.10'])).toBe('2.10');
  });
  it('is the first of several that are the same', () => {
    expect(newestOf(['1.0', '1.1', '1.01', '1.001'])).toBe('1.1');
  });
  it('has nothing to say of no versions', () => {
    expect(newestOf([])).toBeUndefined();
  });
});
