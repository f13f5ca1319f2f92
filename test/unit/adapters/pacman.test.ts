import { describe, expect, it } from 'vitest';
import { requestOf } from '../../../src/adapters/events.ts';
import { pacman } from '../../../src/adapters/pacman.ts';
import { FailureError } from '../../../src/engine/errors.ts';

const ended = { kind: 'transaction-ended' };

const failureOf = (words: readonly string[]) => {
  try {
    pacman.events(words, '');
  } catch (error) {
    if (error instanceof FailureError) return error.failure;
  }
  return undefined;
};

describe('pacman', () => {
  it('reads its targets from stdin in both hooks', () => {
    expect([pacman.readsStdin(['install']), pacman.readsStdin(['remove']), pacman.readsStdin([])]).toEqual([
      true,
      true,
      false,
    ]);
  });

  it('hears of kernels, headers and sources that were touched', () => {
    const stdin = [
      'usr/src/zfs-2.3.9/dkms.conf',
      '/usr/lib/modules/6.9.1-arch1-1/vmlinuz',
      'lib/modules/6.6.30-1-lts/build/include/',
    ].join('\n');
    expect(pacman.events(['install'], stdin)).toEqual([
      { kind: 'source-touched', source: 'zfs-2.3.9' },
      { kind: 'kernel-touched', release: '6.9.1-arch1-1', image: true },
      { kind: 'kernel-touched', release: '6.6.30-1-lts' },
      ended,
    ]);
  });

  it('lets only images and dkms.confs leave', () => {
    const stdin = 'usr/src/a-1/dkms.conf\nusr/lib/modules/6.9/vmlinuz\nusr/lib/modules/6.1/build/include/\n';
    expect(pacman.events(['remove'], stdin)).toEqual([
      { kind: 'source-leaving', source: 'a-1' },
      { kind: 'kernel-leaving', release: '6.9' },
    ]);
  });

  it.each([
    ['CRLF', 'usr/src/a-1/dkms.conf\r\n\r\nusr/src/b-1/dkms.conf\r\n'],
    ['NUL bytes', 'usr/src/a-1/dkms.conf\0usr/src/b-1/dkms.conf\0\0'],
    ['blank lines and no newline at the end', '\n\nusr/src/a-1/dkms.conf\n\n\nusr/src/b-1/dkms.conf'],
  ])('survives %s', (_name, stdin) => {
    expect(pacman.events(['remove'], stdin)).toEqual([
      { kind: 'source-leaving', source: 'a-1' },
      { kind: 'source-leaving', source: 'b-1' },
    ]);
  });

  it.each([
    'usr/src/../dkms.conf',
    'usr/src/./dkms.conf',
    'usr/src/-rf/dkms.conf',
    'usr/src/a b/dkms.conf',
    'usr/src/$(id)/dkms.conf',
    'usr/src/a/sub/dkms.conf',
    'usr/src/a/dkms/.conf',
    'usr/src/a/vmlinuz',
    'usr/src/a/build/include',
    'usr/src/a/dkms.conf.bak',
    'usr/lib/modules/6.9/dkms.conf',
    'usr/lib/modules/6.9/vm/linuz',
    'usr/lib/modules/6.9/buildinclude',
    'usr/lib/modules/6.9/build',
    'usr/src/dkms.conf',
    'usr/src//dkms.conf',
    'opt/usr/src/a-1/dkms.conf',
    'usr/lib/modules/../../etc/vmlinuz',
    'usr/lib/modules/6.9/kernel/vmlinuz',
    'usr/lib/modules/vmlinuz',
    'etc/passwd',
    '\u{1}\u{2}\u{fffd}',
    '/',
  ])('passes over %j', (stdin) => {
    expect(pacman.events(['remove'], stdin)).toEqual([]);
    expect(pacman.events(['install'], stdin)).toEqual([ended]);
  });

  it('takes 20,000 paths', () => {
    const stdin = Array.from({ length: 20_000 }, (_, i) => `usr/src/m-${i % 7}/${i % 2 ? 'dkms.conf' : 'x.c'}`).join(
      '\n',
    );
    const request = requestOf('pacman', pacman.events(['install'], stdin), { dryRun: false });
    expect([...request.touched.sources].sort()).toEqual(['m-0', 'm-1', 'm-2', 'm-3', 'm-4', 'm-5', 'm-6']);
  });

  it.each<[string[], string]>([
    [[], 'hook run pacman'],
    [['upgrade'], 'hook run pacman upgrade'],
  ])('refuses the words %j', (words, at) => {
    const detail = "kmodsort hook run pacman install|remove, with the hook's targets on stdin";
    expect(failureOf(words)).toEqual({ kind: 'bad-usage', at, detail });
  });
});
