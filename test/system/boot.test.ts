import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingPackages } from '../packages.ts';
import { aptWell, headers, image, kmodsortMachine, older, provision, stopMachines } from './apt-machine.ts';
import { headersPackage, imagePackage, modulePackage } from './debs.ts';
import type { Machine } from './machine.ts';
import { bootWhole, emulatorPackages } from './qemu.ts';

/**
 * Debian 12 with its own kernel and systemd comes up in an emulator, and the service of our package makes up for what
 * is missing, before anything is drawn. What happened is asked in there, after everything has started.
 */

const release = older.release;
const chain = ['alpha-top', 'mid-link', 'zeta-core'];
const node = '/usr/lib/kmodsort/node';

/** Says what it finds when it starts, and wants a module as those of graphics cards are wanted. */
const greeter = `#!/bin/sh
exec > /var/log/greeter 2>&1
echo "kmodsort.service: $(systemctl is-active kmodsort.service)"
modprobe alpha_top && echo 'modprobe: well'
echo "loaded: $(cut -d ' ' -f 1 /proc/modules | grep -E 'alpha_top|mid_link|zeta_core' | sort | tr '\\n' ' ')"
`;

const begin = '--- begin of what was collected';
const end = '--- end of what was collected';

const collector = `#!/bin/sh
part() { echo "== $1"; shift; "$@" 2>&1; }
dmesg -n 1
{
echo '${begin}'
part unit systemctl show -p ActiveState -p SubState -p Result kmodsort.service
part failed systemctl --failed --plain --no-legend
part active systemctl is-active multi-user.target graphical.target display-manager.service
part greeter cat /var/log/greeter
part queue ls /var/lib/kmodsort/queue
part status dkms status
part journal journalctl -b -o cat -u kmodsort.service
part errors journalctl -b -p err
part login bash -l -i -c true
echo '${end}'
} > /dev/ttyS0
systemctl poweroff --force
`;

const unit = (about: string, program: string): string => `[Unit]
${about}
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=${program}
`;

/** Services that need what this root has not: devices by udev, and D-Bus. */
const masked = ['getty.target', 'systemd-logind.service', 'timers.target'];

/** A display manager as Debian's packages bring one, and the collector. */
const addServices = async (machine: Machine): Promise<void> => {
  machine.write('/usr/local/sbin/greeter', greeter, 0o755);
  machine.write('/usr/local/sbin/collector', collector, 0o755);
  machine.write('/usr/lib/systemd/system/greeter.service', unit('', '/usr/local/sbin/greeter'));
  const last = 'After=graphical.target multi-user.target display-manager.service';
  machine.write('/usr/lib/systemd/system/collector.service', unit(last, '/usr/local/sbin/collector'));
  const done = await machine.sh(
    `cd /etc/systemd/system && ln -s /usr/lib/systemd/system/greeter.service display-manager.service &&
     mkdir -p graphical.target.wants && ln -s /usr/lib/systemd/system/collector.service graphical.target.wants/ &&
     for name in ${masked.join(' ')}; do ln -s /dev/null $name || exit 1; done`,
  );
  if (done.code !== 0) throw new Error(done.stderr);
};

/** An apt run during which our program cannot start: its words wait, and nothing is built. */
const installUnbuilt = async (machine: Machine, ...names: string[]): Promise<void> => {
  await machine.sh(`mv ${node} ${node}.away`);
  expect(await aptWell(machine, 'install', ...names)).toContain('kmodsort: cannot start now');
  await machine.sh(`mv ${node}.away ${node}`);
};

type Part = 'unit' | 'failed' | 'active' | 'greeter' | 'queue' | 'status' | 'journal' | 'errors' | 'login';

const partOf = (said: string, part: Part): string => {
  const collected = said.slice(said.indexOf(begin), said.indexOf(end));
  const found = collected.split(/^== /m).find((text) => text.startsWith(`${part}\n`));
  if (found === undefined) throw new Error(`nothing was collected about ${part}:\n${collected}`);
  return found.slice(part.length + 1).trim();
};

const linesOf = (said: string, part: Part): string[] => partOf(said, part).split('\n').sort();

describe.skipIf(!provision || process.arch !== 'x64')('boot: a system comes up', { timeout: 540_000 }, () => {
  let machine: Machine;

  beforeAll(async () => {
    const missing = missingPackages(emulatorPackages);
    if (missing) throw new Error(missing);
    const modules = [...chain, 'broken'].map((fixture) => modulePackage(fixture));
    machine = await kmodsortMachine('bookworm', imagePackage(release), headersPackage(older), ...modules);
    await addServices(machine);
    await aptWell(machine, 'install', image(older), headers(older), 'zeta-core-dkms');
    // Slow to find in an emulator.
    expect(await machine.run(['dkms', 'generate_mok'])).toMatchObject({ code: 0 });
  });

  afterAll(stopMachines);

  it('builds what waits in the queue and what is missing, before the display manager wants it', async () => {
    await machine.sh(`rm -r /usr/lib/modules/${release}/updates /var/lib/dkms/zeta-core/1.0/${release}`);
    await installUnbuilt(machine, 'alpha-top-dkms', 'mid-link-dkms');
    expect(machine.objects(release)).toEqual([]);
    const said = await bootWhole(machine, older, end);
    expect(linesOf(said, 'unit')).toEqual(['ActiveState=active', 'Result=success', 'SubState=exited']);
    expect(partOf(said, 'failed')).not.toContain('kmodsort');
    expect(linesOf(said, 'active')).toEqual(['active', 'active', 'active']);
    expect(partOf(said, 'greeter')).toBe(
      'kmodsort.service: active\nmodprobe: well\nloaded: alpha_top mid_link zeta_core',
    );
    expect(partOf(said, 'queue')).toBe('');
    expect(linesOf(said, 'status')).toEqual(chain.map((name) => `${name}/1.0, ${release}, x86_64: installed`));
    const journal = partOf(said, 'journal');
    for (const name of ['alpha-top', 'mid-link'])
      expect(journal).toContain(`running a hook that was queued: apt source ${name} 1.0`);
    for (const name of chain) expect(journal).toContain(`${name}/1.0, ${release}: building`);
    expect(partOf(said, 'errors')).not.toContain('kmodsort');
    expect(partOf(said, 'login')).not.toContain('kmodsort');
  });

  it('says loudly that a required module does not build, and comes up all the same', async () => {
    await aptWell(machine, 'install', ...chain.map((name) => `${name}-dkms`));
    expect(await machine.run(['kmodsort', 'sync', '-k', release])).toMatchObject({ code: 0 });
    expect(machine.objects(release)).toEqual(['alpha_top', 'mid_link', 'zeta_core']);
    machine.write('/etc/dkms/framework.conf.d/required.conf', 'required_modules="broken"\n');
    await installUnbuilt(machine, 'broken-dkms');
    const said = await bootWhole(machine, older, end);
    expect(linesOf(said, 'unit')).toEqual(['ActiveState=failed', 'Result=exit-code', 'SubState=failed']);
    expect(partOf(said, 'failed')).toMatch(/^kmodsort\.service +loaded failed failed/m);
    expect(linesOf(said, 'active')).toEqual(['active', 'active', 'active']);
    expect(partOf(said, 'greeter')).toBe(
      'kmodsort.service: failed\nmodprobe: well\nloaded: alpha_top mid_link zeta_core',
    );
    expect(partOf(said, 'journal')).toContain(`do not reboot into ${release}: required modules are missing: broken`);
    expect(partOf(said, 'errors')).toMatch(/ kmodsort(\[\d+\])?: broken\/1\.0, .*FAILED/);
    expect(partOf(said, 'errors')).toContain('Failed to start kmodsort.service');
    expect(partOf(said, 'login')).toContain(`kmodsort: kernel modules are missing:\n  broken/1.0 on ${release}:`);
  });
});
