import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, inject, it } from 'vitest';
import type { World } from '../world.ts';
import { disposableWorld } from './disposable.ts';
import { generate } from './generated-source.ts';
import { canMount, mountAt, unmountAll } from './mounts.ts';

/** `uname` answers for the kernel that is built for also where temporary files may not be run. */

const provision = inject('provision');
const kernels = provision.kind === 'ready' ? provision.kernels.slice(-1) : [];
const release = kernels[0]?.release ?? '';

const conf = `[ "$(uname -r)" = "${release}" ] || BUILD_EXCLUSIVE_KERNEL="^never$"\n`;

const world = (): World => {
  const made = disposableWorld({ kernels });
  generate(made, 'sound', {
    conf,
    makefile: `ifeq ($(KERNELRELEASE),)\n$(error no)\nendif\nifneq ($(shell uname -r),${release})\n$(error runs $(shell uname -r))\nendif\nobj-m := sound.o\n`,
  });
  return made;
};

// Only a real mount makes a file system noexec.
describe.skipIf(!canMount())('a temporary directory where nothing may be run', () => {
  afterAll(unmountAll);

  it('does not let a conf or a build see the kernel that runs', async () => {
    const one = world();
    mountAt(join(one.root, 'tmp'), 'noexec');
    const { code, stdout, stderr } = await one.kmodsort(['sync']);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('1 installed');
    expect(one.installedObjects(release)).toEqual(['sound']);
    expect(existsSync(join(one.trees.stateDir, 'programs'))).toBe(false);
  });

  it('ends with what is wrong where nothing may be run in the state directory either', async () => {
    const one = world();
    mountAt(join(one.root, 'tmp'), 'noexec');
    mountAt(one.trees.stateDir, 'noexec');
    const { code, stdout, stderr } = await one.kmodsort(['sync']);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr.replaceAll(one.root, '')).toMatch(
      /^kmodsort: no directory where programs may be run: \/tmp, \/var\/lib\/kmodsort: .*\n {2}help {2}.*noexec.*\n$/,
    );
    const hook = await one.hook(['apt', 'trigger']);
    expect([hook.code, hook.stderr]).toEqual([0, stderr]);
    expect(one.files(join(one.root, 'tmp'))).toEqual([]);
  });
});
