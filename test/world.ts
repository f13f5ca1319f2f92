import { type ChildProcess, spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { type Ended, endOf, killGroup, type LiveRun, type RunOptions } from './child.ts';
import { repository, type TestKernel } from './kernels.ts';
import { run } from './packages.ts';

/**
 * A temporary world: trees as on a real machine below one root, and the built program run on them
 * as a real child. Nothing outside the root is ever written.
 */

export interface AddedSource {
  readonly name: string;
  readonly version: string;
  readonly directory: string;
}

export interface SourceOptions {
  readonly version?: string;
  /** Changes the copy before anything sees it. */
  readonly edit?: (directory: string) => void;
}

export interface KernelOptions {
  readonly headers?: boolean;
  readonly bootable?: boolean;
}

export interface WorldOptions {
  /** Those that exist: their headers can be added. */
  readonly kernels?: readonly TestKernel[];
  /** The install tree starts empty: addKernel lets them arrive. */
  readonly withoutKernels?: boolean;
  /** ID in os-release; debian if not given. */
  readonly distribution?: string;
}

export interface Trees {
  readonly dkmsTree: string;
  readonly sourceTree: string;
  readonly installTree: string;
  readonly confDir: string;
  readonly stateDir: string;
  readonly osRelease: string;
}

/** Each tree's switch on the command line, with its path. */
const placed = (trees: Trees): ReadonlyMap<string, string> =>
  new Map([
    ['--dkmstree', trees.dkmsTree],
    ['--sourcetree', trees.sourceTree],
    ['--installtree', trees.installTree],
    ['--confdir', trees.confDir],
    ['--statedir', trees.stateDir],
    ['--os-release', trees.osRelease],
  ]);

const program = join(repository, 'dist', 'kmodsort.mjs');
const fixtures = join(repository, 'test', 'fixtures');

/** A world with the given kernels, all with headers and bootable unless they are to arrive later. */
export const makeWorld = (options: WorldOptions = {}): World => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'kmodsort-world-')));
  const world = new World(root, options.kernels ?? [], options.distribution ?? 'debian');
  if (!options.withoutKernels) for (const kernel of options.kernels ?? []) world.addKernel(kernel.release);
  return world;
};

export class World {
  readonly root: string;
  readonly trees: Trees;
  readonly #known: ReadonlyMap<string, TestKernel>;
  readonly #live = new Set<ChildProcess>();

  constructor(root: string, kernels: readonly TestKernel[], distribution: string) {
    this.root = root;
    this.trees = treesBelow(root);
    for (const tree of Object.values(this.trees)) mkdirSync(dirname(tree), { recursive: true });
    for (const tree of [this.trees.sourceTree, this.trees.installTree, this.trees.confDir, join(root, 'tmp')]) {
      mkdirSync(tree, { recursive: true });
    }
    writeFileSync(this.trees.osRelease, `ID=${distribution}\n`);
    this.#known = new Map(kernels.map((kernel) => [kernel.release, kernel]));
  }

  /** Put a kernel into the install tree, as its packages would; headers only for releases the world was made with. */
  addKernel(release: string, options: KernelOptions = {}): string {
    const directory = join(this.trees.installTree, release);
    const kernel = this.#known.get(release);
    mkdirSync(join(directory, 'kernel', 'drivers', 'misc'), { recursive: true });
    if (options.headers ?? true) this.addHeaders(release);
    if (options.bootable ?? true) writeFileSync(join(directory, 'vmlinuz'), `kernel ${release}\n`);
    if (kernel) cpSync(kernel.inTree, join(directory, 'kernel', 'drivers', 'misc', basename(kernel.inTree)));
    writeFileSync(join(directory, 'modules.order'), kernel ? 'kernel/drivers/misc/intree_demo.ko\n' : '');
    writeFileSync(join(directory, 'modules.builtin'), '');
    writeFileSync(join(directory, 'modules.builtin.modinfo'), '');
    run('depmod', ['-b', this.root, release]);
    return directory;
  }

  /** The `build` link of a kernel that came without it. */
  addHeaders(release: string): void {
    const kernel = this.#known.get(release);
    if (!kernel) throw new Error(`there are no headers for ${release} in this world`);
    symlinkSync(kernel.headers, join(this.trees.installTree, release, 'build'));
  }

  /** Copy a fixture into the source tree; its name is the fixture's. */
  addSource(fixture: string, options: SourceOptions = {}): AddedSource {
    const confText = readFileSync(join(fixtures, fixture, 'dkms.conf'), 'utf8');
    const written = /^PACKAGE_VERSION="([^"]+)"$/m.exec(confText)?.[1];
    const version = options.version ?? written;
    if (!written || !version) throw new Error(`${fixture}/dkms.conf has no PACKAGE_VERSION line`);
    const directory = join(this.trees.sourceTree, `${fixture}-${version}`);
    cpSync(join(fixtures, fixture), directory, { recursive: true });
    const conf = confText.replace(`PACKAGE_VERSION="${written}"`, `PACKAGE_VERSION="${version}"`);
    writeFileSync(join(directory, 'dkms.conf'), conf);
    options.edit?.(directory);
    return { name: fixture, version, directory };
  }

  /** Make a module known, as `add` does: the `source` link in the dkms tree. */
  register(name: string, version: string): void {
    const directory = join(this.trees.dkmsTree, name, version);
    mkdirSync(directory, { recursive: true });
    symlinkSync(join(this.trees.sourceTree, `${name}-${version}`), join(directory, 'source'));
  }

  /** addSource and register in one. */
  addModule(fixture: string, options: SourceOptions = {}): AddedSource {
    const source = this.addSource(fixture, options);
    this.register(source.name, source.version);
    return source;
  }

  /** Builds tell the test what they do, by files that are not theirs to write. */
  letBuildsTell(): this {
    this.configure('sandbox="no"\n');
    return this;
  }

  /** Write framework.conf. */
  configure(text: string): void {
    writeFileSync(join(this.trees.confDir, 'framework.conf'), text);
  }

  /** Run the program to its end. */
  async kmodsort(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
    return this.kmodsortStart(args, options).ended;
  }

  /** Run the drop-in to its end: the same program under the name of dkms. */
  async dkms(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
    const link = join(this.root, 'bin', 'dkms');
    mkdirSync(dirname(link), { recursive: true });
    if (!existsSync(link)) symlinkSync(program, link);
    return this.#start(link, args, options).ended;
  }

  /** Run a package manager's hook: `hook(['pacman', 'install'], ['usr/src/x-1/dkms.conf'])`. */
  async hook(args: readonly string[], paths: readonly string[] = [], options: RunOptions = {}): Promise<Ended> {
    const stdin = paths.map((path) => `${path}\n`).join('');
    return this.kmodsort(['hook', 'run', ...args], { stdin, ...options });
  }

  /** Run another build of the program (its main file) to its end. */
  otherBuild(file: string, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
    return this.#start(file, args, options).ended;
  }

  /** Start the program and leave it running: for tests that kill it. */
  kmodsortStart(args: readonly string[], options: RunOptions = {}): LiveRun {
    return this.#start(program, args, options);
  }

  #start(file: string, args: readonly string[], options: RunOptions): LiveRun {
    this.#refuseOutside(args);
    if (!existsSync(program)) throw new Error(`${program} is not built: npm run build`);
    const child = spawn(process.execPath, [file, ...args, ...[...placed(this.trees)].flat()], {
      cwd: this.root,
      detached: true,
      env: this.#environment(options.env),
      stdio: 'pipe',
    });
    this.#live.add(child);
    const ended = endOf(child, options).finally(() => this.#live.delete(child));
    return { child, ended };
  }

  /** What a run with `--json` printed. */
  async json(args: readonly string[]): Promise<unknown> {
    const { stdout, stderr } = await this.kmodsort([...args, '--json']);
    try {
      return JSON.parse(stdout);
    } catch {
      throw new Error(`${args.join(' ')} --json printed no JSON:\n${stdout}${stderr}`);
    }
  }

  /** Every file and link below a directory of this world, relative to it, sorted. */
  files(directory: string = this.root): string[] {
    if (!existsSync(directory)) return [];
    return readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
      .sort();
  }

  /** Names of the out-of-tree objects in a kernel's directory: `zeta_core.ko.xz` without its ending. */
  installedObjects(release: string): string[] {
    return this.files(join(this.trees.installTree, release))
      .filter((path) => /\.ko(\.\w+)?$/.test(path) && !path.startsWith('kernel/'))
      .map((path) => basename(path).replace(/\.ko.*$/, ''))
      .sort();
  }

  /** End what still runs and remove everything. */
  dispose(): void {
    for (const child of this.#live) killGroup(child);
    rmSync(this.root, { recursive: true, force: true, maxRetries: 5 });
  }

  #environment(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
    const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
    return { PATH: path, HOME: this.root, TMPDIR: join(this.root, 'tmp'), LANG: 'C.UTF-8', ...extra };
  }

  /** The last guard before the real machine: no run with a tree outside the root. */
  #refuseOutside(args: readonly string[]): void {
    const trees = placed(this.trees);
    for (const [name, path] of trees) {
      if (!isInside(this.root, path)) throw new Error(`${name} ${path} is outside the world ${this.root}`);
    }
    const given = args.find((arg) => trees.has(arg.replace(/=.*/s, '')));
    if (given) throw new Error(`${given}: a world gives its own trees`);
  }
}

const treesBelow = (root: string): Trees => ({
  dkmsTree: join(root, 'var/lib/dkms'),
  sourceTree: join(root, 'usr/src'),
  installTree: join(root, 'lib/modules'),
  confDir: join(root, 'etc/dkms'),
  stateDir: join(root, 'var/lib/kmodsort'),
  osRelease: join(root, 'etc/os-release'),
});

/** Whether a path, with the links in whatever of it exists resolved, is below the root or the root itself. */
const isInside = (root: string, path: string): boolean => {
  if (existsSync(path)) return `${realpathSync(path)}/`.startsWith(`${root}/`);
  const leadsNowhere = lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  return !leadsNowhere && isInside(root, dirname(path));
};
