import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';
import type { Ended, RunOptions } from '../child.ts';
import { repository, type TestKernel } from '../kernels.ts';
import { isRoot, missingPackages, run } from '../packages.ts';
import { type Machine, startMachine } from '../system/machine.ts';
import { type AddedSource, type SourceOptions, World } from '../world.ts';
import { dkmsScript } from './dkms-reader.ts';

/**
 * A root in which Debian's own dkms and ours work on the same trees, at the places that dkms has wired in. It is an
 * overlay over this machine's root in a mount namespace: nothing outside it is changed.
 */

const provision = inject('provision');

const canOverlay = (): boolean => {
  const place = 'mount -t tmpfs none /mnt && mkdir /mnt/upper /mnt/work /mnt/merged';
  const overlay = 'mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work none /mnt/merged';
  return spawnSync('unshare', ['--mount', 'sh', '-c', `${place} && ${overlay}`]).status === 0;
};

const whatIsMissing = (): string | undefined => {
  if (provision.kind === 'missing') return provision.why;
  if (!isRoot()) return 'dkms has paths of its own, so it runs in a root of its own, and that needs root';
  if (!canOverlay()) return 'no overlay of the root can be mounted in a namespace';
  try {
    dkmsScript();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return missingPackages(['binutils', 'kmod', 'openssl']);
};

/** Why dkms cannot be run beside ours here; undefined if it can. */
export const missing = whatIsMissing();
if (missing) process.stderr.write(`tests beside dkms are skipped: ${missing}\n`);

const kernelAt = (index: number): TestKernel =>
  (provision.kind === 'ready' && provision.kernels[index]) || { release: '', headers: '', inTree: '' };

/** Two kernels: the older line, friendlier to old sources, and a newer one. */
export const older = kernelAt(0);
export const newer = kernelAt(1);

/** Whose program works on the trees. */
export type Whose = 'dkms' | 'kmodsort';
export const both: readonly Whose[] = ['dkms', 'kmodsort'];
export const other = (whose: Whose): Whose => (whose === 'dkms' ? 'kmodsort' : 'dkms');

const dkmsTree = '/var/lib/dkms';
/** Debian's dkms is out of the way of ours, which has its name. */
const programs: Readonly<Record<Whose, string>> = { dkms: '/opt/debian/dkms', kmodsort: '/usr/sbin/dkms' };

const roots: DkmsRoot[] = [];

/** For afterEach. */
export const stopRoots = (): void => {
  for (const root of roots.splice(0)) root.machine.stop();
};

export interface RootOptions {
  readonly kernels?: readonly TestKernel[];
  /** ID in os-release; debian if not given. */
  readonly distribution?: string;
}

/** What this machine itself may have in the places of a root. */
const places = ['/usr/src', '/usr/lib/modules', dkmsTree, '/var/lib/kmodsort', '/etc/dkms', '/etc/os-release'];

/** Start a root with both programs, kernels with headers, and nothing else in the trees. */
export const startRoot = async (options: RootOptions = {}): Promise<DkmsRoot> => {
  const machine = await startMachine('/');
  const top = machine.path('/');
  for (const place of places) rmSync(join(top, place), { recursive: true, force: true });
  for (const tree of [dkmsTree, '/usr/src', '/usr/lib/modules']) mkdirSync(join(top, tree), { recursive: true });
  cpSync(dkmsScript(), machine.path(programs.dkms));
  const install = ['packaging/install.sh', '--destdir', top, '--layout', 'debian', '--node', process.execPath];
  run('sh', install, { cwd: repository });
  const kernels = options.kernels ?? [older];
  const world = new World(top, kernels, options.distribution ?? 'debian');
  for (const { release } of kernels) world.addKernel(release);
  // Neither signs: two builds of one source are then the same.
  world.configure('sign_file="/nowhere"\ntry_sign_modules="false"\n');
  const root = new DkmsRoot(machine, world);
  roots.push(root);
  return root;
};

const isObject = (path: string): boolean => /\.ko(\.\w+)?$/.test(path);

export class DkmsRoot {
  readonly machine: Machine;
  /** The trees of the root as a world: for its kernels, sources and files, not for its programs. */
  readonly world: World;

  constructor(machine: Machine, world: World) {
    this.machine = machine;
    this.world = world;
  }

  addSource(fixture: string, options: SourceOptions = {}): AddedSource {
    return this.world.addSource(fixture, options);
  }

  /** Run one of the two as `dkms`. */
  run(whose: Whose, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
    return this.machine.run([programs[whose], ...args], options);
  }

  /** As run, and it must end well; all that it said. */
  async done(whose: Whose, args: readonly string[], options: RunOptions = {}): Promise<string> {
    const ended = await this.run(whose, args, options);
    const said = ended.stdout + ended.stderr;
    if (ended.code !== 0) throw new Error(`${whose}: ${args.join(' ')} ended with ${ended.code}:\n${said}`);
    return said;
  }

  kmodsort(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
    return this.machine.run(['/usr/bin/kmodsort', ...args], options);
  }

  /** The lines of `dkms status`. */
  async status(whose: Whose, args: readonly string[] = []): Promise<string[]> {
    const said = await this.run(whose, ['status', ...args]);
    if (said.code !== 0) throw new Error(`${whose}: status ended with ${said.code}: ${said.stderr}`);
    return said.stdout.split('\n').filter(Boolean);
  }

  /** Every file and link of the dkms tree, links with where they lead. */
  tree(): string[] {
    const top = this.machine.path(dkmsTree);
    return this.world.files(top).map((path) => {
      const isLink = lstatSync(join(top, path)).isSymbolicLink();
      return isLink ? `${path} -> ${readlinkSync(join(top, path))}` : path;
    });
  }

  /** Paths of every module file of a kernel, below its directory. */
  objects(release: string): string[] {
    return this.world.files(this.machine.path(`/usr/lib/modules/${release}`)).filter(isObject);
  }

  bytes(inside: string): string {
    return readFileSync(this.machine.path(inside), 'base64');
  }

  exists(inside: string): boolean {
    return existsSync(this.machine.path(inside));
  }

  /** What tells each built and installed file from another one of the same content. */
  identities(release: string): string[] {
    return [dkmsTree, `/usr/lib/modules/${release}`].flatMap((place) =>
      this.world
        .files(this.machine.path(place))
        .filter(isObject)
        .map((path) => {
          const facts = lstatSync(this.machine.path(join(place, path)));
          return `${join(place, path)} ${facts.ino} ${facts.mtimeMs}`;
        }),
    );
  }

  /** One field of a module file. */
  async modinfo(release: string, path: string, field: string): Promise<string> {
    const file = `/usr/lib/modules/${release}/${path}`;
    return (await this.machine.run(['modinfo', '-F', field, file])).stdout.trim();
  }

  /** What a directory holds; nothing where there is none. */
  names(inside: string): string[] {
    return this.exists(inside) ? readdirSync(this.machine.path(inside)).sort() : [];
  }
}
