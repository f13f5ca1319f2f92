import { describe, expect, it } from 'vitest';
import { incomingOf } from '../../../src/adapters/incoming.ts';

describe('what a transaction brings', () => {
  it.each([
    [
      'kernels and modules of apt, by their archives',
      'VERSION 3\nAPT::Architecture=amd64\n\nlinux-image-6.1 - - none < 6.1.1 amd64 none /var/cache/a.deb\nzfs-dkms 2.1 all none < 2.2 all none /var/cache/z.deb\n',
      ['/var/cache/a.deb', '/var/cache/z.deb'],
    ],
    ['nothing of other packages', 'VERSION 3\n\nvim 1 amd64 none < 2 amd64 none /var/cache/vim.deb\n', []],
    [
      'nothing of removals and of what is only set up',
      'VERSION 3\n\nlinux-image-6.1 1 amd64 none > - - none **REMOVE**\nlinux-image-6.2 - - none < 1 amd64 none **CONFIGURE**\n',
      [],
    ],
    ['nothing of a text without packages', 'VERSION 3\nAPT::A=b\n', []],
    ['nothing of nothing', '', []],
  ])('%s', (_title, stdin, archives) => {
    expect(incomingOf('apt', stdin, [])).toEqual({ archives, packages: [] });
  });

  it.each([
    [
      'names of pacman',
      'linux\nlinux-headers\nvim\nzfs-dkms\n',
      ['pacman', '-Syu'],
      [],
      ['linux', 'linux-headers', 'zfs-dkms'],
    ],
    [
      'files on its command line',
      'linux\n',
      ['pacman', '-U', '/tmp/linux-1-1-any.pkg.tar.zst'],
      ['/tmp/linux-1-1-any.pkg.tar.zst'],
      ['linux'],
    ],
    ['no words that are options or paths', '--config\nlinux;reboot\n../linux\n', ['pacman'], [], []],
  ])('%s', (_title, stdin, caller, archives, packages) => {
    expect(incomingOf('pacman', stdin, caller)).toEqual({ archives, packages });
  });
});
