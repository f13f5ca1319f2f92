import { spawnSync } from 'node:child_process';

/** Debian packages: what one depends on, which are missing, and getting those. */

/** What building, checking and compressing modules takes beside the compiler that the kernel names. */
export const toolPackages = [
  ...['bc', 'bzip2', 'kmod', 'libc6-dev', 'make', 'openssl', 'patch', 'util-linux', 'xz-utils', 'zstd'],
];

const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' };

/** Run a command to its end and give its output; throws one line that says what failed and why. */
export const run = (command: string, args: readonly string[], options: { readonly cwd?: string } = {}): string => {
  const result = spawnSync(command, args, { ...options, env: environment, encoding: 'utf8', maxBuffer: 1 << 27 });
  if (result.status === 0) return result.stdout;
  const said = `${result.stderr ?? ''}\n${result.stdout ?? ''}`.split('\n').filter((line) => line.trim());
  const why =
    said.find((line) => /^(E:|Err:|.*\berror\b)/i.test(line)) ?? said[0] ?? result.error?.message ?? 'no output';
  throw new Error(`${[command, ...args.slice(0, 4)].join(' ')} failed: ${why.trim()}`);
};

export interface PackageFacts {
  readonly name: string;
  /** The first alternative of each dependency, without versions. */
  readonly depends: readonly string[];
}

/** Facts of the newest version of a package in the lists. */
export const packageFacts = (name: string): PackageFacts => {
  const shown = run('apt-cache', ['--no-all-versions', 'show', name]);
  const depends = /^Depends: (.*)$/m.exec(shown)?.[1] ?? '';
  return { name, depends: depends.split(',').flatMap((one) => /^\s*([^\s:(|]+)/.exec(one)?.[1] ?? []) };
};

export const isRoot = (): boolean => process.getuid?.() === 0;

/**
 * Whether the program can be run as nobody: only root can do that, and not from a checkout that nobody else may enter
 * (below /root). Says so where the tests of it are passed over.
 */
export const canRunAsNobody = (directory: string): boolean => {
  if (!isRoot()) return false;
  const argv = ['--reuid', '65534', '--clear-groups', 'test', '-x', directory];
  const mayEnter = spawnSync('setpriv', argv, { env: environment, cwd: '/' }).status === 0;
  if (!mayEnter) process.stderr.write(`tests as nobody are skipped: only root may enter ${directory}\n`);
  return mayEnter;
};

/** Get fresh package lists; needs root. */
export const refreshLists = (): void => {
  run('apt-get', ['update', '-q']);
};

const isInstalled = (name: string): boolean => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a placeholder of dpkg-query's own.
  const { stdout } = spawnSync('dpkg-query', ['-W', '-f=${db:Status-Status}', name], { encoding: 'utf8' });
  return stdout === 'installed';
};

/** Install those of the packages that are not there yet; without root, one line that names them. */
export const missingPackages = (names: readonly string[]): string | undefined => {
  const missing = names.filter((name) => !isInstalled(name));
  if (missing.length === 0) return undefined;
  if (!isRoot()) return `these packages are missing, and only root can install them: ${missing.join(' ')}`;
  // Another suite's worker may be installing, too.
  const patience = ['-o', 'DPkg::Lock::Timeout=600'];
  const install = (): string =>
    run('apt-get', ['install', '-q', '-y', '--no-install-recommends', ...patience, ...missing]);
  try {
    install();
  } catch {
    refreshLists();
    install();
  }
  return undefined;
};
