import { describe, expect, it } from 'vitest';
import { parseDkmsCommandLine } from '../../../src/cli/dkms.ts';
import type { CliContext } from '../../../src/cli/dkms-operands.ts';
import { parseCommandLine } from '../../../src/cli/kmodsort.ts';
import { quickDkms, quickKmodsort } from '../../../src/cli/quick.ts';

const context: CliContext = {
  cwd: '/work',
  columns: 80,
  isRoot: true,
  runningKernel: '6.1',
  arch: 'x86_64',
  look: (path) => (path === '/etc/os-release' || path === '/work/os' ? 'file' : undefined),
};
const own = { cwd: '/work', version: '1.2', columns: 80, self: ['node', 'x'] as const };

const places = '--dkmstree t --sourcetree=/s --installtree i --confdir /c --statedir x';

/** The quick reading of each must be what the parser makes of it. */
const quickDkmsLines = [
  '--version',
  '-V',
  'status',
  'status zfs',
  'status zfs/2.1',
  'zfs status',
  'status -k 6.1',
  'status -k 1.10 -k 6.2/i686',
  'status -k 6.1 -k 6.2 -a x86_64 -a i686',
  'status --kernelver 6.1 --arch x86_64',
  'status --kernelver=6.1 --arch=x86_64',
  'status -m zfs -v 1.10',
  'status --module zfs --module-version=2.0',
  'status -m zfs -m spl',
  '-m zfs status -v 1',
  'status -q --verbose --debug',
  `status ${places}`,
  'status --os-release os',
  'status --dkmstree a --dkmstree b',
];

/** The parser has more to say of these: they are left to it. */
const slowDkmsLines = [
  '',
  'status -k',
  'status -k6.1',
  'status -k=6.1',
  'status -k ../x',
  'status -k 6.1 -a x86_64 -a i686',
  'status --kernelver=',
  'status --nonsense',
  'status --force',
  'status --no-initrd',
  'status -j 3',
  'status --help',
  'status -- zfs',
  'status build',
  'status zfs/1/2',
  'status --os-release none',
  'status --all -k 6.1',
  'install zfs/2.1',
  'autoinstall',
  'zfs',
  '--version status',
];

const wordsIn = (line: string): string[] => (line === '' ? [] : line.split(' '));

describe('a question to dkms', () => {
  it.each(quickDkmsLines)('is read as the parser reads it: %s', async (line) => {
    const quick = quickDkms(wordsIn(line), context);
    expect(quick).toBeDefined();
    expect(quick).toEqual(await parseDkmsCommandLine(wordsIn(line), context));
  });
  it.each(slowDkmsLines)('is left to the parser: %s', (line) => {
    expect(quickDkms(wordsIn(line), context)).toBeUndefined();
  });
  it('with an empty word is left to the parser', () => {
    expect(quickDkms(['status', ''], context)).toBeUndefined();
  });
});

const quickLines = [
  '--version',
  'status',
  'status --json',
  'status --verbose --dry-run',
  `status --json ${places}`,
  'hook run',
  'hook run boot',
  'hook run apt trigger',
  'hook run apt trigger /usr/src /lib/modules',
  'hook run apt postinst 6.10 /boot/vmlinuz-6.10',
  'hook run pacman install --dry-run',
  'hook run rpm add 6.1 /boot/x',
  `hook run rpm files-in ${places} -j 0`,
  'hook run apt source zfs 2.10',
];

const slowLines = [
  '',
  'status zfs',
  'status --dot',
  'status --nonsense',
  'status -k 6.1',
  'status --version',
  'hook',
  'hook rum',
  'hook run zypper install',
  'hook run apt postinst -k',
  'hook run apt -j x',
  'sync',
  'plan --json',
  'log zfs',
  '--help',
];

describe('a question to kmodsort, or a hook', () => {
  it.each(quickLines)('is read as the parser reads it: %s', async (line) => {
    const quick = quickKmodsort(wordsIn(line), own);
    expect(quick).toBeDefined();
    expect(quick).toEqual(await parseCommandLine(wordsIn(line), own));
  });
  it.each(slowLines)('is left to the parser: %s', (line) => {
    expect(quickKmodsort(wordsIn(line), own)).toBeUndefined();
  });
});
