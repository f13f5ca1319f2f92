import { afterEach, describe, expect, it } from 'vitest';
import { apt, aptWell, headers, image, kmodsortMachine, older, provision, stopMachines } from './apt-machine.ts';
import { headersPackage, imagePackage, modulePackage } from './debs.ts';
import type { Machine } from './machine.ts';
import { archMachine, dkmsPackage, linuxHeaders, linuxPackage, pacmanWell } from './pacman-machine.ts';

/** Signals in the middle of a transaction: what was begun is put in order by the next one. */

afterEach(stopMachines);

const chain = ['alpha-top', 'mid-link', 'zeta-core'];
const chainObjects = ['alpha_top', 'mid_link', 'zeta_core'];

/** Start a command, and send a signal to our program when it says that it builds. */
const interrupt = async (machine: Machine, argv: readonly string[], signal: NodeJS.Signals): Promise<void> => {
  let sent = false;
  const { ended } = machine.start(argv, {
    onOutput: (text) => {
      if (sent || !text.includes(': building')) return;
      const found = machine.processes('kmodsort.mjs hook');
      for (const pid of found) process.kill(pid, signal);
      sent = found.length > 0;
    },
  });
  await ended;
  expect(sent).toBe(true);
};

const leftovers = async (machine: Machine): Promise<string> =>
  (
    await machine.sh(
      "find /var/lib/dkms /usr/lib/modules /var/lib/kmodsort -name '.tmp_*'; ls /var/lib/kmodsort/journal 2>/dev/null",
    )
  ).stdout + machine.processes('make ').join(' ');

describe.skipIf(!provision).each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)('interrupted by %s', (signal) => {
  it('interrupted: apt goes on with its packages, and the next run completes the modules', async () => {
    const packages = [imagePackage(older.release), headersPackage(older), ...chain.map((name) => modulePackage(name))];
    const machine = await kmodsortMachine('bookworm', ...packages);
    await interrupt(
      machine,
      ['apt-get', '-q', '-y', 'install', image(older), headers(older), ...chain.map((name) => `${name}-dkms`)],
      signal,
    );
    await machine.run(['dpkg', '--configure', '-a']);
    await aptWell(machine, 'install', '--reinstall', image(older));
    expect(machine.objects(older.release)).toEqual(chainObjects);
    expect(await leftovers(machine)).toBe('');
    expect((await apt(machine, 'check')).code).toBe(0);
  });

  it('interrupted: pacman ends its transaction, and the next one completes the modules', async () => {
    const kernel = [linuxPackage('linux', older), linuxHeaders('linux', older)];
    const machine = await archMachine(
      'trixie',
      ...kernel,
      ...chain.map((name) => dkmsPackage(name)),
      dkmsPackage('lonely'),
    );
    const words = ['linux', 'linux-headers', ...chain.map((name) => `${name}-dkms`)];
    await interrupt(machine, ['pacman', '--noconfirm', '-Sy', ...words], signal);
    await pacmanWell(machine, '-S', 'lonely-dkms');
    expect(machine.objects(older.release)).toEqual(['alpha_top', 'lonely', 'mid_link', 'zeta_core']);
    expect(await leftovers(machine)).toBe('');
  });
});
