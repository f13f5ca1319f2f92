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
    [
      'modules by their ending too, and nothing that only has the word kernel in its name',
      'VERSION 3\n\nwireguard-module - - none < 1 all none /a.deb\nzfs-modules-6.1 - - none < 1 all none /b.deb\nmykernel - - none < 1 all none /c.deb\nglinux - - none < 1 all none /d.deb\nkernel-6.1 - - none < 1 all none /e.deb\n',
      ['/a.deb', '/b.deb', '/e.deb'],
    ],
    [
      'nothing of what is no absolute path of a .deb',
      'VERSION 3\n\nlinux-a - - none < 1 all none cache/a.deb\nlinux-b - - none < 1 all none /b.deb.part\nlinux-c - - none < 1 all none /c.rpm\n',
      [],
    ],
    [
      'packages on either side of an empty line',
      'VERSION 3\n\nlinux-a - - none < 1 all none /a.deb\n\nlinux-b - - none < 1 all none /b.deb\n\n\nlinux-c - - none < 1 all none /c.deb\n',
      ['/a.deb', '/b.deb', '/c.deb'],
    ],
    ['nothing of a text without packages', 'VERSION 3\nAPT::A=b\n', []],
    ['nothing of nothing', '', []],
  ])('%s', (_title, stdin, archives) => {
    expect(incomingOf('apt', stdin, [])).toEqual({ archives, tools: [], packages: [] });
  });

  it('compilers of apt apart from the rest', () => {
    const names = ['gcc-12', 'binutils', 'libgcc-s1', 'make', 'makedev', 'gccgo-12', 'linux-kbuild-6.1'];
    const lines = names.map((name) => `${name} 1 amd64 none < 2 amd64 none /${name}.deb\n`);
    expect(incomingOf('apt', `VERSION 3\n\n${lines.join('')}`, [])).toEqual({
      archives: ['/linux-kbuild-6.1.deb'],
      tools: ['/gcc-12.deb', '/binutils.deb', '/libgcc-s1.deb', '/make.deb'],
      packages: [],
    });
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
    [
      'files of any compression, and of none',
      '',
      [
        'pacman',
        '-U',
        '/a.pkg.tar',
        '/b.pkg.tar.xz',
        '/c d.pkg.tar.zst',
        'e/f.pkg.tar.zst',
        '/f.pkg.tar.zst.sig',
        '/g.tar.zst',
      ],
      ['/a.pkg.tar', '/b.pkg.tar.xz', '/c d.pkg.tar.zst'],
      [],
    ],
    ['names with all that pacman allows', 'linux+a.b_c@d-1\n\n\nlinux zen\n', ['pacman'], [], ['linux+a.b_c@d-1']],
    ['no words that are options or paths', '--config\nlinux;reboot\n../linux\n', ['pacman'], [], []],
  ])('%s', (_title, stdin, caller, archives, packages) => {
    expect(incomingOf('pacman', stdin, caller)).toEqual({ archives, tools: [], packages });
  });
});
