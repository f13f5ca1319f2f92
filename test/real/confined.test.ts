import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { World, WorldOptions } from '../world.ts';
import { disposableWorld } from './disposable.ts';
import { done, put, saidBy } from './dkms-session.ts';
import { generate } from './generated-source.ts';
import { disorder } from './installed.ts';
import { commandLine, environmentOf } from './start-program.ts';
import { until } from './until.ts';

/** What a build may do to the machine, and what becomes of one that wants more. */

const provision = inject('provision');
const kernels = provision.kind === 'ready' ? provision.kernels : [];
const [release = '', second = ''] = kernels.map((kernel) => kernel.release);
const isRoot = process.getuid?.() === 0;
const canUnshare =
  isRoot && spawnSync('unshare', ['--mount', '--net', '--ipc', '--pid', '--fork', 'true']).status === 0;

const newWorld = (settings = '', options: WorldOptions = {}): World => {
  const world = disposableWorld({ kernels: kernels.slice(0, 1), distribution: 'arch', ...options });
  world.configure(settings);
  return world;
};

const strict = 'sandbox="strict"\n';

/** A module whose PRE_BUILD is a script of these lines. */
const scripted = (world: World, name: string, lines: readonly string[], further = ''): string => {
  const { directory } = generate(world, name, { conf: `PRE_BUILD="pre.sh"\n${further}` });
  put(join(directory, 'pre.sh'), `#!/bin/sh\nset -e\n${lines.join('\n')}\n`, 0o755);
  return directory;
};

const sync = async (world: World): Promise<{ code: number | null; said: string }> => {
  const ended = await world.kmodsort(['sync']);
  return { code: ended.code, said: saidBy(world, ended) };
};

const buildDirectory = (world: World, name: string): string => join(world.trees.dkmsTree, name, '1.0/build');

/** What a build said, while its log is still where it was written, or kept of what failed. */
const logOf = (world: World, name: string): string =>
  readFileSync(join(world.trees.dkmsTree, name, '1.0', release, 'x86_64/log/make.log'), 'utf8');

const processesNamed = (text: string): string[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(text);
      } catch {
        return false;
      }
    });

describe.skipIf(!canUnshare || kernels.length === 0)('a confined build', () => {
  it('sees its own directory, its kernel and a /tmp of its own, and is neither root nor alone on a network', async () => {
    const world = newWorld(strict, { kernels });
    put('/tmp/kmodsort-seen-by-nobody', 'x');
    scripted(world, 'tool', [
      'echo "user $(id -u)"',
      'echo "tmp $(ls -A /tmp | grep -c seen-by-nobody || :)"',
      'echo t > /tmp/t && echo t > "$TMPDIR/u" && echo "written $(cat "$HOME/t")"',
      'echo "uname $(uname -r)"',
      `echo "kernels $(ls ${world.trees.installTree} | tr '\\n' ' ')"`,
      'echo "interfaces $(tail -n +3 /proc/net/dev | grep -vc lo: || :)"',
      'echo "privileges $(grep NoNewPrivs /proc/self/status | tr "\\t" " ")"',
      'echo "capabilities $(grep -c "Cap.*0000000000000000" /proc/self/status)"',
      'echo "by its name" >> /dev/stderr',
      'echo "first $(tr "\\0" " " < /proc/1/cmdline | cut -d" " -f1)"',
      'if rm -f make.log 2> /dev/null || mv make.log moved 2> /dev/null; then echo "log gone"; else echo "log stays"; fi',
    ]);
    expect(await sync(world)).toMatchObject({ code: 0 });
    const log = logOf(world, 'tool');
    for (const line of ['tmp 0', 'written t', `uname ${release}`, `kernels ${release} `, 'interfaces 0', 'log stays'])
      expect(log.split('\n')).toContain(line);
    for (const line of ['privileges NoNewPrivs: 1', 'capabilities 5', 'by its name', 'first sh'])
      expect(log.split('\n')).toContain(line);
    expect(log).toMatch(/^user [1-9]\d*$/m);
    expect(second).not.toBe('');
    spawnSync('rm', ['/tmp/kmodsort-seen-by-nobody']);
    expect(disorder(world)).toEqual([]);
  });

  it('leaves files of root alone in the dkms tree', async () => {
    const world = newWorld(strict);
    const conf = 'POST_BUILD="post.sh $dkms_tree/low/1.0/$kernelver/$arch"\n';
    const { directory } = generate(world, 'low', { conf });
    generate(world, 'high', { depends: ['low'] });
    put(
      join(directory, 'post.sh'),
      '#!/bin/sh\nset -e\nmkdir "$1/conf"\ncp /bin/sh "$1/conf/sh"\nchmod 4777 "$1/conf/sh"\n',
      0o755,
    );
    expect(await sync(world)).toMatchObject({ code: 0 });
    const sh = statSync(join(world.trees.dkmsTree, 'low/1.0', release, 'x86_64/conf/sh'));
    expect([sh.uid, sh.gid, (sh.mode & 0o7777).toString(8)]).toEqual([0, 0, '755']);
    const foreign = spawnSync('find', [world.trees.dkmsTree, '-not', '-user', '0'], { encoding: 'utf8' }).stdout;
    expect(foreign).toBe('');
    expect(disorder(world)).toEqual([]);
  });

  it('writes nowhere else', async () => {
    const world = newWorld(strict);
    generate(world, 'other');
    await sync(world);
    const [source, entry] = [join(world.trees.sourceTree, 'mine'), join(world.trees.dkmsTree, 'other/1.0/mine')];
    const object = join(world.trees.dkmsTree, 'other/1.0', release, 'x86_64/module/other.ko');
    mkdirSync(join(world.root, 'open'), { mode: 0o777 });
    for (const [name, victim] of Object.entries({ a: source, b: entry, c: object, d: '/var/tmp/../lib/mine' })) {
      scripted(world, name, [`echo x >> ${victim}`]);
      const { code, said } = await sync(world);
      expect([code, said]).toEqual([
        1,
        expect.stringMatching(/Read-only file system|Permission denied|Directory nonexistent/),
      ]);
      await done(world, ['remove', `${name}/1.0`, '--all']);
    }
    expect([source, entry, '/var/lib/mine'].filter((path) => existsSync(path))).toEqual([]);
    expect(disorder(world)).toEqual([]);
  });

  it('reads nothing that root alone may read', async () => {
    const world = newWorld(strict);
    scripted(world, 'tool', ['cat /etc/shadow']);
    const { code, said } = await sync(world);
    expect([code, said]).toEqual([1, expect.stringContaining('cat: /etc/shadow: Permission denied')]);
    expect(said).toContain('script failed with exit code 1: PRE_BUILD pre.sh');
  });

  it('leaves no file behind that makes others root', async () => {
    const world = newWorld(strict);
    scripted(world, 'tool', ['cp /bin/sh s', 'chmod 6755 s', 'ln -s /etc/passwd link', 'mkfifo pipe', 'exit 3']);
    expect((await sync(world)).code).toBe(1);
    const left = statSync(join(buildDirectory(world, 'tool'), 's'));
    expect([left.uid, (left.mode & 0o7777).toString(8)]).toEqual([0, '755']);
    expect(statSync('/etc/passwd').uid).toBe(0);
    expect((statSync(buildDirectory(world, 'tool')).mode & 0o7777).toString(8)).toBe('755');
    const foreign = spawnSync('find', [world.trees.dkmsTree, '-not', '-user', '0'], { encoding: 'utf8' }).stdout;
    expect(foreign).toBe('');
  });

  it.each([
    ['a link to a file of root', 'ln -sf /etc/shadow tool.ko'],
    ['a link to the object of another', 'ln -sf "$OTHER" tool.ko'],
    ['a FIFO', 'rm tool.ko; mkfifo tool.ko'],
    ['a directory', 'rm tool.ko; mkdir tool.ko'],
  ])('is refused where its object is %s', async (_what, deed) => {
    const world = newWorld(strict);
    generate(world, 'other');
    await sync(world);
    const other = join(world.trees.dkmsTree, 'other/1.0', release, 'x86_64/module/other.ko');
    const { directory } = generate(world, 'tool', {
      conf: 'MAKE="make -C $kernel_source_dir M=$dkms_tree/tool/1.0/build && ./swap.sh"\n',
    });
    put(join(directory, 'swap.sh'), `#!/bin/sh\n${deed.replace('$OTHER', other)}\n`, 0o755);
    const { code, said } = await sync(world);
    expect([code, said]).toEqual([1, expect.stringContaining('refused, not a regular file below the build directory')]);
    expect(world.installedObjects(release)).toEqual(['other']);
  });

  it('may link to another file of its own, and its object is no program', async () => {
    const world = newWorld(strict);
    const { directory } = generate(world, 'tool', {
      conf: 'MAKE="make -C $kernel_source_dir M=$dkms_tree/tool/1.0/build && ./swap.sh"\n',
    });
    put(join(directory, 'swap.sh'), '#!/bin/sh\nmkdir d\nmv tool.ko d/t\nchmod 6755 d/t\nln -s d/t tool.ko\n', 0o755);
    expect(await sync(world)).toMatchObject({ code: 0 });
    const object = join(world.trees.dkmsTree, 'tool/1.0', release, 'x86_64/module');
    for (const name of readdirSync(object)) expect(lstatSync(join(object, name)).mode & 0o7111).toBe(0);
  });

  it('ends with all that it has started', async () => {
    const world = newWorld(strict);
    const seconds = String(7000 + (process.pid % 900));
    scripted(world, 'tool', [`setsid sleep ${seconds} > /dev/null 2>&1 &`, 'sleep 0.2']);
    expect(await sync(world)).toMatchObject({ code: 0 });
    expect(processesNamed(seconds)).toEqual([]);
  });

  it.each(['SIGINT', 'SIGKILL'] as const)('ends with the run that gets %s, and the next one builds', async (signal) => {
    const world = newWorld(strict);
    const seconds = String(6000 + (process.pid % 900));
    const directory = scripted(world, 'tool', [`trap "" TERM INT; setsid sleep ${seconds} & sleep ${seconds}`]);
    const { child, ended } = world.kmodsortStart(['sync']);
    await until(() => processesNamed(seconds).length === 2);
    child.kill(signal);
    await ended;
    if (signal === 'SIGINT') expect(processesNamed(seconds)).toEqual([]);
    put(join(directory, 'pre.sh'), '#!/bin/sh\n', 0o755);
    const next = await sync(world);
    expect(next.code).toBe(0);
    expect(processesNamed(seconds)).toEqual([]);
    expect(world.installedObjects(release)).toEqual(['tool']);
    expect(disorder(world)).toEqual([]);
  });

  it('fills a /tmp of its own alone, and is told what was full', async () => {
    const world = newWorld(strict);
    scripted(world, 'tool', ['head -c 1100M /dev/zero > /tmp/much']);
    const { code, said } = await sync(world);
    expect([code, said]).toEqual([1, expect.stringContaining('No space left on device')]);
    expect(existsSync('/tmp/much')).toBe(false);
    expect(disorder(world)).toEqual([]);
  });

  it('is not confined where sandbox="no", or its name is among unconfined_modules', async () => {
    for (const settings of ['sandbox="no"\n', `${strict}unconfined_modules="nvidia tool"\n`]) {
      const world = newWorld(settings);
      scripted(world, 'tool', ['echo "user $(id -u)"']);
      expect(await sync(world)).toMatchObject({ code: 0 });
      expect(logOf(world, 'tool')).toContain('\nuser 0\n');
    }
  });
});

describe.skipIf(!canUnshare || kernels.length === 0)('a build that needs what confinement takes', () => {
  let server: Server;
  let port = 0;

  beforeAll(async () => {
    server = createServer((socket) => socket.end('downloaded\n'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    port = address instanceof Object ? address.port : 0;
  });
  afterAll(() => server.close());

  const download = (): string[] => [
    `bash -c 'exec 3<> /dev/tcp/127.0.0.1/${port} && cat <&3 > /dev/null'`,
    'echo "user $(id -u)"',
  ];

  it('is built once more without it, and the line says which setting saves the first try', async () => {
    const world = newWorld();
    scripted(world, 'tool', download());
    const { code, said } = await sync(world);
    expect([code, said]).toEqual([0, expect.stringContaining('unconfined_modules="tool" in framework.conf')]);
    expect(said).toMatch(/tool\/1\.0 does not build confined \(.*Network is unreachable\) and was built without: /);
    expect(said.match(/unconfined_modules/g)).toHaveLength(1);
    expect(logOf(world, 'tool')).toMatch(/Building again without confinement\n# command: .*Network is unreachable/);
    expect(logOf(world, 'tool')).toContain('\nuser 0\n');
    expect(world.installedObjects(release)).toEqual(['tool']);
    expect((await world.kmodsort(['plan'])).stdout).toContain('nothing to do');
    expect(disorder(world)).toEqual([]);
  });

  it('fails where sandbox="strict"', async () => {
    const world = newWorld(strict);
    scripted(world, 'tool', download());
    const { code, said } = await sync(world);
    expect([code, said]).toEqual([1, expect.stringContaining('Network is unreachable')]);
    expect(world.installedObjects(release)).toEqual([]);
  });

  it('fails as it would have, where it is not confinement that it fails of', async () => {
    const world = newWorld();
    scripted(world, 'tool', ['cat /etc/shadow > /dev/null 2>&1 || echo "Permission denied, so what"', 'exit 5']);
    const { code, said } = await sync(world);
    expect([code, said]).toEqual([1, expect.stringContaining('script failed with exit code 5')]);
    expect(said).not.toContain('unconfined_modules');
    const broken = newWorld();
    scripted(broken, 'tool', ['echo "user $(id -u)"', 'exit 5']);
    await sync(broken);
    expect(readFileSync(join(buildDirectory(broken, 'tool'), 'make.log'), 'utf8').match(/^user \d+$/gm)).toHaveLength(
      1,
    );
    expect(readFileSync(join(buildDirectory(broken, 'tool'), 'make.log'), 'utf8')).not.toContain('user 0');
  });

  it('may write into its source, as dkms lets it', async () => {
    const world = newWorld();
    const directory = scripted(world, 'tool', ['echo x > "$SOURCE/left"']);
    writeFileSync(
      join(directory, 'pre.sh'),
      readFileSync(join(directory, 'pre.sh'), 'utf8').replace('$SOURCE', directory),
      { mode: 0o755 },
    );
    const { code, said } = await sync(world);
    expect([code, said]).toEqual([0, expect.stringMatching(/does not build confined \(.*left: Permission denied\)/)]);
    expect(existsSync(join(directory, 'left'))).toBe(true);
    expect((await world.kmodsort(['plan'])).stdout).toContain('nothing to do');
  });
});

/** Run the program as in a container: root, and no namespaces. */
const inContainer = (world: World, words: readonly string[]): { code: number | null; said: string } => {
  const argv = ['--bounding-set=-sys_admin', ...commandLine(world, words)];
  const { status, stdout, stderr } = spawnSync('setpriv', argv, {
    cwd: '/',
    env: environmentOf(world),
    encoding: 'utf8',
  });
  return { code: status, said: stdout + stderr };
};

describe.skipIf(!canUnshare || kernels.length === 0)('where namespaces are refused', () => {
  it('modules are built as they always were, and it is told once', () => {
    const world = newWorld();
    for (const name of ['one', 'two']) generate(world, name);
    const { code, said } = inContainer(world, ['sync']);
    expect([code, said]).toEqual([0, expect.stringContaining('builds are not confined on this machine: unshare: ')]);
    expect(said.match(/not confined/g)).toHaveLength(1);
    expect(world.installedObjects(release)).toEqual(['one', 'two']);
    expect(inContainer(world, ['sync']).said).not.toContain('not confined');
  });

  it('nothing is built where it must be confined', () => {
    const world = newWorld(strict);
    generate(world, 'one');
    const { code, said } = inContainer(world, ['sync']);
    expect([code, said]).toEqual([
      1,
      expect.stringMatching(/builds cannot be confined here\n +unshare: .*Operation not permitted/),
    ]);
    expect(said).toContain('sandbox="auto" in framework.conf');
    expect(world.installedObjects(release)).toEqual([]);
  });
});
