import { appendFileSync, chmodSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { makeWorld, type World } from '../world.ts';
import { generate } from './generated-source.ts';

/** What failed is tried again where that can help, and is not where the same inputs must fail the same way. */

const provision = inject('provision');
const kernels = provision.kind === 'ready' ? provision.kernels.slice(0, 1) : [];
const release = kernels[0]?.release ?? '';
const hook = ['apt', 'trigger'];

const script = (path: string, lines: string): void => {
  writeFileSync(path, `#!/bin/sh\n${lines}\n`);
  chmodSync(path, 0o755);
};

const isBuilt = (text: string, name: string): boolean => new RegExp(`^kmodsort: ${name}/.*: building`, 'm').test(text);

describe.skipIf(provision.kind === 'missing')('a module that failed', () => {
  let world: World;
  const obstacle = (): string => join(world.root, 'obstacle');

  beforeEach(() => {
    world = makeWorld({ kernels }).letBuildsTell();
    writeFileSync(obstacle(), '');
  });

  afterEach(() => world.dispose());

  it.each([
    [
      'in a command of MAKE, such as one that needs the network',
      { conf: `MAKE[0]="sh ./fetch && make -C $kernel_source_dir M=$dkms_tree/$module/$module_version/build"\n` },
      'make failed',
    ],
    [
      'in a recipe that was killed',
      {
        makefile:
          'ifneq ($(KERNELRELEASE),)\nobj-m := flaky.o\n$(obj)/flaky.o: $(obj)/made\n$(obj)/made:\n\t@test ! -e $(OBSTACLE) || kill -9 $$$$\n\t@touch $@\nendif\n',
      },
      'make failed',
    ],
    ['in PRE_BUILD', { conf: 'PRE_BUILD="fetch"\n' }, 'script failed'],
    ['in PRE_INSTALL', { conf: 'PRE_INSTALL="fetch"\n' }, 'PRE_INSTALL refused'],
  ])('%s is tried again by the next hook', async (_where, source, said) => {
    const { directory } = generate(world, 'flaky', source);
    script(join(directory, 'fetch'), `test ! -e ${obstacle()} || { echo 'Could not resolve host'; exit 6; }`);
    const env = { OBSTACLE: obstacle() };
    const first = await world.hook(hook, [], { env });
    expect(first.stdout).toMatch(/FAILED +flaky\/1\.0/);
    expect(first.stdout).toContain(said);
    rmSync(obstacle());
    const second = await world.hook(hook, [], { env });
    expect(second.stdout).toMatch(/installed +flaky\/1\.0/);
    expect(existsSync(join(world.trees.stateDir, 'notice'))).toBe(false);
    expect(existsSync(join(world.trees.stateDir, 'log'))).toBe(false);
    expect((await world.kmodsort(['status'])).stdout).not.toContain('failed');
    expect(world.installedObjects(release)).toEqual(['flaky']);
  });

  it('because of a symbol that nobody exports is built again only by force or from other inputs', async () => {
    generate(world, 'orphan', { uses: ['nobody'] });
    const typed = ['sync', '-k', release];
    const first = await world.kmodsort(typed);
    expect(first.code).toBe(1);
    expect(first.stdout).toMatch(/FAILED +orphan\/1\.0 .*modpost error$/m);
    const second = await world.kmodsort(typed);
    expect(second.code).toBe(1);
    expect(isBuilt(second.stdout, 'orphan')).toBe(false);
    expect(second.stdout).toContain('modpost error (in an earlier run; nothing has changed since)');
    const [, retry = ''] = /^ +retry {2}dkms (.*)$/m.exec(second.stdout) ?? [];
    expect(retry).toContain(`install orphan/1.0 --force -k ${release}`);
    const named = await world.dkms(['install', 'orphan/1.0', '-k', release]);
    expect(named.code).toBe(10);
    const forced = await world.dkms(['install', 'orphan/1.0', '--force', '-k', release, '--verbose']);
    expect(forced.code).toBe(10);
    expect(forced.stdout).not.toContain('in an earlier run');
    generate(world, 'nobody');
    appendFileSync(join(world.trees.sourceTree, 'orphan-1.0', 'dkms.conf'), 'BUILD_DEPENDS[0]="nobody"\n');
    expect((await world.kmodsort(typed)).code).toBe(0);
    expect(world.installedObjects(release)).toEqual(['nobody', 'orphan']);
  });
});

describe.skipIf(provision.kind === 'missing' || process.getuid?.() !== 0)('code that this kernel does not take', () => {
  let world: World;
  const typed = ['sync', '-k', release];
  const mend = (): void =>
    appendFileSync(join(world.trees.sourceTree, 'broken-1.0', 'broken_mod.c'), '\n#define missing_answer 0\n');

  beforeEach(() => {
    world = makeWorld({ kernels });
    world.addModule('broken');
  });

  afterEach(() => world.dispose());

  it('is built again by who names the module, and by a sync of other code alone', async () => {
    expect((await world.kmodsort(typed)).stdout).toMatch(/FAILED +broken\/1\.0 .*compiler error$/m);
    const second = await world.kmodsort(typed);
    expect([second.code, isBuilt(second.stdout, 'broken')]).toEqual([1, false]);
    expect(second.stdout).toContain('compiler error (in an earlier run; nothing has changed since)');
    const named = await world.dkms(['install', 'broken/1.0', '-k', release, '--verbose']);
    expect([named.code, named.stdout.includes('in an earlier run')]).toEqual([10, false]);
    mend();
    expect(isBuilt((await world.kmodsort(typed)).stdout, 'broken')).toBe(true);
  });

  it('is built again by every sync where the build saw all of the machine', async () => {
    world.configure('sandbox="no"\n');
    await world.kmodsort(typed);
    expect(isBuilt((await world.kmodsort(typed)).stdout, 'broken')).toBe(true);
  });
});

describe.skipIf(provision.kind === 'missing')('one object of two that will not load', () => {
  let world: World;

  beforeEach(() => {
    world = makeWorld({ kernels });
    const { directory } = generate(world, 'many', {
      makefile: 'obj-m := many.o part.o\nexport KBUILD_MODPOST_WARN := 1\n',
      conf: 'BUILT_MODULE_NAME[1]="part"\nDEST_MODULE_LOCATION[1]="/kernel/drivers/misc"\nMAKE[0]="make -C $kernel_source_dir M=$dkms_tree/$module/$module_version/build KBUILD_MODPOST_WARN=1"\n',
    });
    writeFileSync(
      join(directory, 'part.c'),
      '#include <linux/module.h>\nint oslec_create(void);\nint part_value(void);\nint part_value(void)\n{\n\treturn oslec_create();\n}\nEXPORT_SYMBOL_GPL(part_value);\nMODULE_LICENSE("GPL");\n',
    );
    generate(world, 'user-of-many', { depends: ['many'] });
  });

  afterEach(() => world.dispose());

  it('is a remark on a module that works', async () => {
    const ended = await world.hook(hook);
    expect(ended.stdout).toMatch(
      /^ {2}installed +many\/1\.0 .* 1 of 2 objects will not load: \S+part\.ko: Unknown symbol .*oslec_create/m,
    );
    expect(ended.stdout).toMatch(/^ {2}installed +user-of-many\/1\.0/m);
    expect(ended.code).toBe(0);
    expect((await world.hook(hook)).stdout).toContain('nothing to do: 2 modules on 1 kernel up to date');
    expect((await world.kmodsort(['sync', '-k', release])).stdout).toContain('nothing to do');
    const verified = await world.kmodsort(['verify', '-k', release]);
    expect(verified.stdout).toContain('1 of 3 objects will NOT load');
  });

  it('is a failure where the module is required', async () => {
    world.configure('required_modules="many"\n');
    const ended = await world.hook(['pacman', 'install']);
    expect(ended.stdout).toMatch(/^ {2}FAILED +many\/1\.0 .*installed, but it will not load: \S+part\.ko/m);
    expect(ended.stdout).toContain(`do not reboot into ${release}: required modules are missing: many`);
    expect(ended.code).toBe(1);
    const again = await world.kmodsort(['sync', '-k', release]);
    expect(again.code).toBe(1);
    expect(isBuilt(again.stdout, 'many')).toBe(false);
    expect(again.stdout).toContain('nothing has changed since');
  });
});
