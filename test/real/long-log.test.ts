import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { disposableWorld } from './disposable.ts';
import { generate } from './generated-source.ts';

/** Builds that say more than a string of Node can hold. */

const provision = inject('provision');
const kernels = provision.kind === 'ready' ? provision.kernels.slice(-1) : [];
const release = kernels[0]?.release ?? '';
const most = (16 << 20) + 100;

const chatty = (rest: string): string => `MAKE[0]="{ echo 'x.c:1:1: error: early'; yes | head -c 600M; } && ${rest}"\n`;

/** The most memory that a process had so far, KiB. */
const peakMemory = (pid: number | undefined): string | undefined => {
  const path = `/proc/${pid}/status`;
  return existsSync(path) ? /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(path, 'utf8'))?.[1] : undefined;
};

describe.skipIf(kernels.length === 0)('a build that prints 600 MB', () => {
  it('succeeds if it does, and its log is cut', async () => {
    const world = disposableWorld({ kernels });
    generate(world, 'sound', { conf: chatty('make -C $kernel_source_dir M=$dkms_tree/sound/1.0/build') });
    let peak = '';
    // It says that it has installed when the log has been read.
    const live = world.kmodsortStart(['sync'], {
      onOutput: () => {
        peak = peakMemory(live.child.pid) ?? peak;
      },
    });
    expect(await live.ended).toMatchObject({ code: 0, stderr: '' });
    expect(Number(peak)).toBeLessThan(200 * 1024);
    expect(Number(peak)).toBeGreaterThan(0);
    expect(world.installedObjects(release)).toEqual(['sound']);
    const { size } = statSync(join(world.trees.dkmsTree, 'sound/1.0', release, 'x86_64/log/make.log'));
    expect(size).toBeLessThan(most);
  });
  it('fails for the reason that it gives, and what is kept of its log is cut', async () => {
    const world = disposableWorld({ kernels });
    generate(world, 'sound', { conf: chatty('false') });
    const { code, stdout } = await world.kmodsort(['sync']);
    expect([code, stdout]).toEqual([1, expect.stringContaining('x.c:1:1: error: early')]);
    const logs = world.files().filter((path) => path.endsWith('.log'));
    expect(logs.length).toBeGreaterThan(1);
    for (const log of logs) expect(statSync(join(world.root, log)).size).toBeLessThan(most);
  });
});

describe.skipIf(kernels.length === 0)('a build that says nothing for build_limit minutes', () => {
  it('is ended and told, and the others go on', async () => {
    const world = disposableWorld({ kernels });
    world.configure('build_limit="0.05"\n');
    generate(world, 'silent', { conf: 'MAKE[0]="echo begins; sleep 600"\n' });
    generate(world, 'held', { conf: 'PRE_BUILD="hold"\n' });
    writeFileSync(join(world.trees.sourceTree, 'held-1.0', 'hold'), '#!/bin/sh\nsleep 600\n', { mode: 0o755 });
    generate(world, 'sound');
    const { code, stdout } = await world.hook(['pacman', 'install']);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /FAILED +silent\/1\.0 .* timed out after 0\.05 minutes without output: echo begins; sleep 600$/m,
    );
    expect(stdout).toMatch(/FAILED +held\/1\.0 .* timed out after 0\.05 minutes without output: PRE_BUILD hold$/m);
    expect(stdout).toContain('if it needs longer, set build_limit in framework.conf');
    expect(world.installedObjects(release)).toEqual(['sound']);
  });
});
