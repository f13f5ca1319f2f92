import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Ended } from '../child.ts';
import type { TestKernel } from '../kernels.ts';
import { run } from '../packages.ts';
import { machineOf, provision } from './apt-machine.ts';
import { type Contents, fill, moduleSource, modulesOfK, type SourceOptions } from './contents.ts';
import type { Machine } from './machine.ts';
import type { Release } from './roots.ts';

/** Machines with pacman and a repository of their own, and packages as Arch makes them. */

export interface PacmanPackage extends Contents {
  readonly name: string;
  /** With its release: `1.0-1`. */
  readonly version: string;
  readonly depends?: readonly string[];
  readonly provides?: readonly string[];
  readonly conflicts?: readonly string[];
  /** Configuration files, which upgrades and removals keep where they were edited. */
  readonly backup?: readonly string[];
  /** Headers at this place, a directory of its own whose content is linked. */
  readonly headers?: { readonly at: string; readonly from: string; readonly symvers?: string };
}

/** pacman tells a hook of directories that a package has, so `build/include/` must be one. */
const linkHeaders = (root: string, { at, from, symvers }: NonNullable<PacmanPackage['headers']>): void => {
  for (const directory of [at, `${at}/include`]) mkdirSync(join(root, directory), { recursive: true });
  for (const name of readdirSync(from).filter((one) => one !== 'include'))
    symlinkSync(join(from, name), join(root, at, name));
  for (const name of readdirSync(join(from, 'include'))) {
    symlinkSync(join(from, 'include', name), join(root, at, 'include', name));
  }
  if (symvers === undefined) return;
  rmSync(join(root, at, 'Module.symvers'));
  writeFileSync(join(root, at, 'Module.symvers'), symvers);
};

const information = (made: PacmanPackage): string =>
  [
    `pkgname = ${made.name}`,
    `pkgver = ${made.version}`,
    'pkgdesc = for a test',
    'url = none',
    'builddate = 1700000000',
    'packager = nobody',
    'size = 1',
    'arch = any',
    ...(made.depends ?? []).map((name) => `depend = ${name}`),
    ...(made.provides ?? []).map((name) => `provides = ${name}`),
    ...(made.conflicts ?? []).map((name) => `conflict = ${name}`),
    ...(made.backup ?? []).map((path) => `backup = ${path}`),
    '',
  ].join('\n');

const makePackage = (work: string, made: PacmanPackage): string => {
  const root = join(work, `${made.name}-${made.version}`);
  fill(root, made);
  if (made.headers) linkHeaders(root, made.headers);
  writeFileSync(join(root, '.PKGINFO'), information(made));
  const file = join(work, `${made.name}-${made.version}-any.pkg.tar.zst`);
  run('bsdtar', ['--zstd', '-cf', file, '.PKGINFO', ...readdirSync(root).filter((name) => name !== '.PKGINFO')], {
    cwd: root,
  });
  return file;
};

const addToRepository = async (machine: Machine, files: readonly string[]): Promise<void> => {
  const names = files.map((file) => basename(machine.bring(file, '/repo')));
  const added = await machine.sh(`cd /repo && repo-add -q test.db.tar.gz ${names.join(' ')}`);
  if (added.code !== 0) throw new Error(added.stderr);
};

/** Put packages into a machine's repository. */
export const publishPackages = async (machine: Machine, ...packages: readonly PacmanPackage[]): Promise<void> => {
  const work = mkdtempSync(join(tmpdir(), 'kmodsort-pkgs-'));
  try {
    await addToRepository(
      machine,
      packages.map((made) => makePackage(work, made)),
    );
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
};

/** Everything that our package depends on and the machine has from elsewhere. */
const base: PacmanPackage = {
  name: 'base',
  version: '1-1',
  provides: ['bash', 'binutils', 'gcc', 'kmod', 'make', 'patch', 'util-linux', 'gzip', 'xz', 'zstd', 'nodejs=20.19.2'],
};

const configuration = `[options]
HookDir = /usr/share/libalpm/hooks
CacheDir = /var/cache/pacman/pkg
Architecture = auto
SigLevel = Never
[test]
Server = file:///repo
`;

/** What mkinitcpio and its hook do, written down instead of done. */
const watchMkinitcpio = (machine: Machine): void => {
  machine.write(
    '/usr/bin/mkinitcpio',
    `#!/bin/sh\n[ "$1" = -p ] || exit 2\nfor base in /usr/lib/modules/*/pkgbase; do\n[ "$(cat $base)" = "$2" ] || continue\nK=$(basename $(dirname $base))\necho "mkinitcpio $2: ${modulesOfK}" >> /var/log/events\ndone\n`,
    0o755,
  );
  machine.write(
    '/usr/share/libalpm/scripts/mkinitcpio',
    `#!/bin/sh\nwhile read -r path; do mkinitcpio -p "$(cat "/\${path%/*}/pkgbase")"; done\n`,
    0o755,
  );
  machine.write(
    '/usr/share/libalpm/hooks/90-mkinitcpio-install.hook',
    '[Trigger]\nType = Path\nOperation = Install\nOperation = Upgrade\nTarget = usr/lib/modules/*/vmlinuz\n[Action]\nWhen = PostTransaction\nExec = /usr/share/libalpm/scripts/mkinitcpio\nNeedsTargets\n',
  );
};

export const pacman = (machine: Machine, ...words: string[]): Promise<Ended> =>
  machine.run(['pacman', '--noconfirm', '--noprogressbar', ...words], {
    onOutput: process.env.SHOW ? (text) => process.stderr.write(text) : () => undefined,
  });

/** As pacman, and it must end well. */
export const pacmanWell = async (machine: Machine, ...words: string[]): Promise<string> => {
  const ended = await pacman(machine, ...words);
  if (ended.code !== 0)
    throw new Error(`pacman ${words.join(' ')} ended with ${ended.code}:\n${ended.stdout}${ended.stderr}`);
  return ended.stdout + ended.stderr;
};

const packageOf = (release: Release): string =>
  (release === 'bookworm' ? provision?.packages.pacmanBundled : provision?.packages.pacmanSystem) ?? '';

/** A machine that calls itself Arch, without kmodsort yet. */
export const pacmanMachine = async (release: Release, ...packages: readonly PacmanPackage[]): Promise<Machine> => {
  const machine = await machineOf(release);
  machine.write('/usr/lib/os-release', 'ID=arch\n');
  machine.write('/etc/pacman.conf', configuration);
  for (const directory of ['/var/lib/pacman', '/var/cache/pacman/pkg'])
    mkdirSync(machine.path(directory), { recursive: true });
  watchMkinitcpio(machine);
  await publishPackages(machine, base, ...packages);
  await pacmanWell(machine, '-Syy', 'base');
  return machine;
};

/** The kmodsort package that fits, on the machine. */
export const bringOurs = (machine: Machine, release: Release): string =>
  machine.bring(packageOf(release), '/var/cache');

export const installOurs = (machine: Machine, release: Release): Promise<string> =>
  pacmanWell(machine, '-U', bringOurs(machine, release));

/** Put kmodsort into a machine's repository. */
export const publishOurs = (machine: Machine, release: Release): Promise<void> =>
  addToRepository(machine, [packageOf(release)]);

/** With kmodsort on it. */
export const archMachine = async (release: Release, ...packages: readonly PacmanPackage[]): Promise<Machine> => {
  const machine = await pacmanMachine(release, ...packages);
  await installOurs(machine, release);
  return machine;
};

export const linuxPackage = (name: string, kernel: TestKernel, version = '1-1'): PacmanPackage => {
  const directory = `usr/lib/modules/${kernel.release}`;
  return {
    name,
    version,
    files: {
      [`${directory}/vmlinuz`]: `image ${version}\n`,
      [`${directory}/pkgbase`]: `${name}\n`,
      [`${directory}/modules.order`]: '',
      [`${directory}/modules.builtin`]: '',
      [`${directory}/modules.builtin.modinfo`]: '',
      [`${directory}/kernel/README`]: '',
      [`etc/mkinitcpio.d/${name}.preset`]: '',
    },
  };
};

/** @param symvers text of Module.symvers, if it is not that of the kernel */
export const linuxHeaders = (name: string, kernel: TestKernel, version = '1-1', symvers?: string): PacmanPackage => ({
  name: `${name}-headers`,
  version,
  headers: {
    at: `usr/lib/modules/${kernel.release}/build`,
    from: kernel.headers,
    ...(symvers === undefined ? {} : { symvers }),
  },
});

/** A module package of a fixture. */
export const dkmsPackage = (fixture: string, options: SourceOptions = {}): PacmanPackage => {
  const { version, contents } = moduleSource(fixture, options);
  return { name: `${fixture}-dkms`, version: `${version}-1`, depends: ['dkms'], ...contents };
};
