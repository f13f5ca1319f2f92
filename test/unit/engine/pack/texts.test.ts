import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { controlText } from '../../../../src/engine/pack/deb.ts';
import type { ModulePackage } from '../../../../src/engine/pack/package.ts';
import { informationText } from '../../../../src/engine/pack/pacman.ts';
import { specText } from '../../../../src/engine/pack/rpm.ts';
import { debScripts, pacmanHook, pacmanScript, rpmScripts } from '../../../../src/engine/pack/scripts.ts';

const made: ModulePackage = {
  name: 'kmod-spl-6.1',
  version: '2.1',
  revision: '20261128075212',
  arch: 'amd64',
  module: { name: 'spl', version: '2.1' },
  kernel: { release: '6.1', arch: 'x86_64' },
  license: 'GPL',
  seconds: 1795852332,
  objects: ['spl.ko.xz'],
  directory: '/usr/lib/modules/6.1/updates/dkms',
  depends: [{ name: 'linux', version: { is: '=', of: '6.1-1' } }, { name: 'kmod' }],
  provides: ['kmod-spl-6.1-abi-0'],
  conflicts: ['spl-dkms'],
};

const parses = (text: string): string => spawnSync('sh', ['-n'], { input: text, encoding: 'utf8' }).stderr;

describe('texts of packages', () => {
  it('control', () => {
    const text = controlText(made, 12);
    expect(text).toContain('Package: kmod-spl-6.1\nVersion: 2.1-20261128075212\nArchitecture: amd64\n');
    expect(text).toContain(
      'Installed-Size: 12\nDepends: linux (= 6.1-1), kmod\nProvides: kmod-spl-6.1-abi-0\nConflicts: spl-dkms\n',
    );
  });

  it('spec', () => {
    const text = specText(made, '/root');
    expect(text).toContain('Requires: linux = 6.1-1\nRequires: kmod\n');
    expect(text).toContain('\n%dir /usr/lib/modules/6.1/updates/dkms\n/usr/lib/modules/6.1/updates/dkms/spl.ko.xz\n');
    expect(text).toContain('\n* Sat Nov 28 2026 kmodsort <kmodsort@localhost> - 2.1-20261128075212\n');
  });

  it('.PKGINFO', () => {
    expect(informationText(made, 99)).toMatch(
      /pkgver = 2\.1-20261128075212\n[\s\S]*size = 99\narch = amd64\nlicense = GPL\nconflict = spl-dkms\nprovides = kmod-spl-6\.1-abi-0\ndepend = linux=6\.1-1\ndepend = kmod\n$/,
    );
  });

  it('scripts are shell', () => {
    const bodies = rpmScripts(made).split(/^%\w+$/m);
    expect(bodies).toHaveLength(5);
    const command = /^Exec = \/bin\/sh -c '(.*)'$/m.exec(pacmanHook(made))?.[1] ?? '(';
    for (const text of [...Object.values(debScripts(made)), ...bodies, pacmanScript(made), command])
      expect(parses(text)).toBe('');
  });
});
