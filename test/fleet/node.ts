import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Ended, endOf, killGroup, type LiveRun, type RunOptions } from '../child.ts';
import { repository } from '../kernels.ts';

/**
 * A machine of a fleet: a name, an address and a root of its own, all else is this machine's. What it writes lies in a
 * directory of ours, but for /run and /tmp, which are its own, too, and gone with it.
 */

/** Where a machine has its modules, and what they are made of: none of this machine's. */
const emptied = ['/usr/lib/modules', '/usr/src', '/var/lib/dkms', '/var/lib/kmodsort', '/etc/dkms', '/etc/kmodsort'];

/** A character device 0/0 is a hole in an overlay; a directory in its place shows nothing of what was below. */
const boot = `
set -eu
name=$1 base=$2 layers=$3 hosts=$4 repository=$5
shift 5
hostname "$name"
if [ -d "$base/upper" ]; then
  # Switched on again, with what it had written.
  rm -rf "$base/work"
  set --
fi
mkdir -p "$base/upper" "$base/work" "$base/merged"
for place; do
  mkdir -p "$base/upper\${place%/*}"
  mknod "$base/upper$place" c 0 0
done
mount -t overlay -o "lowerdir=$layers,upperdir=$base/upper,workdir=$base/work" overlay "$base/merged"
cd "$base/merged"
for place; do mkdir ".$place"; done
echo "$name" > etc/hostname
[ -e etc/hosts ] || : > etc/hosts
mount --bind "$hosts" etc/hosts
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
# slurmd does not start without: a hierarchy that controls nothing, where the kernel still has such.
mount -t tmpfs cgroup sys/fs/cgroup
mkdir sys/fs/cgroup/systemd
mount -t cgroup -o none,name=fleet cgroup sys/fs/cgroup/systemd 2> /dev/null || :
mount --rbind /dev dev
mount -t tmpfs -o mode=755 run run
mount -t tmpfs -o mode=1777 tmp tmp
mkdir -p ".$repository" .outside
mount --bind "$repository" ".$repository"
mount -o remount,bind,ro ".$repository"
pivot_root . .outside
cd /
umount -l /.outside
rmdir /.outside
echo ready
exec cat
`;

export interface NodeOptions {
  /** What other nodes have written lies over this machine's root, the first on top; they are stopped by then. */
  readonly layers?: readonly string[];
}

const program = join(repository, 'dist/kmodsort.mjs');

const namespaceOf = (pid: string | number): string => {
  try {
    return readlinkSync(`/proc/${pid}/ns/mnt`);
  } catch {
    return '';
  }
};

const firstLine = (child: ChildProcess): Promise<string> =>
  new Promise((resolve, reject) => {
    let said = '';
    const hear = (piece: Buffer): void => {
      said += piece.toString();
      if (said.endsWith('\n')) resolve(said.trim());
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    child.on('error', reject);
    child.on('exit', () => reject(new Error(`the node did not start: ${said.trim()}`)));
  });

/** What makes a node this one. */
export interface Identity {
  readonly name: string;
  readonly address: string;
  /** A directory of ours, for what it writes. */
  readonly base: string;
}

/**
 * Start the first process of a node: it lives as long as nobody closes its stdin, which our own end does.
 *
 * @param hosts file of all names
 */
export const startNode = async (
  identity: Identity,
  hosts: string,
  { layers = [] }: NodeOptions,
): Promise<FleetNode> => {
  const { name, base } = identity;
  const lower = [...layers, '/'].join(':');
  const argv = ['--net', '--uts', '--mount', '--propagation', 'private', 'sh', '-c', boot, 'sh', name, base, lower];
  const places = layers.length === 0 ? emptied : [];
  const keeper = spawn('unshare', [...argv, hosts, repository, ...places], { stdio: 'pipe' });
  const said = await firstLine(keeper);
  if (said !== 'ready' || keeper.pid === undefined) {
    keeper.kill('SIGKILL');
    throw new Error(`the node ${name} did not start: ${said}`);
  }
  return new FleetNode(identity, keeper, keeper.pid);
};

export class FleetNode {
  readonly identity: Identity;
  /** The first process, by our number; its namespaces are the node's. */
  readonly pid: number;
  readonly #keeper: ChildProcess;
  readonly #namespace: string;

  constructor(identity: Identity, keeper: ChildProcess, pid: number) {
    this.identity = identity;
    this.pid = pid;
    this.#keeper = keeper;
    this.#namespace = namespaceOf(pid);
  }

  get name(): string {
    return this.identity.name;
  }

  get address(): string {
    return this.identity.address;
  }

  /** What it has written to its root, as a layer for others. */
  get written(): string {
    return join(this.identity.base, 'upper');
  }

  /** Where a file of the node is for us, as long as it runs. */
  path(inside: string): string {
    return join('/proc', String(this.pid), 'root', inside);
  }

  /** Run a command on the node to its end. */
  run(argv: readonly string[], options: RunOptions = {}): Promise<Ended> {
    return this.start(argv, options).ended;
  }

  /** A line of shell on the node. */
  sh(line: string, options: RunOptions = {}): Promise<Ended> {
    return this.run(['sh', '-c', line], options);
  }

  /** Run the program, on the places that every machine has. */
  kmodsort(words: readonly string[], options: RunOptions = {}): Promise<Ended> {
    return this.kmodsortStart(words, options).ended;
  }

  /** Start the program and leave it running; the child is the program itself. */
  kmodsortStart(words: readonly string[], options: RunOptions = {}): LiveRun {
    return this.start([process.execPath, program, ...words], options);
  }

  /** Start a command and leave it running: a daemon that stays in the foreground, say. */
  start(argv: readonly string[], options: RunOptions = {}): LiveRun {
    const enter = ['--target', String(this.pid), '--net', '--uts', '--mount', '--'];
    const child = spawn('nsenter', [...enter, ...argv], {
      detached: true,
      stdio: 'pipe',
      env: {
        PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        HOME: '/root',
        LC_ALL: 'C.UTF-8',
        ...options.env,
      },
    });
    return { child, ended: endOf(child, { timeout: 300_000, ...options }) };
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

  /** Its processes, by our numbers, also those that nobody waits for; the first is not among them. */
  processes(): number[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && Number(name) !== this.pid)
      .filter((name) => namespaceOf(name) === this.#namespace)
      .map(Number);
  }

  /** Switch it off: everything in it is killed at once. What it has written stays. */
  async stop(): Promise<void> {
    for (const pid of this.processes()) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    }
    if (this.#keeper.exitCode !== null || this.#keeper.signalCode !== null) return;
    const gone = new Promise((resolve) => this.#keeper.once('exit', resolve));
    killGroup(this.#keeper);
    this.#keeper.kill('SIGKILL');
    await gone;
  }
}
