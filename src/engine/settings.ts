import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type Environment, probeEnvironment } from './environment.ts';
import { FailureError } from './errors.ts';
import { list, look, readText } from './files.ts';

/** Where things are; each can be given on the command line for tests and private trees. */
interface Places {
  readonly dkmsTree: string;
  readonly sourceTree: string;
  readonly installTree: string;
  /** Instead of /etc/dkms. */
  readonly confDir: string;
  readonly stateDir: string;
  /** Instead of /etc/os-release. */
  readonly osRelease: string;
}

/** What the command line says over the settings files. */
export interface Overrides extends Partial<Places> {
  /** `-j`: the whole run's budget of cores; 0 is no limit. */
  readonly jobs?: number;
}

interface SigningSettings {
  /** `not_in_chroot` if not said. */
  readonly when: 'true' | 'false' | 'not_in_chroot';
  /** sign-file or a program with its arguments; `${kernelver}` is the release. */
  readonly program?: string;
  /** mok_signing_key: a path or a `pkcs11:` URI. */
  readonly key?: string;
  /** mok_certificate. */
  readonly certificate?: string;
}

/** What this run goes by: defaults, then framework.conf, then the command line. */
export interface Settings extends Places {
  /** Cores that the whole run may use; 0 is no limit. */
  readonly jobs: number;
  /** ID, ID_LIKE and PLATFORM as os-release says them; which one counts is decided where it is used. */
  readonly distribution: string;
  readonly autoinstallAllKernels: boolean;
  readonly symlinkModules: boolean;
  readonly modprobeOnInstall: boolean;
  /** Say every step, as --verbose does. */
  readonly verbose: boolean;
  readonly postTransaction?: string;
  readonly signing: SigningSettings;
  /** A shell file whose exports every build gets. */
  readonly buildEnvironment?: string;
  readonly addonModulesDir?: string;
  /** Options of gzip, xz and zstd, as words. */
  readonly compressOptions: Readonly<Record<'gz' | 'xz' | 'zst', readonly string[]>>;
  /** Where temporary directories are made. */
  readonly temporary: string;
  /** Modules without which nobody should reboot. */
  readonly requiredModules: readonly string[];
  /** Every framework variable as written, for confs that read them. */
  readonly variables: Readonly<Record<string, string>>;
  /** The caller's environment. */
  readonly environment: Environment;
  /** Installing into another tree than the system's own: depmod then works on a temporary base. */
  readonly privateInstallTree: boolean;
}

type Variables = Record<string, string>;

/** `name=value` as plain shell: bare, single-quoted, or double-quoted with at most $kernelver in it. */
const plainAssignment =
  /^\s*(?:export\s+)?([A-Za-z_]\w*)=(?:'([^']*)'|"((?:[^"$`\\]|\$kernelver\b|\$\{kernelver\})*)"|([^\s'"$`\\;&|<>()#~]*))\s*;?\s*(?:(?<=[\s;])#.*)?$/;

/** The assignments of a settings file, undefined if it is more than plain assignments. */
export const readPlainSettings = (text: string): Variables | undefined => {
  const variables: Variables = {};
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*(#|$)/.test(line)) continue;
    const match = plainAssignment.exec(line);
    const name = match?.[1];
    if (!match || name === undefined) return undefined;
    variables[name] = match[2] ?? match[3] ?? match[4] ?? '';
  }
  return variables;
};

/** Settings that need a shell to be read: every name that the file assigns, as bash sees it in the end. */
const printAssigned = `
kernelver='\${kernelver}'
before=" $(compgen -v | tr '\\n' ' ') "
. "$1" >/dev/null </dev/null || true
for name in $(compgen -v); do
  case "$before" in *" $name "*) continue ;; esac
  case "$name" in before|BASH*|PIPESTATUS|_|name|FUNCNAME|OPT*) continue ;; esac
  printf '%s\\0%s\\0' "$name" "\${!name}"
done`;

const readWithBash = async (path: string, environment: Environment): Promise<Variables> => {
  // Loaded only here: plain settings, the usual case, start no process.
  const { makeProcesses } = await import('./exec.ts');
  const ended = await makeProcesses().run({
    argv: ['bash', '--norc', '--noprofile', '-c', printAssigned, 'kmodsort', path],
    environment: probeEnvironment(environment),
    limit: 10,
  });
  if (ended.code !== 0 || /: line \d+: (syntax error|unexpected EOF)/.test(ended.errors)) {
    throw new FailureError({ kind: 'conf-broken', at: path, detail: ended.errors.split('\n')[0] ?? '' });
  }
  const words = ended.output.split('\0');
  const variables: Variables = {};
  for (let i = 0; i + 1 < words.length; i += 2) variables[words[i] ?? ''] = words[i + 1] ?? '';
  return variables;
};

const readSettingsFile = async (path: string, environment: Environment): Promise<Variables> => {
  const text = readText(path);
  if (text === undefined) return {};
  if (((look(path)?.mode ?? 0) & 0o002) !== 0) throw new FailureError({ kind: 'conf-unsafe', at: path });
  return readPlainSettings(text) ?? (await readWithBash(path, environment));
};

const readVariables = async (confDir: string, environment: Environment): Promise<Variables> => {
  const directory = join(confDir, 'framework.conf.d');
  const further = list(directory).filter((name) => name.endsWith('.conf') && !name.startsWith('.'));
  let variables: Variables = {};
  for (const path of [join(confDir, 'framework.conf'), ...further.map((name) => join(directory, name))]) {
    variables = { ...variables, ...(await readSettingsFile(path, environment)) };
  }
  return variables;
};

/**
 * The distribution that decides where modules go: ID if it is ubuntu, else ID_LIKE if set, else ID.
 * Matched by prefix, so `rhel centos fedora` is rhel. Source: os-release(5) and what dkms does with it.
 */
export const distributionOf = (osRelease: string | undefined): string => {
  const value = (key: string): string | undefined =>
    new RegExp(`^${key}=["']?([^"'\\n]*)`, 'm').exec(osRelease ?? '')?.[1]?.trim();
  const id = value('ID') ?? '';
  if (id === 'ubuntu') return id;
  return value('ID_LIKE') || id;
};

const truthy = (value: string | undefined): boolean => /^(1|y|yes|true|on)$/i.test(value ?? '');
const wordsOf = (value: string | undefined): string[] => (value ?? '').split(/\s+/).filter(Boolean);
const orUnset = (value: string | undefined): string | undefined => (value ? value : undefined);

const defaultInstallTree = (distribution: string): string =>
  distribution.startsWith('arch') ? '/usr/lib/modules' : '/lib/modules';

/** Where the system's own modules are. */
export const isSystemTree = (path: string): boolean => path === '/lib/modules' || path === '/usr/lib/modules';

const placesOf = (
  overrides: Overrides,
  confDir: string,
  osRelease: string,
  distribution: string,
  v: Variables,
): Places => ({
  confDir,
  osRelease,
  dkmsTree: overrides.dkmsTree ?? (v.dkms_tree || '/var/lib/dkms'),
  sourceTree: overrides.sourceTree ?? (v.source_tree || '/usr/src'),
  installTree: overrides.installTree ?? (v.install_tree || defaultInstallTree(distribution)),
  stateDir: overrides.stateDir ?? (v.kmodsort_state || '/var/lib/kmodsort'),
});

const coresOf = (text: string | undefined, available: number): number =>
  text !== undefined && /^\d+$/.test(text) ? Number(text) : available;

const signingOf = (v: Variables): SigningSettings => ({
  when: v.try_sign_modules === 'true' || v.try_sign_modules === 'false' ? v.try_sign_modules : 'not_in_chroot',
  ...(v.sign_file ? { program: v.sign_file } : {}),
  ...(v.mok_signing_key ? { key: v.mok_signing_key } : {}),
  ...(v.mok_certificate ? { certificate: v.mok_certificate } : {}),
});

/** Options whose keys are left out where there is no value. */
const optional = (v: Variables): Partial<Settings> => ({
  ...(orUnset(v.post_transaction) ? { postTransaction: v.post_transaction } : {}),
  ...(orUnset(v.build_environment) ? { buildEnvironment: v.build_environment } : {}),
  ...(orUnset(v.ADDON_MODULES_DIR) ? { addonModulesDir: v.ADDON_MODULES_DIR } : {}),
});

/**
 * Settings of this run: defaults, then framework.conf and framework.conf.d/*.conf, then the command line.
 * Plain files are read here; only a file with more shell in it than assignments starts a bash.
 * Throws conf-broken or conf-unsafe (FailureError) about the file.
 */
export const readSettings = async (
  overrides: Overrides,
  environment: Environment = process.env,
  cores: number = availableParallelism(),
): Promise<Settings> => {
  const confDir = overrides.confDir ?? '/etc/dkms';
  const osRelease = overrides.osRelease ?? '/etc/os-release';
  const distribution = distributionOf(readText(osRelease) ?? readText('/usr/lib/os-release'));
  const v = await readVariables(confDir, environment);
  const places = placesOf(overrides, confDir, osRelease, distribution, v);
  return {
    ...places,
    ...optional(v),
    jobs: overrides.jobs ?? coresOf(v.parallel_jobs, cores),
    distribution,
    autoinstallAllKernels: truthy(v.autoinstall_all_kernels),
    symlinkModules: truthy(v.symlink_modules),
    modprobeOnInstall: truthy(v.modprobe_on_install),
    verbose: truthy(v.verbose),
    compressOptions: {
      gz: wordsOf(v.compress_gzip_opts),
      xz: v.compress_xz_opts === undefined ? ['--check=crc32', '--lzma2=dict=1MiB'] : wordsOf(v.compress_xz_opts),
      zst: v.compress_zstd_opts === undefined ? ['-q', '--rm', '-T0'] : wordsOf(v.compress_zstd_opts),
    },
    temporary: v.tmp_location || environment.TMPDIR || '/tmp',
    signing: signingOf(v),
    requiredModules: wordsOf(v.required_modules),
    variables: v,
    environment,
    privateInstallTree: !isSystemTree(places.installTree),
  };
};
