import type { Random } from '../random.ts';

/** Inputs that nobody wrote: of the right shape with wrong words in it, or right bytes with some of them changed. */

const names = ['zfs', 'a', 'nvidia-current', 'x.y', '..', '-rf', 'ä', 'a b', "a'b", 'a"b', '$(id)', '`id`', 'a\tb', ''];
const versions = ['1.0', '0', '2.3.4-5~rc1+dfsg', '../..', '/etc', '1 0', '*', '%s%n', ''];
const values = [
  'yes',
  'no',
  'YES',
  'maybe',
  '/updates',
  '/kernel/drivers/misc',
  '/../../../../etc',
  'extra',
  '$kernelver',
  '$'.concat('{kernel_source_dir}'),
  '$'.concat('{nothing:?}'),
  '$((1/0))',
  'make -C $kernel_source_dir M=$dkms_tree/x',
  '^6\\.',
  '[',
  '(',
  '*',
  '\u001b[31m',
  '\u0000',
  '\ud800',
  '%n%s',
  'x'.repeat(5000),
  '0',
  '-1',
  '999999999999999999999',
];
const directives = [
  'PACKAGE_NAME',
  'PACKAGE_VERSION',
  'BUILT_MODULE_NAME',
  'BUILT_MODULE_LOCATION',
  'DEST_MODULE_NAME',
  'DEST_MODULE_LOCATION',
  'STRIP',
  'MAKE',
  'MAKE_MATCH',
  'PATCH',
  'PATCH_MATCH',
  'PRE_BUILD',
  'POST_INSTALL',
  'BUILD_EXCLUSIVE_KERNEL',
  'BUILD_EXCLUSIVE_KERNEL_MIN',
  'BUILD_EXCLUSIVE_ARCH',
  'BUILD_EXCLUSIVE_CONFIG',
  'AUTOINSTALL',
  'NO_WEAK_MODULES',
  'BUILD_DEPENDS',
  'OBSOLETE_BY',
  'CLEAN',
  'REMAKE_INITRD',
];
const settings = [
  'source_tree',
  'tmp_location',
  'verbose',
  'symlink_modules',
  'autoinstall_all_kernels',
  'sign_file',
  'mok_signing_key',
  'mok_certificate',
  'try_sign_modules',
  'parallel_jobs',
  'build_limit',
  'required_modules',
  'kernel_guard',
  'compress_xz_opts',
  'post_transaction',
  'kmodsort_state',
];

const times = (random: Random, most: number, make: () => string): string =>
  Array.from({ length: random.below(most) }, make).join('');

/** A text with some of its bytes changed, taken out, doubled, or cut off. */
export const damaged = (random: Random, bytes: Buffer): Buffer => {
  const out = [...bytes];
  for (let change = random.below(8); change >= 0 && out.length > 0; change -= 1) {
    const at = random.below(out.length);
    const kind = random.below(5);
    if (kind === 0) out[at] = random.below(256);
    if (kind === 1) out.splice(at, 1 + random.below(16));
    if (kind === 2) out.splice(at, 0, ...out.slice(at, at + 1 + random.below(32)));
    if (kind === 3) out.splice(at, 0, random.below(256));
    if (kind === 4 && random.chance(0.3)) out.length = at;
  }
  return Buffer.from(out);
};

/** Nothing but bytes. */
export const noise = (random: Random, most: number): Buffer =>
  Buffer.from(Array.from({ length: random.below(most) }, () => random.below(256)));

const quoted = (random: Random, value: string): string =>
  random.chance(0.85)
    ? `'${value.replaceAll("'", '')}'`
    : random.pick([`"${value}"`, value, `"${value}`, `(${value})`]);

const assignment = (random: Random, known: readonly string[]): string => {
  const index = random.chance(0.8)
    ? random.pick(['', '[0]', '[1]', '[7]'])
    : random.pick(['[-1]', '[x]', '[', '[0][1]', '[99999999999]']);
  return `${random.pick(known)}${index}${random.chance(0.95) ? '=' : random.pick([' = ', '+='])}${quoted(random, random.pick(values))}`;
};

const shellLines = [
  '# a comment',
  'if true; then',
  'fi',
  'return 0',
  'exit 3',
  'case $(uname -r) in 6*) AUTOINSTALL=yes ;; esac',
  'for i in 0 1 2; do BUILT_MODULE_NAME[$i]=m$i; DEST_MODULE_LOCATION[$i]=/updates; done',
  'no_such_command',
  'set -e; false',
  'set -u; echo $nothing',
  'exec 3<&-',
  'trap "" EXIT',
  'unset PATH',
  'readonly PACKAGE_NAME',
  'declare -A MAKE',
  'kill -9 $$',
  '}',
  '\\',
  '\r',
];

const confOf = (random: Random, name: string): string =>
  [
    random.chance(0.9) ? `PACKAGE_NAME="${name}"` : `PACKAGE_NAME="${random.pick(names)}"`,
    random.chance(0.9) ? 'PACKAGE_VERSION="1.0"' : `PACKAGE_VERSION="${random.pick(versions)}"`,
    times(random, 12, () => `${random.chance(0.08) ? random.pick(shellLines) : assignment(random, directives)}\n`),
  ].join('\n');

/** A dkms.conf for a module of this name. */
export const dkmsConf = (random: Random, name: string): Buffer => {
  const conf = Buffer.from(confOf(random, name));
  if (random.chance(0.1)) return noise(random, 400);
  return random.chance(0.25) ? damaged(random, conf) : conf;
};

/** A framework.conf; what it names stays below the world, for a setting is a word of root's. */
export const frameworkConf = (random: Random): Buffer => {
  const text = Buffer.from(
    times(random, 10, () => `${random.chance(0.15) ? random.pick(shellLines) : assignment(random, settings)}\n`),
  );
  if (random.chance(0.1)) return noise(random, 300);
  return random.chance(0.3) ? damaged(random, text) : text;
};

/** What a package manager might say: words, and paths on stdin. */
export const hookInput = (random: Random, release: string): { readonly words: string[]; readonly stdin: Buffer } => {
  const word = (): string =>
    random.pick([release, ...names, ...versions, 'source', 'configure', 'remove', '--json', '-k']).replaceAll('\0', '');
  const adapter = random.pick(['pacman', 'apt', 'rpm', 'boot', 'guard', 'dpkg', word()]);
  const event = random.pick([
    'install',
    'remove',
    'upgrade',
    'trigger',
    'postinst',
    'prerm',
    'configure',
    'source',
    'files-in',
    'files-out',
    'add',
    'remove',
    word(),
  ]);
  const path = (): string =>
    random.pick([
      `usr/src/${random.pick(names)}-${random.pick(versions)}/dkms.conf`,
      `usr/lib/modules/${random.pick([release, ...versions])}/vmlinuz`,
      `lib/modules/${random.pick([release, ...names])}/build/Makefile`,
      `/${random.pick(names)}/../${random.pick(versions)}`,
      random.pick(values),
    ]);
  const lines = Buffer.from(times(random, 20, () => `${path()}${random.pick(['\n', '\n', '\0', '\r\n', ''])}`));
  const words = ['hook', 'run', adapter, event, ...Array.from({ length: random.below(3) }, word)];
  return {
    words: words.slice(0, 2 + random.below(words.length)),
    stdin: random.chance(0.3) ? damaged(random, lines) : lines,
  };
};
