import { basename, resolve } from 'node:path';
import yargs from 'yargs';
import type { Kernel, Operand, Request, Switches } from '../engine/request.ts';
import { isCleanName, type Manners } from '../events.ts';
import {
  actionHelp,
  type DkmsAction,
  dkmsActions,
  dkmsOptions,
  notForAll,
  oneKernel,
  rootOnly,
} from './dkms-options.ts';
import type { Invocation } from './kmodsort.ts';
import { overridesOf } from './options.ts';
import { complaint, nearest, UsageError } from './usage.ts';

/** The surface that is kept: scripts compare this number. */
const surfaceVersion = '3.4.3';

/** What a dkms command line is read against. */
export interface DkmsSurroundings {
  readonly cwd: string;
  readonly columns: number;
  readonly isRoot: boolean;
  readonly runningKernel: string;
  readonly arch: string;
  /** Whether a path is a file, a directory, or nothing. */
  readonly look: (path: string) => 'file' | 'directory' | undefined;
}

const actionLines = dkmsActions.map((action) => `  ${action.padEnd(16)} ${actionHelp[action].says}`).join('\n');

const usageOf = (action: DkmsAction | undefined): { line: string; says: string } => {
  if (!action) {
    const all = `Actions:\n${actionLines}\n\n'dkms ACTION --help' shows the options of one.`;
    return { line: 'dkms ACTION [NAME/VERSION] [options]', says: all };
  }
  const { operand, says } = actionHelp[action];
  return { line: ['dkms', action, operand, '[options]'].filter(Boolean).join(' '), says };
};

const parserOf = (columns: number, action?: DkmsAction) =>
  yargs([])
    .scriptName('dkms')
    .usage(usageOf(action).line)
    .epilogue(usageOf(action).says)
    .locale('en')
    .exitProcess(false)
    .showHelpOnFail(false)
    .help(false)
    .version(false)
    .wrap(columns)
    .strictOptions()
    .parserConfiguration({
      'boolean-negation': false,
      'camel-case-expansion': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'greedy-arrays': false,
      'duplicate-arguments-array': false,
    })
    .options(dkmsOptions);

type Given = Awaited<ReturnType<ReturnType<typeof parserOf>['parseAsync']>>;

const text = (message: string, code: number): Invocation => ({ kind: 'text', text: `dkms: ${message}\n`, code });

/** One -a serves all -k; else as many of one as of the other. */
const kernelsOf = (given: Given, around: DkmsSurroundings): Kernel[] => {
  const named = (given.kernelver ?? []).map((one) => one.split('/'));
  const arches = given.arch ?? [];
  const releases = named.length > 0 ? named : [[around.runningKernel]];
  if (arches.length > 1 && arches.length !== releases.length) {
    throw new UsageError('as many -a as -k are needed, or one for all', 1);
  }
  return releases.map(([release = '', arch], index) => {
    const kernel = { release, arch: arch ?? arches[index] ?? arches[0] ?? around.arch };
    if (!kernel.release || !kernel.arch) throw new UsageError('an empty kernel or architecture', 16);
    for (const word of [kernel.release, kernel.arch]) {
      if (!isCleanName(word)) throw new UsageError(`'${word}' is no kernel or architecture`, 16);
    }
    return kernel;
  });
};

const moduleOperand = (name: string, version: string | undefined): Operand => {
  const [plain = '', own] = name.split('/');
  const said = own ?? version;
  for (const word of [plain, ...(said === undefined ? [] : [said])]) {
    if (!isCleanName(word)) throw new UsageError(`'${word}' is no name or version of a module`, 1);
  }
  return { kind: 'module', name: plain, ...(said === undefined ? {} : { version: said }) };
};

/** -m and -v, or the word after the action: NAME/VERSION, a directory with a dkms.conf, a path to one. */
const operandOf = (given: Given, around: DkmsSurroundings): Operand | undefined => {
  const word = given._[1];
  const version = given['module-version'];
  if (given.module !== undefined) return moduleOperand(given.module, version);
  if (word === undefined) return undefined;
  const path = resolve(around.cwd, String(word));
  const isPath = around.look(`${path}/dkms.conf`) === 'file' || basename(path) === 'dkms.conf';
  return isPath && around.look(path) ? { kind: 'path', path } : moduleOperand(String(word), version);
};

const switchesOf = (given: Given, around: DkmsSurroundings): Switches => {
  const path = (value: string | undefined): string | undefined => value && resolve(around.cwd, value);
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

const refuseBadMixes = (action: DkmsAction, given: Given, around: DkmsSurroundings): void => {
  if (given['binaries-only'] && given['source-only']) throw new UsageError('--binaries-only and --source-only', 8);
  if (given.all && given.kernelver) throw new UsageError('--all and -k exclude each other', 2);
  if (given.all && given.arch) throw new UsageError('--all and -a exclude each other', 3);
  if (given.all && notForAll.has(action)) throw new UsageError(`${action} does not take --all`, 5);
  if (oneKernel.has(action) && (given.kernelver ?? []).length > 1) throw new UsageError(`${action} takes one -k`, 4);
  if (action.startsWith('kernel_') && !given.kernelver) throw new UsageError(`${action} needs -k KERNEL`, 1);
  if (rootOnly.has(action) && !around.isRoot) throw new UsageError(`${action} needs root; run it again with sudo`, 1);
};

const syncOf = (kernel: Kernel, isLeaving: boolean): Request => ({
  verb: 'sync',
  origin: 'typed',
  scope: { kind: 'only', releases: isLeaving ? [] : [`${kernel.release}/${kernel.arch}`] },
  touched: { kernels: [], sources: [] },
  leaving: { kernels: isLeaving ? [kernel.release] : [], sources: [] },
  headersMayFollow: false,
  initramfsFollows: [],
  dropOnly: isLeaving,
  dryRun: false,
});

const statusRequest = (given: Given, around: DkmsSurroundings): Request => {
  const operand = operandOf(given, around);
  const named = operand?.kind === 'module' ? operand : undefined;
  return {
    verb: 'status',
    kernels: given.kernelver ? kernelsOf(given, around) : [],
    arches: given.arch ?? [],
    ...(named ? { name: named.name } : {}),
    ...(named?.version ? { version: named.version } : {}),
  };
};

const archiveRequest = (action: 'mktarball' | 'ldtarball', given: Given, around: DkmsSurroundings): Request => {
  const switches = switchesOf(given, around);
  if (action === 'ldtarball') {
    if (given.force && !around.isRoot) throw new UsageError('ldtarball --force needs root; run it again with sudo', 1);
    const word = given.archive ?? given._[1];
    return { verb: action, switches, ...(word === undefined ? {} : { archive: resolve(around.cwd, String(word)) }) };
  }
  const operand = operandOf(given, around);
  const { archive } = given;
  return {
    verb: action,
    kernels: given.all ? 'all' : kernelsOf(given, around),
    sourceOnly: given['source-only'],
    binariesOnly: given['binaries-only'],
    switches,
    ...(operand ? { operand } : {}),
    ...(archive ? { archive: archive.includes('/') ? resolve(around.cwd, archive) : archive } : {}),
  };
};

const requestOf = (action: DkmsAction, given: Given, around: DkmsSurroundings): Request => {
  if (action === 'status') return statusRequest(given, around);
  const kernels = kernelsOf(given, around);
  const switches = switchesOf(given, around);
  const kernel = kernels[0] ?? { release: around.runningKernel, arch: around.arch };
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
      return archiveRequest(action, given, around);
    default: {
      const operand = operandOf(given, around);
      const chosen = given.all ? 'all' : kernels;
      return { verb: action, kernels: chosen, switches, ...(operand ? { operand } : {}) };
    }
  }
};

const mannersOf = (action: DkmsAction): Manners => {
  if (action === 'autoinstall' || action === 'kernel_postinst') return 'dkms-autoinstall';
  return action === 'kernel_preinst' || action === 'kernel_prerm' ? 'dkms-kernel' : 'dkms';
};

const actionOf = (words: readonly (string | number)[]): DkmsAction | undefined => {
  const isAction = (word: string): word is DkmsAction => dkmsActions.some((action) => action === word);
  const found = words.map(String).filter(isAction);
  if (found.length > 1) throw new UsageError(`two actions: ${found.join(' and ')}`, 4);
  return found[0];
};

/** An action's own help shows only the options that matter to it. */
const helpText = async (action: DkmsAction | undefined, columns: number): Promise<string> => {
  const parser = parserOf(columns, action);
  if (!action) return parser.getHelp();
  const wanted = new Set<string>([...actionHelp[action].options, 'quiet', 'verbose', 'help']);
  for (const name of Object.keys(dkmsOptions).filter((option) => !wanted.has(option))) parser.hide(name);
  return parser.getHelp();
};

const noAction = async (words: readonly (string | number)[], columns: number): Promise<Invocation> => {
  const [word] = words.map(String);
  const near = word === undefined ? undefined : nearest(word, dkmsActions);
  const said = word === undefined ? 'an action is missing' : `unknown action ${word}`;
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

const invocationOf = async (given: Given, around: DkmsSurroundings): Promise<Invocation> => {
  if (given.version) return { kind: 'text', text: `dkms-${surfaceVersion}\n`, code: 0 };
  const action = actionOf(given._);
  if (given.help) return { kind: 'text', text: `${await helpText(action, around.columns)}\n`, code: 0 };
  if (!action) return noAction(given._, around.columns);
  refuseBadMixes(action, given, around);
  // The words may come in any order: `dkms -k K build name/version`, `dkms name/version build`.
  const words = [action, ...given._.filter((word) => String(word) !== action)];
  const request = requestOf(action, { ...given, _: words }, around);
  return {
    kind: 'run',
    task: { kind: 'request', request },
    overrides: overridesOf({ ...given }, around.cwd),
    output: action === 'status' ? 'dkms' : 'auto',
    verbose: given.verbose || given.debug,
    quiet: given.quiet,
    ignored: ignoredOptions.filter((name) => given[name]).map((name) => `--${name}`),
    manners: mannersOf(action),
  };
};

/** Reads a dkms command line. Prints nothing and ends nothing: help, the version and wrong usage come back as text. */
export const parseDkmsCommandLine = async (argv: readonly string[], around: DkmsSurroundings): Promise<Invocation> => {
  const said: { error?: Error | null | undefined } = {};
  try {
    const given = await parserOf(around.columns).parseAsync([...argv], {}, (error) => {
      said.error = error;
    });
    if (said.error) return text(complaint(said.error.message, argv, dkmsActions, Object.keys(dkmsOptions)), 2);
    return await invocationOf(given, around);
  } catch (error) {
    if (error instanceof UsageError) return text(error.message, error.code);
    throw error;
  }
};
