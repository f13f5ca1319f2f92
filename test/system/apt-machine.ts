import { basename } from 'node:path';
import { inject } from 'vitest';
import type { Ended } from '../child.ts';
import type { TestKernel } from '../kernels.ts';
import { type DebPackage, publish, watchInitramfs } from './debs.ts';
import { type Machine, startMachine } from './machine.ts';
import type { SystemProvision } from './provision.ts';
import type { Release } from './roots.ts';

/** Machines with apt, and kmodsort on them from its own package. */

const system = inject('system');

/** What there is to test with; undefined where all of it is skipped. */
export const provision: SystemProvision | undefined = 'missing' in system ? undefined : system;

export const releases: readonly Release[] = ['bookworm', 'trixie'];

const kernelAt = (index: number): TestKernel => provision?.kernels[index] ?? { release: '', headers: '', inTree: '' };

/** Two kernels whose headers are at hand. */
export const older = kernelAt(0);
export const newer = kernelAt(1);

const machines: Machine[] = [];

/** For afterEach. */
export const stopMachines = (): void => {
  for (const machine of machines.splice(0)) machine.stop();
};

/** A machine of a release, kept track of. */
export const machineOf = async (release: Release, options = { onDisk: false }): Promise<Machine> => {
  const machine = await startMachine(provision?.roots[release] ?? '', options);
  machines.push(machine);
  return machine;
};

/** The package for a release: Debian 12 has no nodejs that is new enough. */
export const debOf = (release: Release): string =>
  (release === 'bookworm' ? provision?.packages.debBundled : provision?.packages.debSystem) ?? '';

export const apt = (machine: Machine, ...words: string[]): Promise<Ended> =>
  machine.run(['apt-get', '-q', '-y', ...words]);

/** As apt, and it must end well. */
export const aptWell = async (machine: Machine, ...words: string[]): Promise<string> => {
  const ended = await apt(machine, ...words);
  if (ended.code !== 0)
    throw new Error(`apt-get ${words.join(' ')} ended with ${ended.code}:\n${ended.stdout}${ended.stderr}`);
  return ended.stdout + ended.stderr;
};

const withRepository = async (machine: Machine, packages: readonly DebPackage[]): Promise<Machine> => {
  watchInitramfs(machine);
  await publish(machine, ...packages);
  return machine;
};

/** A machine with a repository of its own and recorded initramfs images, without kmodsort yet. */
export const bareMachine = async (release: Release, ...packages: readonly DebPackage[]): Promise<Machine> =>
  withRepository(await machineOf(release), packages);

/** The same on a disk of its own. */
export const diskMachine = async (release: Release, ...packages: readonly DebPackage[]): Promise<Machine> =>
  withRepository(await machineOf(release, { onDisk: true }), packages);

/** Install the kmodsort package that fits. */
export const installKmodsort = async (machine: Machine, release: Release): Promise<string> => {
  machine.bring(debOf(release), '/var/cache/debs');
  return aptWell(machine, 'install', `/var/cache/debs/${basename(debOf(release))}`);
};

/** A machine with kmodsort on it. */
export const kmodsortMachine = async (release: Release, ...packages: readonly DebPackage[]): Promise<Machine> => {
  const machine = await bareMachine(release, ...packages);
  await installKmodsort(machine, release);
  return machine;
};

/** dpkg's word about packages: those that are not fully installed, a line each. */
export const unsettled = async (machine: Machine): Promise<string[]> => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: placeholders of dpkg-query's own.
  const { stdout } = await machine.run(['dpkg-query', '-W', '-f=${Package} ${db:Status-Status}\\n']);
  return stdout.split('\n').filter((line) => line && !/ (installed|config-files)$/.test(line));
};

export const image = (kernel: TestKernel): string => `linux-image-${kernel.release}`;
export const headers = (kernel: TestKernel): string => `linux-headers-${kernel.release}`;
