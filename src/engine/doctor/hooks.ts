import { dirname, join } from 'node:path';
import { familyOf } from '../system/distribution.ts';
import { exists, isExecutable, readDirectory, readLink, readText } from '../system/files.ts';
import type { Check, Found, View } from './view.ts';

/** The hooks of package managers: ours where the package is installed, and dkms's own beside them. */

/** What is run; `isProgram`: it must be executable. */
interface Hook {
  readonly path: string;
  readonly isProgram: boolean;
}

const program = (path: string): Hook => ({ path, isProgram: true });
const file = (path: string): Hook => ({ path, isProgram: false });

const everywhere: readonly Hook[] = [
  ...['hook', 'guard', 'required-check', 'boot-guard'].map((name) => program(`usr/lib/kmodsort/${name}`)),
  file('usr/lib/kmodsort/queue.sh'),
];

const debian: readonly Hook[] = [
  program('etc/kernel/postinst.d/00-kmodsort'),
  program('etc/kernel/prerm.d/00-kmodsort'),
  file('etc/apt/apt.conf.d/50kmodsort'),
];

const arch: readonly Hook[] = [
  '05-kmodsort-guard',
  '70-kmodsort-install',
  '71-kmodsort-remove',
  'zz-kmodsort-boot-guard',
].map((name) => file(`usr/share/libalpm/hooks/${name}.hook`));

const rpm: readonly Hook[] = [program('usr/lib/kernel/install.d/40-dkms.install')];

const hooksOf = ({ settings }: View): readonly Hook[] => {
  const family = familyOf(settings.distribution);
  if (family === 'debian' || family === 'ubuntu') return [...everywhere, ...debian];
  if (family === 'arch') return [...everywhere, ...arch];
  return family === 'redhat' || family === 'suse' ? [...everywhere, ...rpm] : everywhere;
};

const ownHook =
  (root: string) =>
  ({ path: relative, isProgram }: Hook): Found[] => {
    const path = join(root, relative);
    if (!exists(path)) return [{ diagnosis: { code: 'hook-missing', path } }];
    return isProgram && !isExecutable(path) ? [{ diagnosis: { code: 'hook-not-executable', path } }] : [];
  };

/** Places of run-parts(8); what is not executable is not run there. */
const kernelHooks = (root: string): string[] =>
  ['header_postinst.d', 'install.d', 'postinst.d', 'preinst.d', 'prerm.d', 'postrm.d']
    .map((place) => join(root, 'etc/kernel', place, 'dkms'))
    .filter(isExecutable);

/** alpm-hooks(5): one of the same name in /etc takes the place of the package's, and a link to /dev/null switches it off. */
const pacmanHooks = (root: string): string[] => {
  const [own, packaged] = [join(root, 'etc/pacman.d/hooks'), join(root, 'usr/share/libalpm/hooks')];
  const names = [...new Set([...readDirectory(own), ...readDirectory(packaged)])].filter((name) =>
    /^\d\d-dkms-.*\.hook$/.test(name),
  );
  return names
    .map((name) => ((readLink(join(own, name)) ?? exists(join(own, name))) ? join(own, name) : join(packaged, name)))
    .filter((path) => readLink(path) !== '/dev/null');
};

/** kernel-install(8): ours has dkms's name, so that it takes its place; one in /etc would take ours. */
const installPlugins = (root: string): string[] =>
  ['etc/kernel/install.d', 'usr/lib/kernel/install.d']
    .map((place) => join(root, place, '40-dkms.install'))
    .filter((path) => isExecutable(path) && !(readText(path) ?? '').includes('/usr/lib/kmodsort/'));

/** Whether a file, absolute below the root, is a hook of our package. */
export const isHook = (view: View, file: string): boolean => hooksOf(view).some(({ path }) => `/${path}` === file);

/** Where our package is installed; undefined if it is not. Hooks stand beside the settings: of `/etc/dkms` below `/`. */
export const packageRoot = ({ settings: { confDir } }: View): string | undefined => {
  const root = dirname(dirname(confDir));
  return confDir.endsWith('/etc/dkms') && exists(join(root, 'usr/lib/kmodsort/kmodsort.mjs')) ? root : undefined;
};

export const checkHooks: Check = (view) => {
  const root = packageRoot(view);
  if (root === undefined) return [];
  const foreign = [...kernelHooks(root), ...pacmanHooks(root), ...installPlugins(root)];
  return [
    ...hooksOf(view).flatMap(ownHook(root)),
    ...foreign.map((path): Found => ({ diagnosis: { code: 'foreign-hook', path } })),
  ];
};
