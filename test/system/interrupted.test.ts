import { setTimeout } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { apt, aptWell, headers, image, kmodsortMachine, older, provision, stopMachines } from './apt-machine.ts';
import { headersPackage, imagePackage, modulePackage } from './debs.ts';
import type { Machine } from './machine.ts';
import { archMachine, dkmsPackage, linuxHeaders, linuxPackage, pacmanWell } from './pacman-machine.ts';
import { dnfCommand, dnfWell, fedoraMachine, kernelCore, kernelDevel, moduleRpm } from './rpm-machine.ts';

/** Signals in the middle of a transaction: what was begun is put in order by the next one. */

afterEach(stopMachines);

const chain = ['alpha-top', 'mid-link', 'zeta-core'];
const chainObjects = ['alpha_top', 'mid_link', 'zeta_core'];

/** Our program alone, or everyone at once as Ctrl-C does. */
type Target = 'program' | 'everyone';

/** Start a command, and send a signal as soon as our program builds. */
const interrupt = async (
  machine: Machine,
  argv: readonly string[],
  signal: NodeJS.Signals,
  target: Target,
): Promise<void> => {
  const { child, ended } = machine.start(argv);
  const run = { isOver: false };
  void ended.finally(() => {
    run.isOver = true;
  });
  // dnf shows what a hook says only when that is over, so its words are of no use here.
  while (!run.isOver && machine.processes('make ').length === 0) await setTimeout(10);
  const group = child.pid === undefined ? [] : [-child.pid];
  const found = target === 'everyone' ? group : machine.processes('kmodsort.mjs hook');
  expect({ isOver: run.isOver, found: found.length > 0 }).toEqual({ isOver: false, found: true });
  for (const pid of found) process.kill(pid, signal);
  await ended;
  // dpkg may outlive apt, and a pacman that was terminated leaves its lock to the admin.
  while (machine.processes('dpkg').length > 0) await setTimeout(50);
  await machine.sh('rm -f /var/lib/pacman/db.lck');
};

const leftovers = async (machine: Machine): Promise<string> =>
  (
    await machine.sh(
      "find /var/lib/dkms /usr/lib/modules /var/lib/kmodsort -name '.tmp_*'; ls /var/lib/kmodsort/journal 2>/dev/null",
    )
  ).stdout + machine.processes('make ').join(' ');

const cases = [
  ['SIGINT', 'program'],
  ['SIGTERM', 'program'],
  ['SIGKILL', 'program'],
  ['SIGINT', 'everyone'],
  ['SIGTERM', 'everyone'],
] as const;

describe.skipIf(!provision).each(cases)('interrupted by %s to %s', (signal, target) => {
  it('interrupted: apt goes on with its packages, and the next run completes the modules', async () => {
    const packages = [imagePackage(older.release), headersPackage(older), ...chain.map((name) => modulePackage(name))];
    const machine = await kmodsortMachine('bookworm', ...packages);
    const words = [image(older), headers(older), ...chain.map((name) => `${name}-dkms`)];
    await interrupt(machine, ['apt-get', '-q', '-y', 'install', ...words], signal, target);
    await machine.run(['dpkg', '--configure', '-a']);
    await aptWell(machine, 'install', '--reinstall', image(older));
    expect(machine.objects(older.release)).toEqual(chainObjects);
    expect(await leftovers(machine)).toBe('');
    expect((await apt(machine, 'check')).code).toBe(0);
  });

  it('interrupted: pacman ends its transaction, and the next one completes the modules', async () => {
    const kernel = [linuxPackage('linux', older), linuxHeaders('linux', older)];
    const modules = chain.map((name) => dkmsPackage(name));
    const machine = await archMachine('trixie', ...kernel, ...modules, dkmsPackage('lonely'));
    const words = ['linux', 'linux-headers', ...chain.map((name) => `${name}-dkms`)];
    await interrupt(machine, ['pacman', '--noconfirm', '-Sy', ...words], signal, target);
    await pacmanWell(machine, '-S', 'lonely-dkms');
    expect(machine.objects(older.release)).toEqual(['alpha_top', 'lonely', 'mid_link', 'zeta_core']);
    expect(await leftovers(machine)).toBe('');
  });

  it('interrupted: dnf ends its transaction, and the next one completes the modules', async () => {
    const [core, devel] = [kernelCore(older), kernelDevel(older)];
    const modules = chain.map((name) => ({ ...moduleRpm(name), scriptlets: '' }));
    const machine = await fedoraMachine('bookworm', core, devel, ...modules, moduleRpm('lonely'));
    const words = [core.name, devel.name, ...chain.map((name) => `dkms-${name}`)];
    await interrupt(machine, [...dnfCommand, 'install', ...words], signal, target);
    await dnfWell(machine, 'install', ...words, 'dkms-lonely');
    expect(machine.objects(older.release)).toEqual(['alpha_top', 'lonely', 'mid_link', 'zeta_core']);
    expect(await leftovers(machine)).toBe('');
  });
});
