import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { TestKernel } from '../kernels.ts';
import { run } from '../packages.ts';
import { type Contents, fill, moduleSource, modulesOfK, place, type SourceOptions } from './contents.ts';
import type { Machine } from './machine.ts';

/**
 * Debian packages of kernels, headers and modules for a machine's own repository. Their maintainer scripts do what
 * those of the real ones do, and nothing else; an initramfs is a file and a line in the event log.
 */

type Script = 'preinst' | 'postinst' | 'prerm' | 'postrm';

export interface DebPackage extends Contents {
  readonly name: string;
  readonly version: string;
  readonly depends?: readonly string[];
  readonly scripts?: Partial<Readonly<Record<Script, string>>>;
}

const fillDeb = (root: string, made: DebPackage): void => {
  fill(root, made);
  const depends = made.depends && made.depends.length > 0 ? [`Depends: ${made.depends.join(', ')}`] : [];
  const control = [
    `Package: ${made.name}`,
    `Version: ${made.version}`,
    'Architecture: all',
    'Maintainer: nobody <nobody@localhost>',
    ...depends,
    'Description: for a test',
    '',
  ];
  writeFileSync(place(root, 'DEBIAN/control'), control.join('\n'));
  for (const [name, text] of Object.entries(made.scripts ?? {})) {
    writeFileSync(join(root, 'DEBIAN', name), `#!/bin/sh\nset -e\n${text}\n`, { mode: 0o755 });
  }
};

const digest = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

const indexEntry = (path: string): string => {
  const control = run('dpkg-deb', ['--field', path]).trim();
  return `${control}\nFilename: ./${basename(path)}\nSize: ${statSync(path).size}\nSHA256: ${digest(path)}\n`;
};

/** Put packages into a machine's repository, and have apt read it; the network is not asked. */
export const publish = async (machine: Machine, ...packages: readonly DebPackage[]): Promise<void> => {
  const work = mkdtempSync(join(tmpdir(), 'kmodsort-debs-'));
  try {
    const entries = packages.map((made) => {
      const root = join(work, `${made.name}_${made.version}`);
      fillDeb(root, made);
      const file = join(work, `${made.name}_${made.version}_all.deb`);
      run('dpkg-deb', ['--root-owner-group', '-Zgzip', '-z1', '--build', root, file]);
      machine.bring(file, '/repo');
      return indexEntry(file);
    });
    machine.write('/repo/Packages', [machine.read('/repo/Packages'), ...entries].filter(Boolean).join('\n'));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  machine.write('/etc/apt/sources.list', 'deb [trusted=yes] file:/repo ./\n');
  await machine.sh('rm -f /etc/apt/sources.list.d/*; apt-get update -q');
};

const say = (text: string): string => `echo "${text}" >> /var/log/events`;

/** What Debian's image packages do: depmod, then the hooks of others with the kernel and its image. */
const runHooks = (directory: string, release: string): string =>
  `DEB_MAINT_PARAMS="$*" run-parts --report --exit-on-error --arg=${release} --arg=/boot/vmlinuz-${release} /etc/kernel/${directory}`;

/** @param options.modules where it has its modules; packages of older releases say `lib/modules` */
export const imagePackage = (release: string, { version = '1', modules = 'usr/lib/modules' } = {}): DebPackage => ({
  name: `linux-image-${release}`,
  version,
  files: {
    [`boot/vmlinuz-${release}`]: `image ${version}\n`,
    [`${modules}/${release}/modules.order`]: '',
    [`${modules}/${release}/modules.builtin`]: '',
    [`${modules}/${release}/modules.builtin.modinfo`]: '',
    [`${modules}/${release}/kernel/drivers/misc/README`]: 'modules of the kernel itself\n',
  },
  scripts: {
    postinst: `[ "$1" = configure ] || exit 0\ndepmod ${release}\n${runHooks('postinst.d', release)}`,
    prerm: `[ "$1" = remove ] || exit 0\n${runHooks('prerm.d', release)}`,
    postrm: `[ "$1" = remove ] || exit 0\nrm -f /${modules}/${release}/modules.* /boot/initrd.img-${release}\n[ ! -d /etc/kernel/postrm.d ] || ${runHooks('postrm.d', release)}`,
  },
});

/** The headers are where the tests have them: only the link is in the package. */
export const headersPackage = (
  kernel: TestKernel,
  { version = '1', at = kernel.headers, modules = 'usr/lib/modules' } = {},
): DebPackage => ({
  name: `linux-headers-${kernel.release}`,
  version,
  links: { [`${modules}/${kernel.release}/build`]: at },
  files: { [`usr/share/doc/linux-headers-${kernel.release}/changes`]: `${version}\n` },
});

/** What dh_dkms puts into the packages of modules. */
const moduleScripts = (name: string, version: string): Partial<Record<Script, string>> => ({
  postinst: `[ "$1" = configure ] || exit 0\n/usr/lib/dkms/common.postinst ${name} ${version} /usr/share/${name}-dkms "" $2`,
  prerm: `case $1 in\nremove | upgrade | deconfigure)\n  if [ "$(dkms status -m ${name} -v ${version})" ]; then dkms remove -m ${name} -v ${version} --all; fi\n  ;;\nesac`,
});

export interface ModuleOptions extends SourceOptions {
  /** Of the package, beside the version of the module. */
  readonly revision?: string;
  readonly depends?: readonly string[];
}

/** A module package made of a fixture. */
export const modulePackage = (fixture: string, options: ModuleOptions = {}): DebPackage => {
  const { version, contents } = moduleSource(fixture, options);
  return {
    name: `${fixture}-dkms`,
    version: `${version}-${options.revision ?? '1'}`,
    depends: ['dkms', ...(options.depends ?? [])],
    scripts: moduleScripts(fixture, version),
    ...contents,
  };
};

/** Stand-ins for the programs that make an initramfs: each writes down which modules it would have put in. */
export const watchInitramfs = (machine: Machine): void => {
  const make = `${say(`initramfs $HOW $K: ${modulesOfK}`)}\ntouch /boot/initrd.img-$K\n`;
  machine.write('/etc/kernel/postinst.d/initramfs-tools', `#!/bin/sh\nK=$1 HOW=postinst\n${make}`, 0o755);
  machine.write(
    '/usr/sbin/update-initramfs',
    `#!/bin/sh\n[ "$1 $2" = "-u -k" ] || exit 2\nK=$3 HOW=update\n${make}`,
    0o755,
  );
};
