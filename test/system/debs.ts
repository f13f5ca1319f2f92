import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { repository, type TestKernel } from '../kernels.ts';
import { run } from '../packages.ts';
import type { Machine } from './machine.ts';

/**
 * Debian packages of kernels, headers and modules for a machine's own repository. Their maintainer scripts do what
 * those of the real ones do, and nothing else; an initramfs is a file and a line in the event log.
 */

type Script = 'preinst' | 'postinst' | 'prerm' | 'postrm';

export interface DebPackage {
  readonly name: string;
  readonly version: string;
  readonly depends?: readonly string[];
  readonly scripts?: Partial<Readonly<Record<Script, string>>>;
  /** Text by path. */
  readonly files?: Readonly<Record<string, string>>;
  /** Targets by path. */
  readonly links?: Readonly<Record<string, string>>;
  /** A directory of ours by path. */
  readonly trees?: Readonly<Record<string, string>>;
}

const place = (root: string, path: string): string => {
  const target = join(root, path);
  mkdirSync(dirname(target), { recursive: true });
  return target;
};

const fill = (root: string, made: DebPackage): void => {
  for (const [path, target] of Object.entries(made.links ?? {})) symlinkSync(target, place(root, path));
  for (const [path, from] of Object.entries(made.trees ?? {})) cpSync(from, place(root, path), { recursive: true });
  for (const [path, text] of Object.entries(made.files ?? {})) writeFileSync(place(root, path), text);
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
      fill(root, made);
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

export const imagePackage = (release: string, version = '1'): DebPackage => ({
  name: `linux-image-${release}`,
  version,
  files: {
    [`boot/vmlinuz-${release}`]: `image ${version}\n`,
    [`usr/lib/modules/${release}/modules.order`]: '',
    [`usr/lib/modules/${release}/modules.builtin`]: '',
    [`usr/lib/modules/${release}/modules.builtin.modinfo`]: '',
    [`usr/lib/modules/${release}/kernel/drivers/misc/README`]: 'modules of the kernel itself\n',
  },
  scripts: {
    postinst: `[ "$1" = configure ] || exit 0\ndepmod ${release}\n${runHooks('postinst.d', release)}`,
    prerm: `[ "$1" = remove ] || exit 0\n${runHooks('prerm.d', release)}`,
    postrm: `[ "$1" = remove ] || exit 0\nrm -f /usr/lib/modules/${release}/modules.* /boot/initrd.img-${release}\n[ ! -d /etc/kernel/postrm.d ] || ${runHooks('postrm.d', release)}`,
  },
});

/** The headers are where the tests have them: only the link is in the package. */
export const headersPackage = (kernel: TestKernel, version = '1', at = kernel.headers): DebPackage => ({
  name: `linux-headers-${kernel.release}`,
  version,
  links: { [`usr/lib/modules/${kernel.release}/build`]: at },
  files: { [`usr/share/doc/linux-headers-${kernel.release}/changes`]: `${version}\n` },
});

/** What dh_dkms puts into the packages of modules. */
const moduleScripts = (name: string, version: string): Partial<Record<Script, string>> => ({
  postinst: `[ "$1" = configure ] || exit 0\n/usr/lib/dkms/common.postinst ${name} ${version} /usr/share/${name}-dkms "" $2`,
  prerm: `case $1 in\nremove | upgrade | deconfigure)\n  if [ "$(dkms status -m ${name} -v ${version})" ]; then dkms remove -m ${name} -v ${version} --all; fi\n  ;;\nesac`,
});

export interface ModuleOptions {
  readonly version?: string;
  /** Of the package, beside the version of the module. */
  readonly revision?: string;
  readonly depends?: readonly string[];
  /** Lines at the end of its dkms.conf. */
  readonly conf?: string;
  /** Text of its files by name, over the fixture's. */
  readonly edits?: Readonly<Record<string, (text: string) => string>>;
}

/** A module package made of a fixture. */
export const modulePackage = (fixture: string, options: ModuleOptions = {}): DebPackage => {
  const source = join(repository, 'test', 'fixtures', fixture);
  const conf = readFileSync(join(source, 'dkms.conf'), 'utf8');
  const written = /^PACKAGE_VERSION="([^"]+)"$/m.exec(conf)?.[1] ?? '';
  const version = options.version ?? written;
  const directory = `usr/src/${fixture}-${version}`;
  const edited = Object.entries(options.edits ?? {}).map(([file, edit]) => [
    `${directory}/${file}`,
    edit(readFileSync(join(source, file), 'utf8')),
  ]);
  return {
    name: `${fixture}-dkms`,
    version: `${version}-${options.revision ?? '1'}`,
    depends: ['dkms', ...(options.depends ?? [])],
    scripts: moduleScripts(fixture, version),
    trees: { [directory]: source },
    files: {
      ...Object.fromEntries(edited),
      [`${directory}/dkms.conf`]: `${conf.replace(`PACKAGE_VERSION="${written}"`, `PACKAGE_VERSION="${version}"`)}${options.conf ?? ''}`,
    },
  };
};

/** Stand-ins for the programs that make an initramfs: each writes down which modules it would have put in. */
export const watchInitramfs = (machine: Machine): void => {
  const list = `$(cd /usr/lib/modules/$K && find . -name '*.ko*' ! -path './kernel/*' | sed 's|.*/||; s|[.]ko.*||' | sort | tr '\\n' ' ')`;
  const make = `${say(`initramfs $HOW $K: ${list}`)}\ntouch /boot/initrd.img-$K\n`;
  machine.write('/etc/kernel/postinst.d/initramfs-tools', `#!/bin/sh\nK=$1 HOW=postinst\n${make}`, 0o755);
  machine.write(
    '/usr/sbin/update-initramfs',
    `#!/bin/sh\n[ "$1 $2" = "-u -k" ] || exit 2\nK=$3 HOW=update\n${make}`,
    0o755,
  );
};
