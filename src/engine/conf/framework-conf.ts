import { availableParallelism } from 'node:os';
import { join, normalize } from 'node:path';
import { FailureError } from '../errors.ts';
import {
  type Environment,
  isSystemTree,
  type KernelGuard,
  type Overrides,
  type Places,
  type PrebuiltSettings,
  type Sandbox,
  type Settings,
  type SigningSettings,
} from '../settings.ts';
import { distributionOf, familyOf } from '../system/distribution.ts';
import { readDirectory, readText } from '../system/files.ts';
import { distrustedConf } from '../system/trust.ts';

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
  const { makeProcesses } = await import('../system/exec.ts');
  const ended = await makeProcesses(environment).ask(
    ['bash', '--norc', '--noprofile', '-c', printAssigned, 'kmodsort', path],
    { limit: 10 },
  );
  if (ended.code !== 0 || /: line \d+: (syntax error|unexpected EOF)/.test(ended.errors)) {
    throw new FailureError({ kind: 'conf-broken', at: path, detail: ended.errors.split('\n')[0] || ended.problem });
  }
  const words = ended.output.split('\0');
  const variables: Variables = {};
  for (let i = 0; i + 1 < words.length; i += 2) variables[words[i] ?? ''] = words[i + 1] ?? '';
  return variables;
};

const readSettingsFile = async (path: string, environment: Environment): Promise<Variables> => {
  const text = readText(path);
  if (text === undefined) return {};
  const distrusted = distrustedConf(path);
  if (distrusted) throw new FailureError(distrusted);
  return readPlainSettings(text) ?? (await readWithBash(path, environment));
};

const readVariables = async (confDir: string, environment: Environment): Promise<Variables> => {
  const directory = join(confDir, 'framework.conf.d');
  const further = readDirectory(directory).filter((name) => name.endsWith('.conf') && !name.startsWith('.'));
  let variables: Variables = {};
  for (const path of [join(confDir, 'framework.conf'), ...further.map((name) => join(directory, name))]) {
    variables = { ...variables, ...(await readSettingsFile(path, environment)) };
  }
  return variables;
};

const truthy = (value: string | undefined): boolean => /^(1|y|yes|true|on)$/i.test(value ?? '');
const wordsOf = (value: string | undefined): string[] => (value ?? '').split(/\s+/).filter(Boolean);
const orUnset = (value: string | undefined): string | undefined => (value ? value : undefined);

const defaultInstallTree = (distribution: string): string =>
  familyOf(distribution) === 'arch' ? '/usr/lib/modules' : '/lib/modules';

/** One way to write a tree, so that paths in it can be compared. */
const tree = (path: string): string => normalize(path).replace(/(?<=.)\/$/, '');

const placesOf = (
  overrides: Overrides,
  confDir: string,
  osRelease: string,
  distribution: string,
  v: Variables,
): Places => ({
  confDir,
  osRelease,
  dkmsTree: tree(overrides.dkmsTree ?? (v.dkms_tree || '/var/lib/dkms')),
  sourceTree: tree(overrides.sourceTree ?? (v.source_tree || '/usr/src')),
  installTree: tree(overrides.installTree ?? (v.install_tree || defaultInstallTree(distribution))),
  stateDir: tree(overrides.stateDir ?? (v.kmodsort_state || '/var/lib/kmodsort')),
});

/** More do not fit into a pipe of the smallest size, which holds a byte for each: pipe(7). */
const mostJobs = 4096;

const coresOf = (text: string | undefined, available: number): number =>
  text !== undefined && /^\d+$/.test(text) ? Number(text) : available;

const minutesOf = (text: string | undefined): number => (text && /^\d{1,5}(\.\d+)?$/.test(text) ? Number(text) : 30);

const units: Readonly<Record<string, number>> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 };

/** Bytes, or with a unit of 1024 as systemd and qemu write them: `2G`. */
const sizeOf = (text: string | undefined, otherwise: number): number => {
  const [, number, unit = ''] = /^(\d{1,9}(?:\.\d{1,3})?)([KMGT]?)i?B?$/i.exec(text ?? '') ?? [];
  return number === undefined ? otherwise : Math.round(Number(number) * (units[unit.toUpperCase()] ?? 1));
};

const guardOf = (text: string | undefined): KernelGuard => {
  if (text === 'build' || text === 'build-all') return text;
  return truthy(text) ? 'yes' : 'no';
};

const sandboxOf = (text: string | undefined): Sandbox => (text === 'strict' || text === 'no' ? text : 'auto');

const prebuiltOf = (v: Variables): PrebuiltSettings => ({
  ...(orUnset(v.prebuilt) ? { from: v.prebuilt } : {}),
  policy: v.prebuilt_policy === 'only' ? 'only' : 'prefer',
  signers: v.allowed_signers || '/etc/kmodsort/allowed_signers',
  revoked: v.revoked_signers || '/etc/kmodsort/revoked_signers',
  auth: v.prebuilt_auth || '/etc/kmodsort/auth.json',
  keepSignatures: truthy(v.keep_signatures),
  ...(orUnset(v.push_key) ? { pushKey: v.push_key } : {}),
});

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
    jobs: Math.min(overrides.jobs ?? coresOf(v.parallel_jobs, cores), mostJobs),
    distribution,
    autoinstallAllKernels: truthy(v.autoinstall_all_kernels),
    kernels: wordsOf(v.kernels),
    skipKernels: wordsOf(v.skip_kernels),
    strictSources: truthy(v.strict_sources),
    symlinkModules: truthy(v.symlink_modules),
    modprobeOnInstall: truthy(v.modprobe_on_install),
    buildLimit: minutesOf(v.build_limit),
    kernelGuard: guardOf(v.kernel_guard),
    guardLimit: minutesOf(v.guard_limit),
    bootGuard: truthy(v.boot_guard),
    sandbox: sandboxOf(v.sandbox),
    unconfinedModules: wordsOf(v.unconfined_modules),
    storeSize: sizeOf(v.store_size, 2 * 1024 ** 3),
    prebuilt: prebuiltOf(v),
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
    isTrial: false,
  };
};
