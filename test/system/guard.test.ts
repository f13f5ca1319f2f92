import { afterEach, describe, expect, it } from 'vitest';
import {
  apt,
  aptWell,
  headers,
  image,
  kmodsortMachine,
  newer,
  older,
  provision,
  releases,
  stopMachines,
} from './apt-machine.ts';
import { headersPackage, imagePackage, modulePackage } from './debs.ts';
import { everythingBut } from './everything.ts';
import type { Machine } from './machine.ts';
import {
  archMachine,
  dkmsPackage,
  linuxHeaders,
  linuxPackage,
  pacman,
  pacmanWell,
  publishPackages,
} from './pacman-machine.ts';

/** A kernel that a required module rules out is stopped before anything changes, if the admin asked for that. */

afterEach(stopMachines);

/** Only for the line of the older kernel. */
const line = older.release.split('.').slice(0, 2).join('\\.');
const conf = `BUILD_EXCLUSIVE_KERNEL="^${line}\\."\n`;
const guardOn = (machine: Machine, required: string): void =>
  machine.write('/etc/dkms/framework.conf.d/guard.conf', `kernel_guard="yes"\nrequired_modules="${required}"\n`);

describe.skipIf(!provision).each(releases)('guard of apt on %s', (release) => {
  it('guard: stops what a required module rules out, warns of others, and can be told to go on', async () => {
    const packages = [
      imagePackage(older.release),
      headersPackage(older),
      imagePackage(newer.release),
      headersPackage(newer),
    ];
    const machine = await kmodsortMachine(release, ...packages, modulePackage('lonely', { conf }));
    await aptWell(machine, 'install', image(older), headers(older), 'lonely-dkms');
    guardOn(machine, 'lonely');
    const stopped = await apt(machine, 'install', image(newer), headers(newer));
    expect(stopped.code).toBe(100);
    expect(stopped.stdout + stopped.stderr).toContain(
      `kmodsort: STOP: lonely/1.0 cannot be built for the incoming kernel ${newer.release}: BUILD_EXCLUSIVE_KERNEL=^${line}\\.`,
    );
    expect(machine.exists(`/boot/vmlinuz-${newer.release}`)).toBe(false);
    guardOn(machine, '');
    const warned = await machine.run(['apt-get', '-q', '-y', 'install', image(newer)]);
    expect(warned.code).toBe(0);
    expect(warned.stdout + warned.stderr).toContain('kmodsort: warning: lonely/1.0 cannot be built');
    await aptWell(machine, 'purge', image(newer));
    guardOn(machine, 'lonely');
    const forced = await machine.run(['apt-get', '-q', '-y', 'install', image(newer)], {
      env: { KMODSORT_GUARD: 'off' },
    });
    expect(forced.stdout + forced.stderr).not.toContain('STOP');
    expect(machine.exists(`/boot/vmlinuz-${newer.release}`)).toBe(true);
  });

  it('guard: counts a module that comes in the same call as its new version', async () => {
    const packages = [
      imagePackage(older.release),
      headersPackage(older),
      imagePackage(newer.release),
      headersPackage(newer),
    ];
    const machine = await kmodsortMachine(
      release,
      ...packages,
      modulePackage('lonely', { conf }),
      modulePackage('lonely', { version: '1.1' }),
    );
    await aptWell(machine, 'install', image(older), headers(older), 'lonely-dkms=1.0-1');
    guardOn(machine, 'lonely');
    await aptWell(machine, 'install', image(newer), headers(newer), 'lonely-dkms=1.1-1');
    expect(machine.objects(newer.release)).toEqual(['lonely']);
  });
});

const buildsFor = (machine: Machine, required: string): void =>
  machine.write(
    '/etc/dkms/framework.conf.d/guard.conf',
    `kernel_guard="build"\nrequired_modules="${required}"\nverbose="yes"\n`,
  );

/** What no transaction that was stopped may have changed; the managers' own logs and caches may. */
const untouched = async (machine: Machine): Promise<string[]> =>
  (await everythingBut(machine, '/var/lib/kmodsort')).filter(
    (line) =>
      !/^\/var\/(log|cache|lib\/apt|lib\/dpkg\/lock|lib\/pacman)\b|^\/(tmp|var\/lib\/dpkg|var\/lib\/pacman) d /.test(
        line,
      ),
  );

const breaksOnNewer = {
  'lonely.c': (text: string) =>
    `#include <linux/version.h>\n#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)\n#error not for this kernel\n#endif\n${text}`,
};

describe.skipIf(!provision)('kernel_guard="build"', () => {
  it('guard: apt is stopped by a module that does not build, before anything changes, and not by one that is repaired', async () => {
    const packages = [
      imagePackage(older.release),
      headersPackage(older),
      imagePackage(newer.release),
      headersPackage(newer),
    ];
    const machine = await kmodsortMachine(
      'bookworm',
      ...packages,
      modulePackage('lonely', { edits: breaksOnNewer }),
      modulePackage('lonely', { version: '1.1' }),
    );
    await aptWell(machine, 'install', image(older), headers(older), 'lonely-dkms=1.0-1');
    buildsFor(machine, 'lonely');
    const before = await untouched(machine);
    const stopped = await apt(machine, 'install', image(newer), headers(newer));
    expect(stopped.code).toBe(100);
    expect(stopped.stdout + stopped.stderr).toMatch(
      /STOP: lonely\/1\.0 does not build for the incoming kernel \S+: compiler error: .*not for this kernel/,
    );
    expect(await untouched(machine)).toEqual(before);
    const again = await apt(machine, 'install', image(newer), headers(newer));
    expect([again.code, again.stdout + again.stderr]).toEqual([100, expect.not.stringContaining('running make')]);
    const bare = await apt(machine, 'install', image(newer));
    expect([bare.code, bare.stdout + bare.stderr]).toEqual([
      100,
      expect.stringMatching(/STOP: lonely\/1\.0 does not build .* kernel headers .* not found/),
    ]);
    const passed = await aptWell(machine, 'install', image(newer), headers(newer), 'lonely-dkms=1.1-1');
    expect(passed).toMatch(/ installed +lonely\/1\.1 +\S+ +from the store /);
    expect(machine.objects(newer.release)).toEqual(['lonely']);
  });

  it('guard: pacman is stopped in the same way, and its hook compiles nothing after a good answer', async () => {
    const kernel = [linuxPackage('linux', older), linuxHeaders('linux', older)];
    const machine = await archMachine('bookworm', ...kernel, dkmsPackage('lonely', { edits: breaksOnNewer }));
    await pacmanWell(machine, '-Sy', 'linux', 'linux-headers', 'lonely-dkms');
    buildsFor(machine, 'lonely');
    await publishPackages(machine, linuxPackage('linux', newer, '2-1'), linuxHeaders('linux', newer, '2-1'));
    const before = await untouched(machine);
    const stopped = await pacman(machine, '-Syyu');
    expect([stopped.code, stopped.stdout + stopped.stderr]).toEqual([
      1,
      expect.stringMatching(/STOP: lonely\/1\.0 does not build for the incoming kernel .*not for this kernel/),
    ]);
    expect(await untouched(machine)).toEqual(before);
    await publishPackages(machine, dkmsPackage('lonely', { version: '1.1' }));
    const passed = await pacmanWell(machine, '-Syyu');
    expect(passed).toMatch(/ installed +lonely\/1\.1 +\S+ +from the store /);
    expect(machine.objects(newer.release)).toEqual(['lonely']);
  });
});

describe.skipIf(!provision).each(releases)('guard of pacman on %s', (release) => {
  it('guard: stops an upgrade before anything changes, and passes one that brings a module for it', async () => {
    const kernel = [linuxPackage('linux', older), linuxHeaders('linux', older)];
    const machine = await archMachine(release, ...kernel, dkmsPackage('lonely', { conf }));
    await pacmanWell(machine, '-Sy', 'linux', 'linux-headers', 'lonely-dkms');
    guardOn(machine, 'lonely');
    await publishPackages(machine, linuxPackage('linux', newer, '2-1'), linuxHeaders('linux', newer, '2-1'));
    const stopped = await pacman(machine, '-Syyu');
    expect(stopped.code).toBe(1);
    expect(stopped.stdout + stopped.stderr).toContain(
      `STOP: lonely/1.0 cannot be built for the incoming kernel ${newer.release}`,
    );
    expect(machine.exists(`/usr/lib/modules/${newer.release}`)).toBe(false);
    expect(machine.objects(older.release)).toEqual(['lonely']);
    await publishPackages(machine, dkmsPackage('lonely', { version: '1.1' }));
    await pacmanWell(machine, '-Syyu');
    expect(machine.objects(newer.release)).toEqual(['lonely']);
  });
});
