import { describe, expect, it } from 'vitest';
import type { KernelFacts } from '../../../../src/engine/kernel/kernel.ts';
import { kernelPackageOf, packageOfArchive } from '../../../../src/engine/kernel/kernel-package.ts';
import type { Ended, Processes } from '../../../../src/engine/system/exec.ts';

/** Package managers answer as those of Debian 12, Fedora and Arch do. */
const answering = (answers: Readonly<Record<string, string>>): { processes: Processes; asked: string[] } => {
  const asked: string[] = [];
  const ended = (output: string): Ended => ({ code: 1, output, errors: '', problem: '', timedOut: false });
  const ask = async (argv: readonly string[]): Promise<Ended> => {
    asked.push(argv.join(' '));
    const known = Object.entries(answers).find(([words]) => argv.join(' ').startsWith(words));
    return ended(known?.[1] ?? '');
  };
  return { processes: { ask, run: () => Promise.reject(new Error('nothing else is run')) }, asked };
};

const facts: KernelFacts = {
  kernel: { release: '6.1', arch: 'x86_64' },
  directory: '/lib/modules/6.1',
  bootable: true,
  config: new Map(),
  compression: 'none',
};

describe('kernelPackageOf', () => {
  it('asks dpkg for the owner in both spellings of a path, and for its version', async () => {
    const { processes, asked } = answering({
      'dpkg-query -S': 'linux-image-6.1: /lib/modules/6.1/modules.builtin\n',
      'dpkg-query -W': '6.1.192-2\n',
    });
    const found = await kernelPackageOf(processes, 'debian', facts);
    expect(found).toEqual({ manager: 'dpkg', name: 'linux-image-6.1', version: '6.1.192-2' });
    expect(asked[0]).toContain('/lib/modules/6.1/modules.builtin /usr/lib/modules/6.1/modules.builtin');
  });
  it('goes by the headers where they are, for these are what is built with', async () => {
    const { processes, asked } = answering({});
    await kernelPackageOf(processes, 'ubuntu', { ...facts, headers: '/nonexistent/headers' });
    expect(asked).toEqual(['dpkg-query -S /nonexistent/headers/Makefile']);
  });
  it.each([
    [
      'fedora',
      'rpm -q',
      'kernel-core\t6.11.4-301.fc41\n',
      { manager: 'rpm', name: 'kernel-core', version: '6.11.4-301.fc41' },
    ],
    ['opensuse', 'rpm -q', 'kernel-default\t1:6.4-1\n', { manager: 'rpm', name: 'kernel-default', version: '1:6.4-1' }],
    [
      'arch',
      'pacman -Qo',
      '/usr/lib/modules/6.1/vmlinuz is owned by linux 6.12.1.arch1-1\n',
      { manager: 'pacman', name: 'linux', version: '6.12.1.arch1-1' },
    ],
    ['arch', 'pacman -Qo', 'error: No package owns /usr/lib/modules/6.1/vmlinuz\n', undefined],
    ['fedora', 'rpm -q', 'file /lib/modules/6.1/vmlinuz is not owned by any package\n', undefined],
    ['debian', 'dpkg-query -S', 'diversion by x from: /lib/modules/6.1/vmlinuz\n', undefined],
    ['gentoo', 'rpm -q', 'kernel\t6.1\n', undefined],
  ])('reads the answer on %s: %s', async (distribution, words, text, expected) => {
    expect(await kernelPackageOf(answering({ [words]: text }).processes, distribution, facts)).toEqual(expected);
  });
});

describe('packageOfArchive', () => {
  it.each([
    [
      'a.deb',
      'dpkg-deb -W',
      'linux-image-6.1\t6.1.192-2\n',
      { manager: 'dpkg', name: 'linux-image-6.1', version: '6.1.192-2' },
    ],
    [
      'a.rpm',
      'rpm -q',
      'kernel-core\t6.11.4-301.fc41\n',
      { manager: 'rpm', name: 'kernel-core', version: '6.11.4-301.fc41' },
    ],
    [
      'a.pkg.tar.zst',
      'pacman -Qp',
      'linux 6.12.1.arch1-1\n',
      { manager: 'pacman', name: 'linux', version: '6.12.1.arch1-1' },
    ],
    ['b.deb', 'dpkg-deb -W', '', undefined],
  ])('knows what %s is', async (file, words, text, expected) => {
    expect(await packageOfArchive(answering({ [words]: text }).processes, file, '/private')).toEqual(expected);
  });
});
