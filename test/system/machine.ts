import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { type Ended, endOf, killGroup, type LiveRun, type RunOptions } from '../child.ts';
import { repository, type TestKernel } from '../kernels.ts';
import { run } from '../packages.ts';

/**
 * A machine to try package managers on: an overlay over a prepared root, in memory and in namespaces of its own,
 * gone with the test. Real kernel headers are there where the tests have them cached.
 */

/** What the first process of a machine does: mounts, then waits until its stdin is closed. */
const boot = `
set -e
root=$1 base=$2 shared=$3
mount -t tmpfs -o size=4g kmodsort "$base"
mkdir "$base/upper" "$base/work" "$base/merged" "$base/upper2" "$base/work2"
mount -t overlay -o "lowerdir=$root,upperdir=$base/upper,workdir=$base/work" overlay "$base/merged"
cd "$base/merged"
mount -t proc proc proc
mount --rbind /dev dev
mount -t tmpfs run run
mkdir -p ".$shared" var/lib/kmodsort-test
mount -t overlay -o "lowerdir=$shared,upperdir=$base/upper2,workdir=$base/work2" overlay ".$shared"
echo ready
exec cat
`;

/**
 * The same on a disk of its own: `/` is a file system on a block device, as boot loaders want it. What is below /usr
 * stays an overlay.
 */
const bootFromDisk = boot.replace(
  /^mount -t overlay .* "\$base\/merged"$/m,
  `
# Beside what is mounted here: a disk that is a file of its own machine would never be let go.
truncate -s 2G "$base.disk"
mkfs.ext4 -q "$base.disk"
loop=$(losetup --find --show "$base.disk")
rm "$base.disk"
mkdir "$base/dev" "$base/dev/pts" "$base/dev/shm"
cp -a /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty /dev/ptmx /dev/fd "$base/dev"
mount --bind /dev/pts "$base/dev/pts"
# GRUB makes no menu for a loop device: it has the name of a disk.
mknod "$base/dev/sda" b 7 "$(echo "$loop" | tr -dc 0-9)"
mknod "$base/loop" b 7 "$(echo "$loop" | tr -dc 0-9)"
mount --rbind "$base/dev" /dev
mount /dev/sda "$base/merged"
losetup --detach "$base/loop"
mkdir "$base/merged/usr"
find "$root" -mindepth 1 -maxdepth 1 ! -name usr -exec cp -a {} "$base/merged" ";"
mount -t overlay -o "lowerdir=$root/usr,upperdir=$base/upper,workdir=$base/work" overlay "$base/merged/usr"
`,
);

const childOf = (pid: number): number => Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim());

const firstLine = (child: ChildProcess): Promise<string> =>
  new Promise((resolve, reject) => {
    let said = '';
    const hear = (piece: Buffer): void => {
      said += piece.toString();
      if (said.includes('\n')) resolve(said.trim());
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    child.on('error', reject);
    child.on('exit', () => reject(new Error(`the machine did not start: ${said.trim()}`)));
  });

const namespaceOf = (pid: number): string => {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return '';
  }
};

const wordsOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
};

/**
 * Start a machine on a root.
 *
 * @param onDisk `/` is on a block device
 */
export const startMachine = async (root: string, { onDisk = false } = {}): Promise<Machine> => {
  const base = mkdtempSync(join(tmpdir(), 'kmodsort-machine-'));
  const namespaces = ['--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child', '--ipc'];
  const shared = join(repository, '.cache', 'kernels');
  const keeper = spawn('unshare', [...namespaces, 'sh', '-c', onDisk ? bootFromDisk : boot, 'sh', root, base, shared], {
    stdio: 'pipe',
  });
  try {
    const said = await firstLine(keeper);
    if (said !== 'ready' || keeper.pid === undefined) throw new Error(`the machine did not start: ${said}`);
    return new Machine(keeper, childOf(keeper.pid), base);
  } catch (error) {
    keeper.kill('SIGKILL');
    rmSync(base, { recursive: true, force: true });
    throw error;
  }
};

export class Machine {
  readonly #keeper: ChildProcess;
  readonly #first: number;
  readonly #base: string;
  readonly #live = new Set<ChildProcess>();

  constructor(keeper: ChildProcess, first: number, base: string) {
    this.#keeper = keeper;
    this.#first = first;
    this.#base = base;
  }

  /** Where a file of the machine is for us. */
  path(inside: string): string {
    return join('/proc', String(this.#first), 'root', this.#base, 'merged', inside);
  }

  /** Run a command in the machine to its end. */
  run(argv: readonly string[], options: RunOptions = {}): Promise<Ended> {
    return this.start(argv, options).ended;
  }

  /** A line of shell in the machine. */
  sh(line: string, options: RunOptions = {}): Promise<Ended> {
    return this.run(['sh', '-c', line], options);
  }

  /** Start a command and leave it running. */
  start(argv: readonly string[], options: RunOptions = {}): LiveRun {
    const enter = ['--target', String(this.#first), '--mount', '--pid', '--ipc', '--wd=/'];
    const child = spawn('nsenter', [...enter, 'chroot', join(this.#base, 'merged'), ...argv], {
      detached: true,
      stdio: 'pipe',
      env: {
        PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        HOME: '/root',
        LC_ALL: 'C.UTF-8',
        DEBIAN_FRONTEND: 'noninteractive',
        ...options.env,
      },
    });
    this.#live.add(child);
    const ended = endOf(child, { timeout: 300_000, ...options }).finally(() => this.#live.delete(child));
    return { child, ended };
  }

  /** Processes of the machine whose command line has a word in it, by our numbers. */
  processes(word: string): number[] {
    const namespace = namespaceOf(this.#first);
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && namespaceOf(Number(name)) === namespace)
      .map(Number)
      .filter((pid) => wordsOf(pid).includes(word));
  }

  /** Mount a new file system on an image, which is not a file of the machine: its end would wait for itself. */
  mountImage(inside: string, size: string): void {
    const file = `${this.#base}.image`;
    run('truncate', ['-s', size, file]);
    run('mkfs.ext4', ['-q', file]);
    mkdirSync(this.path(inside), { recursive: true });
    const where = join(this.#base, 'merged', inside);
    run('nsenter', ['--target', String(this.#first), '--mount', 'mount', '-o', 'loop', file, where]);
    rmSync(file);
  }

  exists(inside: string): boolean {
    return existsSync(this.path(inside));
  }

  read(inside: string): string {
    return existsSync(this.path(inside)) ? readFileSync(this.path(inside), 'utf8') : '';
  }

  write(inside: string, text: string, mode = 0o644): void {
    mkdirSync(dirname(this.path(inside)), { recursive: true });
    writeFileSync(this.path(inside), text);
    chmodSync(this.path(inside), mode);
  }

  /** Copy a file or directory of ours to the same name in a directory of the machine. */
  bring(path: string, directory: string): string {
    mkdirSync(this.path(directory), { recursive: true });
    run('cp', ['-a', path, this.path(directory)]);
    return join(directory, basename(path));
  }

  /** What hooks wrote down, a line each, in the order in which it happened. */
  events(): string[] {
    return this.read('/var/log/events').split('\n').filter(Boolean);
  }

  /** Object names of the out-of-tree modules of a kernel. */
  objects(release: string): string[] {
    if (!this.exists(`/lib/modules/${release}`)) return [];
    const found = run('find', [
      this.path(`/lib/modules/${release}/`),
      '-path',
      '*/kernel/*',
      '-prune',
      '-o',
      '-name',
      '*.ko*',
      '-print',
    ]);
    return found
      .split('\n')
      .filter(Boolean)
      .map((path) => basename(path).replace(/\.ko.*$/, ''))
      .sort();
  }

  /** The `build` link of a kernel, as its headers package brings it. */
  linkHeaders(kernel: TestKernel): void {
    mkdirSync(this.path(`/usr/lib/modules/${kernel.release}`), { recursive: true });
    symlinkSync(kernel.headers, this.path(`/usr/lib/modules/${kernel.release}/build`));
  }

  /** End everything in it; nothing of it stays. */
  stop(): void {
    for (const child of this.#live) killGroup(child);
    this.#keeper.kill('SIGKILL');
    rmSync(this.#base, { recursive: true, force: true, maxRetries: 5 });
  }
}
