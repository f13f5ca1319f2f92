import type { Machine } from './machine.ts';

/** What a package that went has left behind. */

/** Every path on a machine but those of the package managers themselves, of modules and of logs. */
export const paths = async (machine: Machine): Promise<string[]> => {
  const others = [
    '/var/lib/pacman',
    '/var/lib/rpm',
    '/var/lib/dnf',
    '/var/lib/dpkg',
    '/var/lib/apt',
    '/usr/lib/sysimage',
    '/var/cache',
    '/var/log',
  ];
  const modules = ['/var/lib/dkms', '/usr/lib/modules', '/usr/src', '/var/lib/kmodsort-test'];
  const left = [...others, ...modules].map((path) => `-path ${path}`).join(' -o ');
  const { stdout } = await machine.sh(`find /etc /usr /var /boot \\( ${left} \\) -prune -o -print | sort`);
  return stdout.split('\n').filter(Boolean);
};

/** What a machine has now and had not before. */
export const leftovers = async (machine: Machine, before: readonly string[]): Promise<string[]> =>
  (await paths(machine)).filter((path) => !before.includes(path));
