import { afterEach, describe, expect, it } from 'vitest';
import type { VerifyAnswer } from '../../src/engine/answers.ts';
import type { Ended, RunOptions } from '../child.ts';
import { aptWell, installKmodsort, machineOf, provision, stopMachines } from '../system/apt-machine.ts';
import type { Machine } from '../system/machine.ts';
import type { Release } from '../system/roots.ts';
import { knownFindings } from './known-findings.ts';

/**
 * Real module packages of Debian, built for Debian's own kernel: `kmodsort verify` must not say of one that it will not
 * load unless that is known to be true. Builds for the better part of an hour.
 */

afterEach(stopMachines);

/** Milliseconds. */
const anHour = 3_600_000;
const say = (text: string): boolean => process.stdout.write(text);

const well = async (machine: Machine, argv: readonly string[], options: RunOptions = {}): Promise<Ended> => {
  const ended = await machine.run(argv, { timeout: anHour, ...options });
  if (ended.code !== 0) throw new Error(`${argv.join(' ')} ended with ${ended.code}:\n${ended.stdout}${ended.stderr}`);
  return ended;
};

/** A machine with kmodsort, Debian's kernel and its headers. No initramfs is made: nothing boots it. */
const machineWithKernel = async (release: Release, components: string): Promise<Machine> => {
  const machine = await machineOf(release);
  const sources = machine.read('/etc/apt/sources.list');
  machine.write('/etc/apt/sources.list', sources.replaceAll(/ main$/gm, ` ${components}`));
  await aptWell(machine, 'update');
  await installKmodsort(machine, release);
  const install = ['apt-get', '-q', '-y', 'install', 'linux-image-amd64', 'linux-headers-amd64'];
  await well(machine, install, { env: { INITRD: 'No' } });
  await aptWell(machine, 'clean');
  return machine;
};

/** Every package of modules that apt knows; dh-dkms is a program for making them. */
const modulePackages = async (machine: Machine): Promise<string[]> => {
  const { stdout } = await machine.run(['apt-cache', 'search', '-n', '--', '-dkms$']);
  return stdout
    .split('\n')
    .map((line) => line.split(' ')[0] ?? '')
    .filter((name) => name !== '' && name !== 'dh-dkms');
};

const stateOf = async (machine: Machine): Promise<string[]> =>
  (await machine.run(['dkms', 'status'])).stdout.split('\n').filter(Boolean);

/** What the packages did not build, because their confs say AUTOINSTALL=no or the build failed. */
const buildTheRest = async (machine: Machine, kernel: string): Promise<void> => {
  for (const line of (await stateOf(machine)).filter((one) => one.endsWith(': added'))) {
    const ended = await machine.run(['dkms', 'install', line.replace(/:.*/, ''), '-k', kernel], { timeout: anHour });
    say(`${ended.stdout}${ended.stderr}`);
  }
};

const verified = async (machine: Machine): Promise<VerifyAnswer> => {
  const { stdout } = await machine.run(['kmodsort', 'verify', '--json'], { timeout: anHour });
  return JSON.parse(stdout);
};

/** Warnings about sources: of a package they would be false alarms. */
const aboutSources = /not owned by root|(?:world|group)-writable/;

/** A transaction that is about something else: it finds all as it should be. */
const expectNothingToDo = async (machine: Machine, kernel: string): Promise<void> => {
  const stdin = `usr/lib/modules/${kernel}/vmlinuz\n`;
  const { stdout, stderr } = await machine.run(['kmodsort', 'hook', 'run', 'pacman', 'install'], {
    stdin,
    timeout: anHour,
  });
  say(stdout + stderr);
  expect(stdout + stderr).not.toMatch(/: (?:building|installing|signing) \(/);
};

/** Path and SHA-256 of every object that is no part of the kernel's own package. */
const objectsOn = async (machine: Machine, kernel: string): Promise<string[]> => {
  const { stdout } = await machine.sh(
    `cd /lib/modules/${kernel} && find updates extra -name '*.ko*' -exec sha256sum {} + 2>/dev/null`,
  );
  return stdout.split('\n').filter(Boolean).sort();
};

/** Taken away and installed again, modules come out of the store as they were. */
const expectTheSameFromStore = async (machine: Machine, kernel: string): Promise<void> => {
  const before = await objectsOn(machine, kernel);
  const labels = (await stateOf(machine))
    .filter((line) => line.endsWith(': installed'))
    .map((line) => line.replace(/,.*/, ''));
  for (const label of [...labels].reverse()) await well(machine, ['dkms', 'unbuild', label, '-k', kernel]);
  const built: string[] = [];
  for (const label of labels) {
    const { stdout, stderr } = await machine.run(['dkms', 'install', label, '-k', kernel], { timeout: anHour });
    if (!stdout.includes(' from the store (')) built.push(label, ...stderr.split('\n').filter(Boolean));
  }
  say(
    `taken out of the store: ${labels.length - built.length} of ${labels.length}; built again: ${built.join(', ')}\n`,
  );
  expect(built).toEqual([]);
  expect(await objectsOn(machine, kernel)).toEqual(before);
};

/** Install packages, build all that can be built, and give what verify says. */
const verifyPackages = async (
  machine: Machine,
  names: readonly string[],
  fromStore: boolean,
): Promise<VerifyAnswer> => {
  const kernel = (await machine.run(['ls', '/lib/modules'])).stdout.trim();
  const installed = await well(machine, ['apt-get', '-q', '-y', 'install', ...names], { onOutput: say });
  expect(installed.stdout + installed.stderr).not.toMatch(aboutSources);
  await buildTheRest(machine, kernel);
  await expectNothingToDo(machine, kernel);
  if (fromStore) await expectTheSameFromStore(machine, kernel);
  const states = await stateOf(machine);
  say(`${states.join('\n')}\n${(await machine.run(['kmodsort', 'verify'], { timeout: anHour })).stdout}`);
  return verified(machine);
};

interface Case {
  readonly release: Release;
  readonly components: string;
  /** All that there are if not given. */
  readonly names?: readonly string[];
  /** Not where some builds write into their own source: those are not kept. */
  readonly fromStore: boolean;
  /** Objects; fewer were not worth the look. */
  readonly atLeast: number;
}

const cases: readonly Case[] = [
  { release: 'bookworm', components: 'main', fromStore: false, atLeast: 90 },
  {
    release: 'trixie',
    components: 'main contrib non-free non-free-firmware',
    names: ['nvidia-kernel-dkms', 'nvidia-fs-dkms', 'zfs-dkms'],
    fromStore: true,
    atLeast: 8,
  },
];

describe.skipIf(!provision || process.arch !== 'x64')('verify says nothing wrong', () => {
  it.each(cases)('of module packages in $release', async ({ release, components, names, fromStore, atLeast }) => {
    const machine = await machineWithKernel(release, components);
    const answer = await verifyPackages(machine, names ?? (await modulePackages(machine)), fromStore);
    const [kernel] = answer.kernels;
    expect(kernel?.certain).toBe(true);
    expect(kernel?.objects).toBeGreaterThanOrEqual(atLeast);
    const found = answer.kernels.flatMap(({ failures }) => failures.map(({ failure }) => failure));
    const isKnown = (at = '', detail = ''): boolean =>
      knownFindings[release].some(({ object, problem }) => at.includes(`/${object}.ko`) && detail === problem);
    expect(found.filter(({ at, detail }) => !isKnown(at, detail))).toEqual([]);
  });
});
