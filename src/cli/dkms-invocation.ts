import { resolve } from 'node:path';
import { type Kernel, type Request, type Switches, typedSync } from '../engine/request.ts';
import type { Overrides } from '../engine/settings.ts';
import type { ExitPolicy } from '../report/exit-status.ts';
import { type CliContext, kernelsOf, operandOf } from './dkms-operands.ts';
import { type DkmsAction, dkmsActions, type Given, notForAll, oneKernel, rootOnly } from './dkms-options.ts';
import type { Invocation } from './invocation.ts';
import { overridesOf } from './options.ts';
import { UsageError } from './usage.ts';

/** From the words and options of a dkms command line to what it means. */

/** The surface that is kept: scripts compare this number. */
const surfaceVersion = '3.4.3';

const switchesOf = (given: Given, context: CliContext): Switches => {
  const path = (value: string | undefined): string | undefined => value && resolve(context.cwd, value);
  const [conf, kernelSource, kernelConfig] = [given.conf, given.kernelsourcedir, given.config].map(path);
  return {
    force: given.force === true,
    forceVersionOverride: given['force-version-override'] === true,
    noDepmod: given['no-depmod'] === true,
    modprobe: given['modprobe-on-install'] === true,
    symlink: given['symlink-modules'] === true,
    directives: given.directive ?? [],
    rpmSafeUpgrade: given.rpm_safe_upgrade === true,
    ...(conf ? { conf } : {}),
    ...(kernelSource ? { kernelSource } : {}),
    ...(kernelConfig ? { kernelConfig } : {}),
  };
};

const refuseBadMixes = (action: DkmsAction, given: Given, context: CliContext): void => {
  if (given['binaries-only'] && given['source-only'])
    throw new UsageError('--binaries-only and --source-only are mutually exclusive', 8);
  if (given.all && given.kernelver) throw new UsageError('--all and -k are mutually exclusive', 2);
  if (given.all && given.arch) throw new UsageError('--all and -a are mutually exclusive', 3);
  if (given.all && notForAll.has(action)) throw new UsageError(`${action} does not accept --all`, 5);
  if (oneKernel.has(action) && (given.kernelver ?? []).length > 1)
    throw new UsageError(`${action} accepts one -k only`, 4);
  if (action.startsWith('kernel_') && !given.kernelver)
    throw new UsageError(`${action} requires -k KERNEL`, action === 'kernel_preinst' ? 1 : 4);
  if (rootOnly.has(action) && !context.isRoot)
    throw new UsageError(`${action} requires root; run it again with sudo`, 1);
};

/** Where modules go is the distribution's to say: nothing is guessed on a system that does not tell its name. */
const refuseNamelessSystem = (overrides: Overrides, context: CliContext): void => {
  const files = overrides.osRelease ? [overrides.osRelease] : ['/etc/os-release', '/usr/lib/os-release'];
  if (files.some((file) => context.look(file) === 'file')) return;
  throw new UsageError(`cannot determine the distribution: ${files.join(' or ')} not found`, 4);
};

/** Nobody has said which kernel. */
const unsaid = (given: Given): { readonly kernelUnsaid?: true } =>
  given.kernelver || given.all ? {} : { kernelUnsaid: true };

const syncOf = (kernel: Kernel, isLeaving: boolean): Request =>
  isLeaving
    ? typedSync({ kind: 'only', kernels: [] }, { leaving: { kernels: [kernel.release], sources: [] }, dropOnly: true })
    : typedSync({ kind: 'only', kernels: [kernel] });

const statusRequest = (given: Given, context: CliContext): Request => {
  const operand = operandOf('status', given, context);
  const named = operand?.kind === 'module' ? operand : undefined;
  return {
    verb: 'status',
    kernels: given.kernelver ? kernelsOf(given, context) : [],
    arches: given.arch ?? [],
    ...(named ? { name: named.name } : {}),
    ...(named?.version ? { version: named.version } : {}),
  };
};

const archiveRequest = (action: 'mktarball' | 'ldtarball', given: Given, context: CliContext): Request => {
  const switches = switchesOf(given, context);
  if (action === 'ldtarball') {
    if (given.force && !context.isRoot)
      throw new UsageError('ldtarball --force requires root; run it again with sudo', 1);
    const word = given.archive ?? given._[1];
    return { verb: action, switches, ...(word === undefined ? {} : { archive: resolve(context.cwd, String(word)) }) };
  }
  const operand = operandOf(action, given, context);
  const { archive } = given;
  return {
    verb: action,
    kernels: given.all ? 'all' : kernelsOf(given, context),
    sourceOnly: given['source-only'] === true,
    binariesOnly: given['binaries-only'] === true,
    switches,
    ...unsaid(given),
    ...(operand ? { operand } : {}),
    ...(archive ? { archive: archive.includes('/') ? resolve(context.cwd, archive) : archive } : {}),
  };
};

const requestOf = (action: DkmsAction, given: Given, context: CliContext): Request => {
  if (action === 'status') return statusRequest(given, context);
  const kernels = kernelsOf(given, context);
  const switches = switchesOf(given, context);
  const kernel = kernels[0] ?? { release: context.runningKernel, arch: context.arch };
  switch (action) {
    case 'autoinstall':
    case 'kernel_postinst':
      return given.kernelver ? syncOf(kernel, false) : typedSync({ kind: 'here', arch: kernel.arch });
    case 'kernel_prerm':
      return syncOf(kernel, true);
    case 'kernel_preinst':
      return { verb: action, kernel, switches };
    case 'match': {
      const template = given.templatekernel;
      return { verb: action, kernel, switches, ...unsaid(given), ...(template ? { template } : {}) };
    }
    case 'generate_mok':
      return { verb: action, switches };
    case 'mktarball':
    case 'ldtarball':
      return archiveRequest(action, given, context);
    default: {
      const operand = operandOf(action, given, context);
      const chosen = given.all ? 'all' : kernels;
      return { verb: action, kernels: chosen, switches, ...unsaid(given), ...(operand ? { operand } : {}) };
    }
  }
};

const exitPolicyOf = (action: DkmsAction): ExitPolicy => {
  if (action === 'autoinstall' || action === 'kernel_postinst') return 'dkms-autoinstall';
  return action === 'kernel_preinst' || action === 'kernel_prerm' ? 'dkms-kernel' : 'dkms';
};

export const actionOf = (words: readonly (string | number)[]): DkmsAction | undefined => {
  const isAction = (word: string): word is DkmsAction => dkmsActions.some((action) => action === word);
  const found = words.map(String).filter(isAction);
  if (found.length > 1) throw new UsageError(`more than one action: ${found.join(' and ')}`, 4);
  return found[0];
};

const ignoredOptions = ['no-initrd', 'no-clean-kernel', 'no-prepare-kernel'] as const;

/** The answer to `dkms --version`. */
export const versionInvocation: Invocation = { kind: 'text', text: `dkms-${surfaceVersion}\n`, code: 0 };

/** What an action with its words and options asks for. Throws UsageError on what does not go together. */
export const invocationOf = (action: DkmsAction, given: Given, context: CliContext): Invocation => {
  refuseBadMixes(action, given, context);
  // The words may come in any order: `dkms -k K build name/version`, `dkms name/version build`.
  const words = [action, ...given._.filter((word) => String(word) !== action)];
  const request = requestOf(action, { ...given, _: words }, context);
  const overrides = overridesOf({ ...given }, context.cwd);
  refuseNamelessSystem(overrides, context);
  return {
    kind: 'run',
    task: { kind: 'request', request },
    overrides,
    output: action === 'status' ? 'dkms' : 'auto',
    verbose: given.verbose === true || given.debug === true,
    quiet: given.quiet === true,
    ignored: ignoredOptions.filter((name) => given[name]).map((name) => `--${name}`),
    exitPolicy: exitPolicyOf(action),
  };
};
