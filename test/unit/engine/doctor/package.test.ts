import { describe, expect, it } from 'vitest';
import { inPacmanFormat, inRpmFormat } from '../../../../src/engine/doctor/package.ts';

describe('what package managers say of files that differ', () => {
  it.each([
    ['??5??????   /usr/lib/kmodsort/hook', { file: '/usr/lib/kmodsort/hook', isConffile: false }],
    ['??5?????? c /etc/apt/apt.conf.d/50kmodsort', { file: '/etc/apt/apt.conf.d/50kmodsort', isConffile: true }],
    ['missing   c /etc/dkms/framework.conf', { file: '/etc/dkms/framework.conf', isConffile: true }],
    ['missing     /usr/x (Permission denied)', { file: '/usr/x', isConffile: false }],
    ['S.5....T.    /usr/lib/kmodsort/hook', { file: '/usr/lib/kmodsort/hook', isConffile: false }],
    ['S.5....T.  c /etc/dkms/framework.conf', { file: '/etc/dkms/framework.conf', isConffile: true }],
    ['.......T.    /usr/lib/kmodsort/hook', undefined],
    ['.M.......    /usr/lib/kmodsort', undefined],
    ['..?......    /root-only', undefined],
    ["dpkg: package 'kmodsort' is not installed", undefined],
    ['package kmodsort is not installed', undefined],
    ['', undefined],
  ])('rpm: %s', (line, expected) => expect(inRpmFormat(line)).toEqual(expected));

  it.each([
    [
      'warning: kmodsort: /usr/lib/kmodsort/hook (SHA256 checksum mismatch)',
      { file: '/usr/lib/kmodsort/hook', isConffile: false },
    ],
    [
      'warning: kmodsort: /usr/lib/kmodsort/hook (Size mismatch)',
      { file: '/usr/lib/kmodsort/hook', isConffile: false },
    ],
    [
      'backup file: kmodsort: /etc/dkms/framework.conf (Size mismatch)',
      { file: '/etc/dkms/framework.conf', isConffile: true },
    ],
    ['warning: kmodsort: /usr/x (No such file or directory)', { file: '/usr/x', isConffile: false }],
    ['warning: kmodsort: /usr/x (Modification time mismatch)', undefined],
    ['warning: kmodsort: /usr/x (Permissions mismatch)', undefined],
    ['kmodsort: 60 total files, 2 altered files', undefined],
  ])('pacman: %s', (line, expected) => expect(inPacmanFormat(line)).toEqual(expected));
});
