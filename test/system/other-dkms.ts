import type { Machine } from './machine.ts';
import type { PacmanPackage } from './pacman-machine.ts';
import type { RpmPackage } from './rpm-machine.ts';

/**
 * dkms as a package of pacman or rpm: the real program out of Debian's package, with hooks and scriptlets as Arch and
 * Fedora have them; the hooks write down that they ran.
 */

interface Unpacked {
  readonly version: string;
  /** Where a file of Debian's package is for us. */
  readonly at: (path: string) => string;
}

const unpack = async (machine: Machine): Promise<Unpacked> => {
  const { stdout, stderr } = await machine.sh(
    'cd /var/cache/debs && dpkg -x dkms_*.deb /tmp/dkms && dpkg-deb -f dkms_*.deb Version',
  );
  const version = /^[\d.]+/.exec(stdout)?.[0];
  if (!version) throw new Error(`Debian's dkms is not there: ${stderr}`);
  return { version, at: (path) => machine.path(`/tmp/dkms/${path}`) };
};

const service = '[Service]\nType=oneshot\nExecStart=/usr/lib/dkms/dkms_autoinstaller start\n';

const event = 'echo "hook of dkms" >> /var/log/events';

const alpmScript = `#!/bin/sh
${event}
for kernel in /usr/lib/modules/*; do
  for source in /usr/src/*/dkms.conf; do
    source=$(basename "\${source%/dkms.conf}")
    dkms install "\${source%-*}/\${source##*-}" -k "\${kernel##*/}"
  done
done
`;

const alpmHook = `[Trigger]
Type = Path
Operation = Install
Operation = Upgrade
Target = usr/src/*/dkms.conf
Target = usr/lib/modules/*/build/include/
[Action]
When = PostTransaction
Exec = /usr/share/libalpm/scripts/dkms
`;

/** The package as Arch has it. */
export const dkmsForPacman = async (machine: Machine): Promise<PacmanPackage> => {
  const { version, at } = await unpack(machine);
  machine.write('/tmp/dkms/hook', alpmScript, 0o755);
  return {
    name: 'dkms',
    version: `${version}-1`,
    backup: ['etc/dkms/framework.conf'],
    trees: {
      'usr/bin/dkms': at('usr/sbin/dkms'),
      'usr/lib/dkms': at('usr/lib/dkms'),
      'etc/dkms/framework.conf': at('etc/dkms/framework.conf'),
      'usr/share/libalpm/scripts/dkms': at('hook'),
    },
    files: {
      'usr/lib/systemd/system/dkms.service': service,
      'usr/share/libalpm/hooks/70-dkms-install.hook': alpmHook,
    },
  };
};

/** The package as Fedora has it. */
export const dkmsForRpm = async (machine: Machine): Promise<RpmPackage> => {
  const { version, at } = await unpack(machine);
  machine.write('/tmp/dkms/hook', `#!/bin/sh\n${event}\ndkms autoinstall -k "$2"\n`, 0o755);
  return {
    name: 'dkms',
    version,
    configs: ['/etc/dkms/framework.conf'],
    trees: {
      'usr/sbin/dkms': at('usr/sbin/dkms'),
      'usr/lib/dkms': at('usr/lib/dkms'),
      'etc/dkms/framework.conf': at('etc/dkms/framework.conf'),
      'usr/lib/kernel/install.d/40-dkms.install': at('hook'),
    },
    files: { 'usr/lib/systemd/system/dkms.service': `${service}[Install]\nWantedBy=multi-user.target\n` },
    scriptlets: `%post
[ $1 -ne 1 ] || systemctl --no-reload enable dkms.service || :
%preun
[ $1 -ne 0 ] || systemctl --no-reload disable dkms.service || :
`,
  };
};
