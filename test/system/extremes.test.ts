import { mkdirSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { RunOptions } from '../child.ts';
import {
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
import type { Contents } from './contents.ts';
import { headersPackage, imagePackage, modulePackage } from './debs.ts';
import type { Machine } from './machine.ts';
import { archMachine, dkmsPackage, linuxHeaders, linuxPackage } from './pacman-machine.ts';
import { dnfCommand, dnfWell, fedoraMachine, kernelCore, kernelDevel, moduleRpm } from './rpm-machine.ts';

/** Transactions with very many files, with a stdin that nobody closes, and with both directories of modules. */

afterEach(stopMachines);

/** 20,000 files that the hooks' patterns fit and that are no module's. */
const many: Contents = {
  files: Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`usr/src/many-1.0/${i}/dkms.conf`, ''])),
};

const open: RunOptions = { stdinStaysOpen: true };

const expectWell = async (machine: Machine, ...argv: string[]): Promise<string> => {
  const ended = await machine.run(argv, open);
  expect({ argv, code: ended.code, said: ended.code === 0 ? '' : ended.stdout + ended.stderr }).toEqual({
    argv,
    code: 0,
    said: '',
  });
  return ended.stdout + ended.stderr;
};

const builds = (said: string): number => said.match(/: building/g)?.length ?? 0;

describe.skipIf(!provision)('many-paths', () => {
  it('apt: 20,000 files and a stdin that stays open', async () => {
    const big = { name: 'many', version: '1', ...many };
    const machine = await kmodsortMachine(
      'trixie',
      imagePackage(older.release),
      headersPackage(older),
      modulePackage('lonely'),
      big,
    );
    await expectWell(machine, 'apt-get', '-q', '-y', 'install', 'many', image(older), headers(older), 'lonely-dkms');
    expect(machine.objects(older.release)).toEqual(['lonely']);
    await expectWell(machine, 'apt-get', '-q', '-y', 'purge', 'many', image(older), headers(older), 'lonely-dkms');
    expect(machine.objects(older.release)).toEqual([]);
  });

  it('pacman: 20,000 paths for the hooks and a stdin that stays open', async () => {
    const big = { name: 'many', version: '1-1', ...many };
    const machine = await archMachine(
      'trixie',
      linuxPackage('linux', older),
      linuxHeaders('linux', older),
      dkmsPackage('lonely'),
      big,
    );
    const said = await expectWell(
      machine,
      'pacman',
      '--noconfirm',
      '-Sy',
      'many',
      'linux',
      'linux-headers',
      'lonely-dkms',
    );
    expect(builds(said)).toBe(1);
    expect(machine.objects(older.release)).toEqual(['lonely']);
    await expectWell(machine, 'pacman', '--noconfirm', '-R', 'many', 'lonely-dkms');
    expect(machine.objects(older.release)).toEqual([]);
  });

  it('dnf: 20,000 paths for the file triggers and a stdin that stays open', async () => {
    const [core, devel, module] = [kernelCore(older), kernelDevel(older), moduleRpm('lonely')];
    const machine = await fedoraMachine('bookworm', core, devel, module, { name: 'many', version: '1', ...many });
    await expectWell(machine, ...dnfCommand, 'install', 'many', core.name, devel.name, module.name);
    expect(machine.objects(older.release)).toEqual(['lonely']);
    await expectWell(machine, ...dnfCommand, 'remove', 'many', module.name);
    expect(machine.objects(older.release)).toEqual([]);
  });
});

/** As before the merge: /lib is a directory of its own, with modules of its own. */
const unmerge = (machine: Machine): void => {
  const kept = machine.path('/lib.kept');
  mkdirSync(join(kept, 'modules'), { recursive: true });
  for (const name of readdirSync(machine.path('/usr/lib')).filter((one) => one !== 'modules')) {
    symlinkSync(`../usr/lib/${name}`, join(kept, name));
  }
  rmSync(machine.path('/lib'));
  renameSync(kept, machine.path('/lib'));
};

describe.skipIf(!provision).each(releases)('both-directories on %s', (release) => {
  const old = { modules: 'lib/modules' };

  it('apt: a kernel in /lib/modules and one in /usr/lib/modules, which are one directory', async () => {
    const machine = await kmodsortMachine(
      release,
      imagePackage(older.release, old),
      headersPackage(older, old),
      imagePackage(newer.release),
      headersPackage(newer),
      modulePackage('lonely'),
    );
    const said = await aptWell(machine, 'install', image(older), image(newer), headers(newer), 'lonely-dkms');
    expect(machine.objects(newer.release)).toEqual(['lonely']);
    const later = await aptWell(machine, 'install', headers(older));
    expect(machine.objects(older.release)).toEqual(['lonely']);
    expect([said, later].map(builds)).toEqual([1, 1]);
    await aptWell(machine, 'purge', image(older), headers(older));
    expect(machine.objects(older.release)).toEqual([]);
    expect(machine.objects(newer.release)).toEqual(['lonely']);
  });

  it('dnf: headers that come and go in /lib/modules', async () => {
    const [core, devel] = [kernelCore(older), kernelDevel(older, 'lib/modules')];
    const machine = await fedoraMachine(release, core, devel, moduleRpm('lonely'));
    await dnfWell(machine, 'install', core.name, 'dkms-lonely');
    await dnfWell(machine, 'install', devel.name);
    expect(machine.objects(older.release)).toEqual(['lonely']);
  });

  it('apt: a machine on which they are two, where the kernel looks in /lib/modules', async () => {
    const machine = await kmodsortMachine(
      release,
      imagePackage(older.release, old),
      headersPackage(older, old),
      modulePackage('lonely'),
    );
    unmerge(machine);
    await aptWell(machine, 'install', image(older), headers(older), 'lonely-dkms');
    expect(machine.objects(older.release)).toEqual(['lonely']);
    expect(machine.exists(`/usr/lib/modules/${older.release}`)).toBe(false);
    expect((await machine.run(['kmodsort', 'verify', '-k', older.release])).code).toBe(0);
    expect(machine.events().at(-1)).toMatch(/^initramfs .*: lonely $/);
    await aptWell(machine, 'purge', image(older), headers(older));
    expect(machine.exists(`/lib/modules/${older.release}`)).toBe(false);
  });
});
