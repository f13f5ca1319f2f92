import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Ended } from '../child.ts';
import type { TestKernel } from '../kernels.ts';
import { run } from '../packages.ts';
import { machineOf, provision } from './apt-machine.ts';
import { type Contents, fill, moduleSource, modulesOfK, type SourceOptions } from './contents.ts';
import type { Machine } from './machine.ts';
import type { Release } from './roots.ts';

/** Machines with rpm and dnf and a repository of their own, and packages as Fedora makes them. */

export interface RpmPackage extends Contents {
  readonly name: string;
  readonly version: string;
  /** Lines of the spec: Provides, Requires and the like. */
  readonly tags?: readonly string[];
  /** Scriptlets with their heads. */
  readonly scriptlets?: string;
  /** Configuration files, by their absolute paths. */
  readonly configs?: readonly string[];
  /** Shell lines that make more files in the build root. */
  readonly install?: string;
}

const specOf = (made: RpmPackage, tree: string): string => `
%global __os_install_post %{nil}
%global debug_package %{nil}
Name: ${made.name}
Version: ${made.version}
Release: 1
Summary: for a test
License: MIT
AutoReqProv: no
${(made.tags ?? []).join('\n')}
%description
For a test.
%install
cp -a ${tree}/. %{buildroot}/
${made.install ?? ''}
(cd %{buildroot} && find . -type f -o -type l) | sed 's/^[.]/"/; s/$/"/' > %{_builddir}/${made.name}.files
(cd %{buildroot} && find . -type d -path './*lib/modules/?*') | sed 's/^[.]/%dir "/; s/$/"/' >> %{_builddir}/${made.name}.files
${(made.configs ?? []).map((path) => `sed -i 's|^"${path}"|%config(noreplace) &|' %{_builddir}/${made.name}.files`).join('\n')}
${made.scriptlets ?? ''}
%files -f %{_builddir}/${made.name}.files
`;

const makeRpm = (work: string, made: RpmPackage): string => {
  const tree = join(work, `${made.name}-${made.version}`);
  fill(tree, made);
  const spec = join(work, `${made.name}.spec`);
  writeFileSync(spec, specOf(made, tree));
  const top = join(work, 'rpm');
  mkdirSync(join(top, 'BUILD'), { recursive: true });
  // dkms takes the architecture of a kernel from that of its package.
  const arch = run('uname', ['-m']).trim();
  run('rpmbuild', ['-bb', '--target', arch, '--define', `_topdir ${top}`, '--define', `_rpmdir ${work}/out`, spec]);
  const file = readdirSync(join(work, 'out', arch)).find((name) => name.startsWith(`${made.name}-${made.version}-`));
  return join(work, 'out', arch, file ?? '');
};

/** Put packages into a machine's repository. */
export const publishRpms = async (machine: Machine, ...packages: readonly RpmPackage[]): Promise<void> => {
  const work = mkdtempSync(join(tmpdir(), 'kmodsort-rpms-'));
  try {
    for (const made of packages) machine.bring(makeRpm(work, made), '/repo');
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  const ended = await machine.run(['createrepo_c', '-q', '/repo']);
  if (ended.code !== 0) throw new Error(ended.stderr);
};

/** Everything that our package depends on and the machine has from elsewhere. */
const base: RpmPackage = {
  name: 'base',
  version: '1',
  tags: [
    'Provides: bash kmod make gcc binutils patch util-linux gzip xz zstd glibc /bin/sh',
    'Provides: nodejs = 20.19.2',
  ],
  files: { 'usr/share/base/README': '' },
};

/** What every call begins with. */
export const dnfCommand = ['dnf', '-y', '--releasever=12', '--setopt=reposdir=/etc/test.repos.d'] as const;

export const dnf = (machine: Machine, ...words: string[]): Promise<Ended> => machine.run([...dnfCommand, ...words]);

/** As dnf, and it must end well. */
export const dnfWell = async (machine: Machine, ...words: string[]): Promise<string> => {
  const ended = await dnf(machine, ...words);
  if (ended.code !== 0)
    throw new Error(`dnf ${words.join(' ')} ended with ${ended.code}:\n${ended.stdout}${ended.stderr}`);
  return ended.stdout + ended.stderr;
};

/** What dracut does, written down instead of done. */
export const watchDracut = (
  machine: Machine,
  imageOf = (release: string) => `/boot/initramfs-${release}.img`,
): void => {
  machine.write(
    '/usr/bin/dracut',
    `#!/bin/sh\n[ "$1 $2" = "--force --kver" ] || exit 2\nK=$3\necho "dracut $K: ${modulesOfK}" >> /var/log/events\ntouch ${imageOf('$K')}\n`,
    0o755,
  );
};

/** What its plugin of kernel-install does. */
const watchDracutPlugin = (machine: Machine): void =>
  machine.write(
    '/usr/lib/kernel/install.d/50-dracut.install',
    `#!/bin/sh\nK=$2\n[ "$1" = add ] || exit 0\necho "dracut plugin $K: ${modulesOfK}" >> /var/log/events\ntouch /boot/initramfs-$K.img\n`,
    0o755,
  );

const packageOf = (release: Release): string =>
  (release === 'bookworm' ? provision?.packages.rpmBundled : provision?.packages.rpmSystem) ?? '';

/** A machine with rpm and a repository, and our package on it to be installed. */
export const bareRpmMachine = async (
  release: Release,
  distribution: string,
  ...packages: readonly RpmPackage[]
): Promise<{ readonly machine: Machine; readonly ours: string }> => {
  const machine = await machineOf(release);
  machine.write('/usr/lib/os-release', `ID=${distribution}\n`);
  // Newer rpm gives scriptlets a /tmp of their own, and the kernels of the tests may lie below /tmp.
  machine.write('/etc/rpm/macros.test', '%__transaction_unshare %{nil}\n%__transaction_unshare_paths %{nil}\n');
  await publishRpms(machine, base, ...packages);
  return { machine, ours: machine.bring(packageOf(release), '/var/cache') };
};

/** A machine that calls itself Fedora, without kmodsort yet. */
export const rpmMachine = async (release: Release, ...packages: readonly RpmPackage[]): Promise<Machine> => {
  const { machine } = await bareRpmMachine(release, 'fedora', ...packages);
  machine.write(
    '/etc/test.repos.d/test.repo',
    '[test]\nname=test\nbaseurl=file:///repo\ngpgcheck=0\nmetadata_expire=0\n',
  );
  machine.write('/etc/kernel/install.conf', 'layout=other\n');
  watchDracut(machine);
  watchDracutPlugin(machine);
  await dnfWell(machine, 'install', 'base');
  return machine;
};

/** Install the kmodsort package that fits, or reinstall it. */
export const installOurRpm = (
  machine: Machine,
  release: Release,
  how: 'install' | 'reinstall' = 'install',
): Promise<string> => dnfWell(machine, how, machine.bring(packageOf(release), '/var/cache'));

/** With kmodsort on it. */
export const fedoraMachine = async (release: Release, ...packages: readonly RpmPackage[]): Promise<Machine> => {
  const machine = await rpmMachine(release, ...packages);
  await installOurRpm(machine, release);
  return machine;
};

/** kernel-core: its scriptlets call kernel-install at the end of the transaction, and before it goes. */
export const kernelCore = (kernel: TestKernel): RpmPackage => {
  const directory = `usr/lib/modules/${kernel.release}`;
  return {
    name: `kernel-core-${kernel.release}`.replaceAll('+', '.'),
    version: '1',
    files: {
      [`${directory}/vmlinuz`]: 'image\n',
      [`${directory}/modules.order`]: '',
      [`${directory}/modules.builtin`]: '',
      [`${directory}/modules.builtin.modinfo`]: '',
      [`${directory}/kernel/README`]: '',
    },
    scriptlets: `%posttrans
depmod ${kernel.release}
kernel-install add ${kernel.release} /${directory}/vmlinuz || exit $?
%preun
kernel-install remove ${kernel.release} || exit $?
`,
  };
};

export const kernelDevel = (kernel: TestKernel, modules = 'usr/lib/modules'): RpmPackage => ({
  name: `kernel-devel-${kernel.release}`.replaceAll('+', '.'),
  version: '1',
  files: { [`usr/src/kernels/${kernel.release}/README`]: '' },
  install: `mkdir -p %{buildroot}/${modules}/${kernel.release} && ln -s ${kernel.headers} %{buildroot}/${modules}/${kernel.release}/build`,
});

/** What akmods' and dkms's packagers write: add in %post, remove in %preun, the build left to the triggers. */
export const moduleRpm = (fixture: string, options: SourceOptions = {}): RpmPackage => {
  const { version, contents } = moduleSource(fixture, options);
  const words = `-m ${fixture} -v ${version} -q`;
  return {
    name: `dkms-${fixture}`,
    version,
    tags: ['Requires: dkms'],
    ...contents,
    scriptlets: `%post
dkms add ${words} --rpm_safe_upgrade || :
dkms build ${words} || :
dkms install ${words} --force || :
%preun
dkms remove ${words} --all --rpm_safe_upgrade || :
`,
  };
};
