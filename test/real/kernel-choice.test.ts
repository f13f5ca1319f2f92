import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { release as running } from 'node:os';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import type { World } from '../world.ts';
import { disposableWorld } from './disposable.ts';
import { saidBy } from './dkms-session.ts';
import { generate } from './generated-source.ts';
import { commandLine, environmentOf, shellLine } from './start-program.ts';

/** Which kernels are meant where no command names one. */

const provision = inject('provision');
const kernels = provision.kind === 'ready' ? provision.kernels : [];
const [release = '', second = ''] = kernels.map((kernel) => kernel.release);
const skips = `${second}: skipped by skip_kernels in framework.conf`;

const newestTold = (newest: string): string =>
  `${newest}: the newest installed kernel; the running ${running()} is not this system's\n`;

const newWorld = (settings = ''): World => {
  const world = disposableWorld({ kernels });
  world.configure(settings);
  return world;
};

const breakModule = (directory: string, name: string): void =>
  appendFileSync(join(directory, `${name}.c`), 'int broken(void) { return nothing_of_that_name; }\n');

describe.skipIf(kernels.length < 2)('a kernel that skip_kernels rules out', () => {
  it('is told once by the transaction that brings it, and is not built for', async () => {
    const world = newWorld(`skip_kernels="*-rt-* ${second.slice(0, -3)}*"\n`);
    generate(world, 'alone');
    const ended = await world.hook(['apt', 'postinst', second]);
    expect(ended.code).toBe(0);
    expect(ended.stdout.split(skips).length).toBe(2);
    expect(world.installedObjects(release)).toEqual(['alone']);
    expect(world.installedObjects(second)).toEqual([]);
    const later = await world.hook(['apt', 'trigger']);
    expect(saidBy(world, later)).not.toContain(second);
    expect((await world.hook(['apt', 'trigger', '--verbose'])).stdout).toContain(skips);
  });

  it('is told by what somebody types: sync, plan, verify and status', async () => {
    const world = newWorld(`skip_kernels="${second}"\n`);
    generate(world, 'alone');
    for (const words of [['plan'], ['sync'], ['verify'], ['status'], ['status', '--json']]) {
      const ended = await world.kmodsort(words);
      const told = words.includes('--json') ? `"release": "${second}"` : `${skips}\n`;
      expect([words.join(' '), ended.code, saidBy(world, ended)]).toEqual([
        words.join(' '),
        words[0] === 'plan' ? ended.code : 0,
        expect.stringContaining(told),
      ]);
    }
    expect((await world.dkms(['status'])).stdout).not.toContain(second);
  });

  it('is built for where -k names it, and stays as it is afterwards', async () => {
    const world = newWorld(`kernels="${release}"\n`);
    generate(world, 'alone');
    const named = await world.kmodsort(['sync', '-k', second]);
    expect(named.code).toBe(0);
    expect(saidBy(world, named)).not.toContain('skipped');
    expect(world.installedObjects(second)).toEqual(['alone']);
    const usual = await world.kmodsort(['sync']);
    expect(usual.stdout).toContain(`${second}: skipped, it is not among kernels in framework.conf\n`);
    expect(world.installedObjects(second)).toEqual(['alone']);
    expect(world.installedObjects(release)).toEqual(['alone']);
  });

  it('is no reason to complain at the login, or at the end of an apt run', async () => {
    const world = newWorld('required_modules="alone"\n');
    breakModule(generate(world, 'alone').directory, 'alone');
    const notice = join(world.trees.stateDir, 'notice');
    await world.hook(['apt', 'postinst', second]);
    expect(readFileSync(notice, 'utf8')).toContain(second);
    const requiredFiles = () => world.files(world.trees.stateDir).filter((path) => path.startsWith('required/'));
    expect(requiredFiles()).toContain(`required/${second}`);
    world.configure(`required_modules="alone"\nskip_kernels="${second} ${release}"\n`);
    const ended = await world.hook(['apt', 'trigger']);
    expect(ended.code).toBe(0);
    expect(saidBy(world, ended)).not.toContain('required modules');
    expect(world.files(world.trees.stateDir)).not.toContain('notice');
    expect(requiredFiles()).toEqual([]);
  });
});

describe.skipIf(kernels.length < 2)('a command of dkms without -k', () => {
  it('means the newest installed kernel where the running one is not installed, and says so', async () => {
    const world = newWorld();
    generate(world, 'alone');
    const installed = await world.dkms(['install', 'alone/1.0']);
    expect([installed.code, saidBy(world, installed)]).toEqual([0, expect.stringContaining(newestTold(second))]);
    expect(world.installedObjects(second)).toEqual(['alone']);
    expect(world.installedObjects(release)).toEqual([]);
    const removed = await world.dkms(['uninstall', 'alone/1.0']);
    expect([removed.code, world.installedObjects(second)]).toEqual([0, []]);
    world.configure(`skip_kernels="${second}"\n`);
    const auto = await world.dkms(['autoinstall']);
    expect([auto.code, world.installedObjects(release)]).toEqual([0, ['alone']]);
  });

  it('means the running kernel where that is installed, which autoinstall passes over by the settings', async () => {
    const world = newWorld();
    world.addKernel(running(), { headers: false });
    generate(world, 'alone');
    const installed = await world.dkms(['install', 'alone/1.0']);
    expect([installed.code, saidBy(world, installed)]).toEqual([21, expect.stringContaining(running())]);
    expect((await world.dkms(['autoinstall'])).code).toBe(21);
    world.configure('skip_kernels="*"\n');
    const auto = await world.dkms(['autoinstall']);
    expect([auto.code, saidBy(world, auto)]).toEqual([
      0,
      expect.stringContaining(`${running()}: skipped by skip_kernels in framework.conf\n`),
    ]);
  });
});

/** A root of its own that has all that this machine has: an overlay, in namespaces that go away with the shell, their process 1. */
const inChroot = (world: World, words: readonly string[]): { readonly code: number | null; readonly said: string } => {
  const place = join(world.root, 'chroot');
  for (const name of ['layers', 'root']) mkdirSync(join(place, name), { recursive: true });
  const script = `set -e
mount -t tmpfs layers ${place}/layers
mkdir ${place}/layers/upper ${place}/layers/work
mount -t overlay -o lowerdir=/,upperdir=${place}/layers/upper,workdir=${place}/layers/work overlay ${place}/root
mount --rbind /proc ${place}/root/proc
mount --rbind /dev ${place}/root/dev
chroot ${place}/root ${shellLine(words)}
`;
  const file = join(world.root, 'in-chroot.sh');
  writeFileSync(file, script);
  const { status, stdout, stderr } = spawnSync(
    'unshare',
    ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc', 'sh', file],
    {
      encoding: 'utf8',
      env: environmentOf(world),
    },
  );
  return { code: status, said: `${stdout}${stderr}` };
};

const canChroot = (): boolean => {
  if (kernels.length < 2) return false;
  const can = process.getuid?.() === 0 && inChroot(disposableWorld(), ['true']).code === 0;
  if (!can) process.stderr.write('tests in a chroot are skipped: only root may mount an overlay, and not everywhere\n');
  return can;
};

describe.skipIf(!canChroot())('a command of dkms without -k in a chroot', () => {
  it('means the newest installed kernel, though the running one is installed, too', async () => {
    const world = newWorld();
    for (const name of [running(), '999.1']) world.addKernel(name, { headers: false });
    generate(world, 'alone');
    const outside = await world.dkms(['install', 'alone/1.0']);
    expect(saidBy(world, outside)).toContain(`kernel headers for ${running()} not found`);
    const [, , ...words] = commandLine(world, ['install', 'alone/1.0']);
    const inside = inChroot(world, [process.execPath, join(world.root, 'bin/dkms'), ...words]);
    expect(inside.said).toContain(newestTold('999.1'));
    expect(inside.said).toContain('kernel headers for 999.1 not found');
    expect(inside.code).toBe(21);
  });
});
