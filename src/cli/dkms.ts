import { resolve } from 'node:path';
import { type Kernel, type Request, type Switches, typedSync } from '../engine/request.ts';
import type { Overrides } from '../engine/settings.ts';
import type { ExitPolicy } from '../report/exit-status.ts';
import { type CliContext, emptyKernel, kernelsOf, operandOf } from './dkms-operands.ts';
import { type DkmsAction, dkmsActions, dkmsOptions, notForAll, oneKernel, rootOnly } from './dkms-options.ts';
import { type Given, helpText, parserOf } from './dkms-parser.ts';
import type { Invocation } from './invocation.ts';
import { overridesOf } from './options.ts';
import { complaint, nearest, UsageError } from './usage.ts';

/** The surface that is kept: scripts compare this number. */
const surfaceVersion = '3.4.3';

const text = (message: string, code: number): Invocation => ({ kind: 'text', text: `dkms: ${message}\n`, code });

const switchesOf = (given: Given, context: CliContext): Switches => {
  const path = (value: string | undefined): string | undefined => value && resolve(context.cwd, value);
  const [conf, kernelSource, kernelConfig] = [given.conf, given.kernelsourcedir, given.config].map(path);
  return {
    force: given.force,
    forceVersionOverride: given['force-version-override'],
    noDepmod: given['no-depmod'],
    modprobe: given['modprobe-on-install'],
    symlink: given['symlink-modules'],
    directives: given.directive ?? [],
    rpmSafeUpgrade: given.rpm_safe_upgrade,
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
  if (action.startsWith('kernel_') && !given.kernelver) throw new UsageError(`${action} requires -k KERNEL`, 1);
  if (rootOnly.has(action) && !context.isRoot)
    throw new UsageError(`${action} requires root; run it again with sudo`, 1);
};

/** Where modules go is the distribution's to say: nothing is guessed on a system that does not tell its name. */
const refuseNamelessSystem = (overrides: Overrides, context: CliContext): void => {
  const files = overrides.osRelease ? [overrides.osRelease] : ['/etc/os-release', '/usr/lib/os-release'];
  if (files.some((file) => context.look(file) === 'file')) return;
  throw new UsageError(`cannot determine the distribution: ${files.join(' or ')} not found`, 4);
};

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
    sourceOnly: given['source-only'],
    binariesOnly: given['binaries-only'],
    switches,
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
      return syncOf(kernel, false);
    case 'kernel_prerm':
      return syncOf(kernel, true);
    case 'kernel_preinst':
      return { verb: action, kernel, switches };
    case 'match': {
      const template = given.templatekernel;
      return { verb: action, kernel, switches, ...(template ? { template } : {}) };
    }
    case 'generate_mok':
      return { verb: action, switches };
    case 'mktarball':
    case 'ldtarball':
      return archiveRequest(action, given, context);
    default: {
      const operand = operandOf(action, given, context);
      const chosen = given.all ? 'all' : kernels;
      return { verb: action, kernels: chosen, switches, ...(operand ? { operand } : {}) };
    }
  }
};

const exitPolicyOf = (action: DkmsAction): ExitPolicy => {
  if (action === 'autoinstall' || action === 'kernel_postinst') return 'dkms-autoinstall';
  return action === 'kernel_preinst' || action === 'kernel_prerm' ? 'dkms-kernel' : 'dkms';
};

const actionOf = (words: readonly (string | number)[]): DkmsAction | undefined => {
  const isAction = (word: string): word is DkmsAction => dkmsActions.some((action) => action === word);
  const found = words.map(String).filter(isAction);
  if (found.length > 1) throw new UsageError(`more than one action: ${found.join(' and ')}`, 4);
  return found[0];
};

const noAction = async (words: readonly (string | number)[], columns: number): Promise<Invocation> => {
  const [word] = words.map(String);
  const near = word === undefined ? undefined : nearest(word, dkmsActions);
  const said = word === undefined ? 'no action given' : `unknown action ${word}`;
  const usage = await parserOf(columns).getHelp();
  // dkms ends well here, and scripts have come to live with it.
  return {
    kind: 'text',
    text: `dkms: ${said}${near ? `: did you mean ${near}?` : ''}\n\n${usage}\n`,
    code: 0,
    to: 'err',
  };
};

const ignoredOptions = ['no-initrd', 'no-clean-kernel', 'no-prepare-kernel'] as const;

const invocationOf = async (given: Given, context: CliContext): Promise<Invocation> => {
  if (given.version) return { kind: 'text', text: `dkms-${surfaceVersion}\n`, code: 0 };
  const action = actionOf(given._);
  if (given.help) return { kind: 'text', text: `${await helpText(action, context.columns)}\n`, code: 0 };
  if (!action) return noAction(given._, context.columns);
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
    verbose: given.verbose || given.debug,
    quiet: given.quiet,
    ignored: ignoredOptions.filter((name) => given[name]).map((name) => `--${name}`),
    exitPolicy: exitPolicyOf(action),
  };
};

/** Reads a dkms command line. Prints nothing and ends nothing: help, the version and wrong usage come back as text. */
export const parseDkmsCommandLine = async (argv: readonly string[], context: CliContext): Promise<Invocation> => {
  const said: { error?: Error | null | undefined } = {};
  try {
    const given = await parserOf(context.columns).parseAsync([...argv], {}, (error) => {
      said.error = error;
    });
    // The parser has one complaint for `-k` without a word and for `--kernelver=`: scripts know the latter by its number.
    const isEmpty = argv.some((word) => /^--?(kernelver|k|arch|a)=$/.test(word));
    if (said.error && isEmpty) return text(emptyKernel, 16);
    if (said.error) return text(complaint(said.error.message, argv, dkmsActions, Object.keys(dkmsOptions)), 2);
    return await invocationOf(given, context);
  } catch (error) {
    if (error instanceof UsageError) return text(error.message, error.code);
    throw error;
  }
};
