import { chmodSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { mountTables } from '../../../../src/engine/build/confine.ts';
import { signOfConfinement } from '../../../../src/engine/build/hand-over.ts';
import type { Confines } from '../../../../src/engine/run/confinement.ts';
import type { Mount } from '../../../../src/engine/system/mounts.ts';
import { temporaryDirectory } from '../../temporary.ts';

const top = temporaryDirectory();
const at = (...names: string[]): string => join(top, ...names);
const [build, closed, tree, stage] = [at('tree/m/1/build'), at('closed'), at('tree'), at('scratch/stage')];

const confines = (over: Partial<Confines> = {}): Confines => ({
  user: { uid: 65534, gid: 65534 },
  writable: [build],
  kept: [],
  binds: [[build, build]],
  visible: [],
  aliases: [],
  hidden: [],
  ...over,
});

const mount = (point: string, options: readonly string[] = ['rw', 'relatime'], type = 'ext4'): Mount => ({
  point,
  options,
  type,
});

/** What and where of each line, without the root of the test. */
const lines = (table: string): string[] =>
  table
    .split('\n')
    .filter(Boolean)
    .map((line) => line.replaceAll(top, ''));

beforeAll(() => {
  for (const path of [build, join(closed, 'deep/seen'), at('hidden/seen/inner'), at('hidden/other'), stage])
    mkdirSync(path, { recursive: true });
  // The test's own directory may be closed to others, too.
  for (let path = build; path !== '/' && path.startsWith(top); path = dirname(path)) chmodSync(path, 0o755);
  chmodSync(at('hidden'), 0o755);
  chmodSync(at('scratch'), 0o755);
  chmodSync(closed, 0o700);
});

describe('mountTables', () => {
  it('makes every mount read-only with the flags that it has, but for what the kernel guards itself', () => {
    const known = [
      mount('/'),
      mount('/home', ['rw', 'nosuid', 'nodev']),
      mount('/snap', ['ro', 'nodev'], 'squashfs'),
      mount('/proc', ['rw'], 'proc'),
      mount('/sys', ['rw'], 'sysfs'),
      mount('/dev', ['rw'], 'devtmpfs'),
      mount('/net', ['rw'], 'autofs'),
      mount('/run/user/1000/doc', ['rw'], 'fuse.portal'),
      mount(build),
    ];
    const { readOnly, made } = mountTables(confines(), stage, known);
    expect(lines(readOnly)).toEqual([
      '/ / none ro,relatime',
      '/home /home none ro,nosuid,nodev',
      '/snap /snap none ro,nodev',
    ]);
    expect(lines(made)[0]).toBe('/tree/m/1/build /tree/m/1/build none rbind');
  });

  it('puts an empty directory in place of a hidden one, with what is to be seen in it, read-only', () => {
    const seen = at('hidden/seen');
    const { made, readOnly } = mountTables(confines({ hidden: [at('hidden')], visible: [seen] }), stage, [mount('/')]);
    expect(lines(made)).toEqual([
      '/tree/m/1/build /tree/m/1/build none rbind',
      'kmodsort:/hidden /scratch/stage/0 tmpfs size=1m,mode=755,nosuid,nodev',
      '/hidden/seen /scratch/stage/0/seen none rbind,X-mount.mkdir',
      '/scratch/stage/0 /hidden none rbind',
    ]);
    expect(lines(readOnly)).toEqual(['/ / none ro,relatime', '/hidden/seen /hidden/seen none ro,relatime']);
  });

  it('opens the way to what lies where only root may go', () => {
    const { made } = mountTables(confines({ visible: [join(closed, 'deep/seen')] }), stage, [mount('/')]);
    expect(lines(made)).toContain('kmodsort:/closed /scratch/stage/0 tmpfs size=1m,mode=755,nosuid,nodev');
    expect(lines(made)).toContain('/closed/deep/seen /scratch/stage/0/deep/seen none rbind,X-mount.mkdir');
    expect(lines(made).at(-1)).toBe('/scratch/stage/0 /closed none rbind');
  });

  it('puts the directory that holds the others before they are in place last', () => {
    const hidden = [at('scratch'), at('hidden')];
    const { made } = mountTables(confines({ hidden }), stage, [mount('/')]);
    expect(lines(made).slice(-2)).toEqual([
      '/scratch/stage/1 /hidden none rbind',
      '/scratch/stage/0 /scratch none rbind',
    ]);
  });

  it('hides what lies below another hidden directory with that, and leaves out what is not there', () => {
    const hidden = [at('hidden/seen'), at('hidden'), at('nowhere'), at('hidden')];
    const { made } = mountTables(confines({ hidden }), stage, [mount('/')]);
    expect(lines(made).filter((line) => line.startsWith('kmodsort:'))).toHaveLength(1);
  });

  it('lets nothing be written in what is kept below a writable directory', () => {
    const kept = [join(build, 'kept')];
    const { readOnly } = mountTables(confines({ kept }), stage, [mount('/'), mount(tree, ['rw', 'noatime'])]);
    expect(lines(readOnly)).toEqual([
      '/ / none ro,relatime',
      '/tree /tree none ro,noatime',
      '/tree/m/1/build/kept /tree/m/1/build/kept none ro,noatime',
    ]);
  });

  it('gives a temporary directory a size and lets everybody write there', () => {
    const { made } = mountTables(confines({ hidden: ['/tmp'] }), stage, [mount('/')]);
    expect(made).toMatch(/^kmodsort:\/tmp \S+ tmpfs size=\d{8,10},mode=1777,nosuid,nodev$/m);
  });
});

describe('signOfConfinement', () => {
  it.each([
    'wget: unable to resolve: Temporary failure in name resolution',
    'curl: (6) Could not resolve host: example.org',
    'ssh: Name or service not known',
    'bash: connect: Network is unreachable',
    "cp: cannot create regular file '/usr/src/x': Read-only file system",
    'sh: 1: cannot create /usr/src/x: Permission denied',
    'chown: changing ownership of x: Operation not permitted',
    'error: you must be root to do this',
    'This script must be run as root',
    'mount: /tmp: mount point does not exist.',
    'unshare: unshare failed: Operation not permitted',
    'setpriv: setresuid failed',
  ])('is a line such as "%s"', (line) => {
    expect(signOfConfinement(`Building the module\n# command: x\n  ${line}\nmore\n`.replace('  ', ''))).toBe(line);
  });

  it.each([
    'foo.c:3:1: error: unknown type name',
    '# command: Permission denied',
    "make: *** No rule to make target 'x'.  Stop.",
    'the mount: point',
    'root cause',
  ])('is no line such as "%s"', (line) => {
    expect(signOfConfinement(`${line}\n`)).toBeUndefined();
  });
});
