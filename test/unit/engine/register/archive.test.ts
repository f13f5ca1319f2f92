import { describe, expect, it } from 'vitest';
import { archiveName } from '../../../../src/engine/register/archive.ts';

const zfs = { name: 'zfs', version: '2.3.9' };
const on = (...names: readonly string[]) =>
  names.map((name) => ({ release: name.split('/')[0] ?? '', arch: name.split('/')[1] ?? '' }));
const releases = (count: number, length: number) =>
  on(...Array.from({ length: count }, () => `${'6'.repeat(length)}/x`));

describe('archiveName', () => {
  it.each([
    ['no kernel', on(), false, 'zfs-2.3.9.dkms.tar.gz'],
    ['one kernel', on('6.1.0/x86_64'), false, 'zfs-2.3.9-kernel6.1.0-x86_64.dkms.tar.gz'],
    ['two kernels', on('6.1/i686', '6.2/x86_64'), false, 'zfs-2.3.9-kernel6.1-i686-kernel6.2-x86_64.dkms.tar.gz'],
    ['its source only', on('6.1.0/x86_64'), true, 'zfs-2.3.9-source-only.dkms.tar.gz'],
    ['its source only, however many kernels', releases(50, 10), true, 'zfs-2.3.9-source-only.dkms.tar.gz'],
    ['more kernels than a file name holds', releases(50, 10), false, 'zfs-2.3.9-manykernels.dkms.tar.gz'],
  ])('tells %s', (_what, kernels, sourceOnly, expected) => {
    expect(archiveName(zfs, kernels, sourceOnly)).toBe(expected);
  });
  it('has up to 200 letters', () => {
    const whole = archiveName(zfs, releases(1, 170), false);
    expect([whole.length, whole.slice(0, 17)]).toEqual([200, 'zfs-2.3.9-kernel6']);
    expect(archiveName(zfs, releases(1, 171), false)).toBe('zfs-2.3.9-manykernels.dkms.tar.gz');
  });
});
