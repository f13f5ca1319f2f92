import { describe, expect, it } from 'vitest';
import { installCommand } from '../../../../src/engine/system/install-command.ts';

describe('the command that installs', () => {
  it.each([
    ['debian', ['gcc-14'], 'apt install gcc-14'],
    ['ubuntu', ['x86_64-linux-gnu-gcc-13'], 'apt install gcc-13'],
    ['debian', ['/usr/bin/gcc'], 'apt install gcc'],
    ['debian', ['clang-16', 'ld.lld-16', 'llvm-nm-16'], 'apt install clang-16 lld-16 llvm-16'],
    ['debian', ['flex'], 'apt install flex'],
    ['debian', ['libelf'], 'apt install libelf-dev'],
    ['arch', ['gcc-14'], 'pacman -S gcc'],
    ['arch', ['clang', 'ld.lld', 'llvm-nm'], 'pacman -S clang lld llvm'],
    ['arch', ['rustc'], 'pacman -S rust'],
    ['rhel centos fedora', ['gcc-14'], 'dnf install gcc'],
    ['fedora', ['libelf'], 'dnf install elfutils-libelf-devel'],
    ['fedora', ['pahole'], 'dnf install dwarves'],
    ['suse opensuse', ['gcc-13'], 'zypper install gcc13'],
    ['suse opensuse', ['gcc'], 'zypper install gcc'],
    ['gentoo', ['gcc-14'], 'emerge sys-devel/gcc:14'],
    ['gentoo', ['clang'], 'emerge llvm-core/clang'],
    ['debian', ['sbatch'], 'apt install slurm-client'],
    ['void', ['gcc'], undefined],
    ['debian', ['fetch-things'], undefined],
    ['debian', ['gcc', 'fetch-things'], undefined],
  ])('on %s %j: %s', (distribution, programs, expected) => {
    expect(installCommand(distribution, ...programs)).toBe(expected);
  });
});
