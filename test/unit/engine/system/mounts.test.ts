import { describe, expect, it } from 'vitest';
import { fstabLine, mounts, parseMounts } from '../../../../src/engine/system/mounts.ts';

describe('parseMounts', () => {
  it('takes points, types and options of mountinfo lines, whatever optional fields they have', () => {
    const text = [
      '22 27 0:21 / /proc rw,nosuid,relatime shared:5 master:1 - proc proc rw',
      '27 1 254:0 / / ro,relatime - ext4 /dev/vda rw,discard',
      '40 27 0:30 /sub /mnt/a\\040b\\134c rw - overlay overlay rw,lowerdir=/a',
      'nonsense',
      '',
    ].join('\n');
    expect(parseMounts(text)).toEqual([
      { point: '/proc', type: 'proc', options: ['rw', 'nosuid', 'relatime'] },
      { point: '/', type: 'ext4', options: ['ro', 'relatime'] },
      { point: '/mnt/a b\\c', type: 'overlay', options: ['rw'] },
    ]);
  });

  it('reads those of this process', () => {
    expect(mounts().some(({ point }) => point === '/')).toBe(true);
  });
});

describe('fstabLine', () => {
  it.each([
    [['/a', '/b', 'none', ['rbind', 'ro']], '/a /b none rbind,ro\n'],
    [['/a b', '/c\td\\e', 'tmpfs', ['size=1m']], '/a\\040b /c\\011d\\134e tmpfs size=1m\n'],
    [['#a', '/b', 'none', ['ro']], '\\043a /b none ro\n'],
  ] as const)('writes %j as mount reads it', ([what, point, type, options], line) => {
    expect(fstabLine(what, point, type, options)).toBe(line);
  });
});
