import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../kernels.ts';
import { isRoot, missingPackages, refreshLists, run } from '../packages.ts';

/**
 * Root file systems of real Debian releases with all that the package managers' tests need, made once and kept
 * in the cache until their recipe changes. Each test works on an overlay of its own.
 */

export type Release = 'bookworm' | 'trixie';

export type Roots =
  | { readonly kind: 'ready'; readonly directory: Readonly<Record<Release, string>> }
  /** What this machine lacks, in one line. */
  | { readonly kind: 'missing'; readonly why: string };

const tools = ['debootstrap', 'util-linux'];

/** What kmodsort and its builds need, and what a machine with kernels has. */
const building = [
  ...['bc', 'binutils', 'ca-certificates', 'gcc', 'kmod', 'libc6-dev', 'libelf1', 'make', 'openssl', 'patch'],
  ...['xz-utils', 'zstd', 'cpio', 'linux-base', 'init-system-helpers', 'busybox-static', 'dpkg-dev', 'lsb-release'],
];
/** The other package managers. */
const managers = [
  ...['pacman-package-manager', 'makepkg', 'libarchive-tools', 'rpm', 'dnf', 'createrepo-c', 'zypper', 'systemd'],
];

/** What boots kernels: bootctl is in a package of its own since Debian 13. */
const booting = ['grub2-common', 'grub-pc-bin', 'systemd-boot-efi', 'e2fsprogs'];

const recipes: Readonly<Record<Release, readonly string[]>> = {
  bookworm: [...building, ...managers, ...booting, 'systemd-boot'],
  // Its own nodejs is new enough for packages without a node of their own; the test kernels want gcc-12.
  trixie: [
    ...building.map((name) => (name === 'libelf1' ? 'libelf1t64' : name)),
    ...[...managers, ...booting, 'systemd-boot-tools', 'nodejs', 'gcc-12'],
  ],
};

/** Raised when a root is made in another way. */
const recipeVersion = 2;

const cacheRoot = (): string => process.env.KMODSORT_TEST_ROOTS ?? join(repository, '.cache', 'roots');

/** Where this machine itself gets its Debian packages. */
const mirror = (): string => {
  const listed = run('apt-get', ['indextargets', '--format', '$(REPO_URI) $(RELEASE)', 'Created-By: Packages']);
  const uri = listed.split('\n').find((line) => /\/debian\/? /.test(line));
  if (!uri) throw new Error('apt names no mirror of Debian');
  return uri.split(' ')[0] ?? '';
};

const inRoot = (root: string, ...argv: string[]): string =>
  run('chroot', [root, 'env', 'DEBIAN_FRONTEND=noninteractive', 'LC_ALL=C.UTF-8', ...argv]);

const makeRoot = (release: Release, target: string): void => {
  const work = `${target}.new`;
  rmSync(work, { recursive: true, force: true });
  run('debootstrap', ['--variant=minbase', release, work, mirror()]);
  run('cp', ['/etc/resolv.conf', join(work, 'etc/resolv.conf')]);
  writeFileSync(join(work, 'etc/apt/apt.conf.d/01test'), 'APT::Install-Recommends "0";\nAPT::Sandbox::User "root";\n');
  // No service is started in a root that nothing runs in.
  writeFileSync(join(work, 'usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  inRoot(work, 'apt-get', 'install', '-q', '-y', ...recipes[release]);
  // For the tests in which it is replaced, and comes back.
  mkdirSync(join(work, 'var/cache/debs'));
  inRoot(work, 'sh', '-c', 'cd /var/cache/debs && apt-get download -q dkms');
  writeFileSync(join(work, 'etc/machine-id'), `${'0'.repeat(31)}1\n`);
  inRoot(work, 'apt-get', 'clean');
  renameSync(work, target);
};

const identityOf = (release: Release): string =>
  createHash('sha256')
    .update(JSON.stringify([recipeVersion, recipes[release]]))
    .digest('hex')
    .slice(0, 12);

const rootOf = (release: Release): string => {
  const cache = cacheRoot();
  const target = join(cache, `${release}-${identityOf(release)}`);
  if (existsSync(target)) return target;
  mkdirSync(cache, { recursive: true });
  const outdated = readdirSync(cache).filter((name) => name.startsWith(`${release}-`));
  for (const name of outdated) rmSync(join(cache, name), { recursive: true, force: true });
  makeRoot(release, target);
  return target;
};

/** Every root, made where it is missing. */
export const provisionRoots = (): Roots => {
  if (!isRoot()) return { kind: 'missing', why: 'package managers in a root of their own need root' };
  if (!existsSync('/usr/bin/apt-get'))
    return { kind: 'missing', why: 'roots are made with debootstrap, and there is no apt-get' };
  try {
    const missing = missingPackages(tools);
    if (missing) return { kind: 'missing', why: missing };
    refreshLists();
    return { kind: 'ready', directory: { bookworm: rootOf('bookworm'), trixie: rootOf('trixie') } };
  } catch (error) {
    return { kind: 'missing', why: error instanceof Error ? error.message : String(error) };
  }
};
