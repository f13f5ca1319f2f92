import { describe, expect, it } from 'vitest';
import { touchedPaths } from '../../../src/adapters/touched-paths.ts';

describe('touchedPaths', () => {
  const source = (name: string, ...rest: string[]) => ({ tree: 'source', name, rest });
  const modules = (name: string, ...rest: string[]) => ({ tree: 'modules', name, rest });

  it.each([
    ['usr/src/zfs-2.3.9/dkms.conf', source('zfs-2.3.9', 'dkms.conf')],
    ['/usr/src/zfs-2.3.9/dkms.conf', source('zfs-2.3.9', 'dkms.conf')],
    ['///usr/src/zfs-2.3.9///', source('zfs-2.3.9')],
    ['usr/src/zfs-2.3.9', source('zfs-2.3.9')],
    ['usr/src/zfs-2.3.9/a/b/c.h', source('zfs-2.3.9', 'a', 'b', 'c.h')],
    ['usr/lib/modules/6.9.1-arch1-1/vmlinuz', modules('6.9.1-arch1-1', 'vmlinuz')],
    ['lib/modules/6.9.1/build/include/', modules('6.9.1', 'build', 'include')],
    ['usr/src/lib/modules', source('lib', 'modules')],
  ])('takes %j apart', (path, expected) => {
    expect(touchedPaths(path)).toEqual([expected]);
  });

  it.each([
    '',
    '/',
    'usr',
    'usr/src',
    'usr/src/',
    'src/zfs-2.3.9',
    'usr/lib/modules',
    'lib/modules',
    'usr/lib/6.9/vmlinuz',
    'usr/local/lib/modules/6.9/vmlinuz',
    'opt/src/zfs-2.3.9/dkms.conf',
    'usr/share/zfs-2.3.9/dkms.conf',
    'var/lib/modules/6.9',
    'lib/firmware/6.9',
    'etc/modules/6.9',
    'usr/lib/firmware/6.9/vmlinuz',
    'opt/lib/modules/6.9/vmlinuz',
    'usr//src/zfs-2.3.9/dkms.conf',
    'usr/src/./dkms.conf',
    'usr/src/zfs-2.3.9/./dkms.conf',
    'usr/src/zfs-2.3.9/../zfs-2.3.9/dkms.conf',
    'usr/src/zfs-2.3.9//dkms.conf',
    './usr/src/zfs-2.3.9/dkms.conf',
    '../usr/src/zfs-2.3.9/dkms.conf',
    'usr/src/-zfs/dkms.conf',
    'usr/src/a b/dkms.conf',
  ])('passes over %j', (path) => {
    expect(touchedPaths(path)).toEqual([]);
  });

  it.each(['\n', '\r\n', '\0', '\n\n\n'])('takes lines that end in %j, in their order', (end) => {
    expect(touchedPaths(['usr/src/b-1', 'etc/fstab', 'usr/src/a-1', ''].join(end))).toEqual([
      source('b-1'),
      source('a-1'),
    ]);
  });
});
