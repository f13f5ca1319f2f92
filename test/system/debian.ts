import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../kernels.ts';
import { run } from '../packages.ts';
import { aptWell, installKmodsort, machineOf } from './apt-machine.ts';
import type { Machine } from './machine.ts';

/** A machine that gets packages from Debian's own archive. */

/** What this machine's apt knows of Debian: the test kernels came from there. */
const sources = (): string =>
  run('apt-get', ['indextargets', '--format', 'deb $(REPO_URI) $(RELEASE) main', 'Created-By: Packages'])
    .split('\n')
    .filter((line) => /debian/.test(line))
    .filter((line, index, all) => all.indexOf(line) === index)
    .join('\n');

/** Archives that were downloaded once are not fetched again. */
const archives = join(repository, '.cache', 'archives');

export const realMachine = async (): Promise<Machine> => {
  const machine = await machineOf('bookworm');
  machine.write('/etc/apt/sources.list', `${sources()}\n`);
  mkdirSync(archives, { recursive: true });
  run('sh', [
    '-c',
    'cp -al "$1"/. "$2" 2>/dev/null || cp -a "$1"/. "$2"',
    'sh',
    archives,
    machine.path('/var/cache/apt/archives'),
  ]);
  machine.write(
    '/etc/apt/apt.conf.d/02keep',
    'APT::Keep-Downloaded-Packages "true";\nBinary::apt::APT::Keep-Downloaded-Packages "true";\n',
  );
  await aptWell(machine, 'update');
  await installKmodsort(machine, 'bookworm');
  await aptWell(machine, 'install', 'initramfs-tools');
  return machine;
};

export const keepArchives = (machine: Machine): string =>
  run('sh', ['-c', 'cp -an "$1"/*.deb "$2"', 'sh', machine.path('/var/cache/apt/archives'), archives]);

/** The two newest cloud kernels of one line, older first. */
export const twoReleases = async (machine: Machine): Promise<[string, string]> => {
  const { stdout } = await machine.sh(
    "apt-cache pkgnames linux-image-6.1. | grep '[0-9]-cloud-amd64$' | sort -V | tail -n 2",
  );
  const [previous = '', current = ''] = stdout.split('\n').map((name) => name.replace('linux-image-', ''));
  return [previous, current];
};

export const kernelPackages = (release: string): string[] => [`linux-image-${release}`, `linux-headers-${release}`];
