/** dkms's options, as its users and package scripts write them. */

const text = (describe: string) => ({ type: 'string', requiresArg: true, describe }) as const;
const many = (describe: string) => ({ type: 'string', array: true, requiresArg: true, describe }) as const;
const flag = (describe: string) => ({ type: 'boolean', default: false, describe }) as const;

export const dkmsOptions = {
  module: { ...text('The module: NAME or NAME/VERSION'), alias: 'm' },
  'module-version': { ...text('The version of the module'), alias: 'v' },
  kernelver: { ...many('This kernel, or KERNEL/ARCH; can be given again'), alias: 'k' },
  arch: { ...many('The architecture of the kernels; can be given again'), alias: 'a' },
  conf: { ...text('This file instead of dkms.conf'), alias: 'c' },
  config: text("The kernel's configuration, instead of the one with its headers"),
  kernelsourcedir: text('Build against this directory'),
  archive: text('The archive to write or to load'),
  templatekernel: text('match: the kernel to take as a model'),
  directive: many('NAME=value: set a directive of dkms.conf; can be given again'),
  jobs: { ...text('Cores for the whole run; 0: no limit'), alias: 'j' },
  all: flag('Every kernel'),
  force: flag('Build or install although it seems not needed or not right'),
  'force-version-override': flag("Replace the kernel's own module whatever its version"),
  'binaries-only': flag('mktarball: no source'),
  'source-only': flag('mktarball: no binaries'),
  'no-depmod': flag('Leave depmod to the caller'),
  'modprobe-on-install': flag('Load the modules after installing them'),
  'symlink-modules': flag('Install links instead of copies'),
  rpm_safe_upgrade: flag('Survive being called from an rpm upgrade of the same version'),
  quiet: { ...flag('Say only what failed'), alias: 'q' },
  verbose: flag('Say every step'),
  debug: flag('Say every step'),
  'no-initrd': flag('Ignored'),
  'no-clean-kernel': flag('Ignored'),
  'no-prepare-kernel': flag('Ignored'),
  dkmstree: text('The dkms tree, instead of /var/lib/dkms'),
  sourcetree: text('The tree of sources, instead of /usr/src'),
  installtree: text('The tree of kernel modules, instead of /lib/modules'),
  confdir: text('The directory of settings, instead of /etc/dkms'),
  statedir: text('Where failures are remembered, instead of /var/lib/kmodsort'),
  'os-release': text('The file that names the distribution'),
  version: { ...flag('Print the version of dkms that this keeps to'), alias: 'V' },
  help: { ...flag('Print this help'), alias: 'h' },
} as const;

export const dkmsActions = [
  'add',
  'remove',
  'build',
  'unbuild',
  'install',
  'uninstall',
  'match',
  'autoinstall',
  'status',
  'mktarball',
  'ldtarball',
  'generate_mok',
  'kernel_preinst',
  'kernel_postinst',
  'kernel_prerm',
] as const;

export type DkmsAction = (typeof dkmsActions)[number];

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
