import { placeOptions } from './place-options.ts';

/** dkms's options, as its users and package scripts write them. */

/** Of an option with one value that was given twice the last one counts. */
const last = (given: string | readonly string[] | undefined): string | undefined =>
  typeof given === 'object' ? given.at(-1) : given;

const text = (describe: string) => ({ type: 'string', requiresArg: true, coerce: last, describe }) as const;
const many = (describe: string) => ({ type: 'string', array: true, requiresArg: true, describe }) as const;
const flag = (describe: string) => ({ type: 'boolean', default: false, describe }) as const;

export const dkmsOptions = {
  module: { ...text('The module: NAME or NAME/VERSION'), alias: 'm' },
  'module-version': { ...text('The version of the module'), alias: 'v' },
  kernelver: { ...many('The kernel release, or KERNEL/ARCH; can be repeated'), alias: 'k' },
  arch: { ...many('The architecture of the kernels; can be repeated'), alias: 'a' },
  conf: { ...text('Use this file instead of dkms.conf'), alias: 'c' },
  config: text('Use this kernel configuration instead of the one in the headers'),
  kernelsourcedir: text('Build against this kernel source directory'),
  archive: text('The archive to create or to load'),
  templatekernel: text('match: the kernel whose installed modules are matched'),
  directive: many('NAME=value: set a directive of dkms.conf; can be repeated'),
  jobs: { ...text('Number of parallel jobs for the whole run; 0: no limit'), alias: 'j' },
  all: flag('Every kernel'),
  force: flag('Build or install even if it is already done or a check objects'),
  'force-version-override': flag("Replace the kernel's own module whatever its version"),
  'binaries-only': flag('mktarball: leave out the source'),
  'source-only': flag('mktarball: leave out what is built'),
  'no-depmod': flag('Do not run depmod'),
  'modprobe-on-install': flag('Load the modules after installing them'),
  'symlink-modules': flag('Install symbolic links instead of copies'),
  rpm_safe_upgrade: flag('For rpm scriptlets: keep the module in an upgrade to the same version'),
  quiet: { ...flag('Quiet output: errors only'), alias: 'q' },
  verbose: flag('Verbose output'),
  debug: flag('Verbose output'),
  'no-initrd': flag('Ignored'),
  'no-clean-kernel': flag('Ignored'),
  'no-prepare-kernel': flag('Ignored'),
  ...placeOptions,
  version: { ...flag('Print the version of dkms that this is compatible with'), alias: 'V' },
  help: { ...flag('Print this help'), alias: 'h' },
} as const;

/** What each option is given as. */
type Value<O> = O extends { readonly type: 'boolean' }
  ? boolean
  : O extends { readonly array: true }
    ? string[] | undefined
    : string | undefined;

/** The words and options that were given. */
export type Given = { readonly [K in keyof typeof dkmsOptions]?: Value<(typeof dkmsOptions)[K]> } & {
  readonly _: readonly (string | number)[];
};

interface ActionHelp {
  /** What may follow the action. */
  readonly operand: string;
  readonly says: string;
  /** Long names of the options that matter to it, besides those that name trees. */
  readonly options: readonly string[];
}

const builds = ['kernelver', 'arch', 'all', 'force', 'conf', 'config', 'kernelsourcedir', 'directive', 'jobs'];
const installs = [...builds, 'force-version-override', 'no-depmod', 'modprobe-on-install', 'symlink-modules'];
const where = ['kernelver', 'arch', 'all'];

/** Every action: what follows it, what it does, which options matter to it. Help and manual are made from this. */
export const actionHelp = {
  add: {
    operand: 'NAME/VERSION | DIRECTORY | FILE',
    says: 'Add a module, from the source tree or from a directory that has a dkms.conf',
    options: ['conf', 'directive', 'rpm_safe_upgrade'],
  },
  remove: {
    operand: 'NAME/VERSION',
    says: 'Uninstall and unbuild a module, and remove it from the dkms tree when no kernel is left; its source stays',
    options: [...where, 'rpm_safe_upgrade'],
  },
  build: { operand: 'NAME/VERSION', says: 'Build a module, and its dependencies first', options: builds },
  unbuild: { operand: 'NAME/VERSION', says: 'Uninstall a module and delete what was built', options: where },
  install: { operand: 'NAME/VERSION', says: 'Install a module; build it first if necessary', options: installs },
  uninstall: {
    operand: 'NAME/VERSION',
    says: "Uninstall a module from a kernel and restore the kernel's own",
    options: where,
  },
  match: {
    operand: '',
    says: 'Install on a kernel every module that is installed on another',
    options: ['templatekernel', 'kernelver', 'arch', 'force', 'jobs'],
  },
  autoinstall: {
    operand: '',
    says: 'Build and install every added module that a kernel lacks, in dependency order',
    options: ['kernelver', 'arch', 'jobs'],
  },
  status: {
    operand: '[NAME[/VERSION]]',
    says: 'Show which modules are added, built and installed',
    options: ['kernelver', 'arch'],
  },
  mktarball: {
    operand: 'NAME/VERSION',
    says: 'Create an archive of a module and what is built of it',
    options: [...where, 'archive', 'binaries-only', 'source-only'],
  },
  ldtarball: {
    operand: 'ARCHIVE',
    says: 'Load an archive made by mktarball, or any that holds a dkms.conf',
    options: ['archive', 'force'],
  },
  generate_mok: { operand: '', says: 'Create the key that modules are signed with, if it is missing', options: [] },
  kernel_preinst: {
    operand: '',
    says: 'Before a kernel is installed again: remove what autoinstall will build',
    options: ['kernelver', 'arch'],
  },
  kernel_postinst: { operand: '', says: 'After a kernel was installed: autoinstall', options: ['kernelver', 'arch'] },
  kernel_prerm: {
    operand: '',
    says: 'Before a kernel is removed: remove its modules',
    options: ['kernelver', 'arch'],
  },
} as const satisfies Readonly<Record<string, ActionHelp>>;

export type DkmsAction = keyof typeof actionHelp;

const isAction = (word: string): word is DkmsAction => word in actionHelp;

export const dkmsActions: readonly DkmsAction[] = Object.keys(actionHelp).filter(isAction);

/** Actions that work on one kernel only. */
export const oneKernel: ReadonlySet<DkmsAction> = new Set([
  'match',
  'autoinstall',
  'kernel_preinst',
  'kernel_postinst',
  'kernel_prerm',
]);

/** Actions that refuse --all. */
export const notForAll: ReadonlySet<DkmsAction> = new Set([...oneKernel, 'add']);

/** Actions that change the running system, so that dkms asks for root. */
export const rootOnly: ReadonlySet<DkmsAction> = new Set([...oneKernel, 'install', 'uninstall']);

/** Actions that take a source from where it is and add it first. */
export const adding: ReadonlySet<DkmsAction> = new Set(['add', 'build', 'install']);
