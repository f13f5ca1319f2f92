import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, inject, it } from 'vitest';
import type { Ended } from '../child.ts';
import type { World } from '../world.ts';
import { disposableWorld } from './disposable.ts';
import { put } from './dkms-session.ts';
import { builtByClang, configOf, lacking, ownHeaders, rewrite } from './doctored-headers.ts';
import { generate } from './generated-source.ts';

/** The compiler, linker and rustc that a kernel was built with, against those that are here. */

const provision = inject('provision');
const kernels = provision.kind === 'ready' ? provision.kernels.slice(0, 1) : [];
const [{ release, headers: realHeaders } = { release: '', headers: '' }] = kernels;
const hook = ['apt', 'trigger'];

/** Major version of the gcc that the kernel was built with, and is here; flags of it that the one before does not know. */
const own = Number(
  /^CONFIG_GCC_VERSION=(\d+)\d{4}$/m.exec(release ? readFileSync(configOf(realHeaders), 'utf8') : '')?.[1],
);
const newFlags: Readonly<Record<number, string>> = {
  12: '-ftrivial-auto-var-init=zero',
  14: '-fmin-function-alignment=16',
};
const newFlag = newFlags[own] ?? '';
const older = own - 1;

const textOf = ({ stdout, stderr }: Ended): string => `${stdout}${stderr}`;

/** CC as Debian's headers name it. */
const named = (headers: string, compiler: string): void =>
  writeFileSync(join(headers, '.kernelvariables'), `CC = ${compiler}\n`);

const builtBy = (headers: string, packed: number): void =>
  rewrite(configOf(headers), [[/^CONFIG_GCC_VERSION=.*$/m, `CONFIG_GCC_VERSION=${packed}`]]);

/** The kernel's own flags, as far as the gcc before knows them, or with one that it does not. */
const withFlags = (headers: string, flag = ''): void => {
  rewrite(configOf(headers), [[/^CONFIG_INIT_STACK_ALL_ZERO=y$/m, '']]);
  writeFileSync(join(headers, 'Makefile'), `\nKBUILD_CFLAGS += ${flag}\n`, { flag: 'a' });
};

/** What a compiler leaves of itself in an object. */
const compilerOf = (world: World, name: string): string =>
  readFileSync(join(world.trees.dkmsTree, name, '1.0', release, 'x86_64/module', `${name}.ko`), 'latin1');

describe.skipIf(kernels.length === 0)('a kernel that gcc has built', () => {
  let world: World;
  let headers: string;
  const bin = (): string => join(world.root, 'bin');
  const env = () => ({ PATH: `${bin()}:/usr/sbin:/usr/bin:/sbin:/bin` });

  beforeEach(() => {
    world = disposableWorld({ kernels }).letBuildsTell();
    headers = ownHeaders(world, release);
  });

  it('names its compiler where that is not here, without trying, and goes on when it has come', async () => {
    generate(world, 'alone');
    named(headers, 'gcc-99');
    builtBy(headers, 990_100);
    const first = await world.hook(hook, [], { env: env() });
    expect(first.stdout).toMatch(/FAILED +alone\/1\.0 .*the kernel's compiler is not installed$/m);
    expect(first.stdout).toContain(`${release} was built with gcc 99, gcc-99 not found\n`);
    expect(first.stdout).toContain('help   apt install gcc-99\n');
    const log = /^ +log +(\S+)$/m.exec(first.stdout)?.[1] ?? '';
    expect(readFileSync(log, 'utf8')).not.toContain('Building the module');
    const again = await world.hook(hook, [], { env: env() });
    expect(again.stdout).toContain('gcc-99 not found');
    expect(again.stdout).not.toContain('nothing has changed since');
    put(join(bin(), 'gcc-99'), `#!/bin/sh\nexec gcc-${own} "$@"\n`, 0o755);
    expect((await world.hook(hook, [], { env: env() })).stdout).toMatch(/installed +alone\/1\.0/);
  });

  it('is built for with the compiler that a module names itself', async () => {
    named(headers, 'gcc-99');
    builtBy(headers, 990_100);
    const make = `make -C $kernel_source_dir M=$dkms_tree/$module/$module_version/build`;
    generate(world, 'by_conf', { conf: `MAKE[0]="${make} CC=gcc-${own}"\n` });
    generate(world, 'by_script', { conf: `MAKE[0]="env ${make} CC=gcc-${own}"\n` });
    generate(world, 'by_makefile', {
      conf: 'MAKE[0]="make KDIR=$kernel_source_dir"\n',
      makefile: `ifeq ($(obj),)\nall:\n\t$(MAKE) -C $(KDIR) M=$(CURDIR) CC=gcc-${own} modules\nelse\nobj-m := by_makefile.o\nendif\n`,
    });
    const ended = await world.hook(hook);
    expect(textOf(ended)).not.toContain('FAILED');
    expect(world.installedObjects(release)).toEqual(['by_conf', 'by_makefile', 'by_script']);
  });

  it('says what is missing where the command of a module cannot do without it', async () => {
    named(headers, 'gcc-99');
    builtBy(headers, 990_100);
    const make = `make -C $kernel_source_dir M=$dkms_tree/$module/$module_version/build`;
    generate(world, 'alone', { conf: `MAKE[0]="env ${make}"\n` });
    const { stdout } = await world.hook(hook);
    expect(stdout).toContain(`${release} was built with gcc 99, gcc-99 not found\n`);
    expect(stdout).toMatch(/^ +\S.*gcc-99: (not found|No such file or directory)$/m);
  });

  it('makes nothing of a compiler that is newer than its own', async () => {
    generate(world, 'alone');
    builtBy(headers, (own - 3) * 10_000);
    const ended = await world.hook(hook);
    expect(textOf(ended)).toMatch(/installed +alone\/1\.0/);
    expect(textOf(ended)).not.toContain('was built with');
  });

  describe.skipIf(newFlag === '' || lacking([`gcc-${older}`]) !== undefined)(`with the gcc before it`, () => {
    it('is built for without a word, where that goes well', async () => {
      generate(world, 'alone');
      named(headers, `gcc-${older}`);
      withFlags(headers);
      const ended = await world.hook(hook);
      expect(textOf(ended)).toMatch(/installed +alone\/1\.0/);
      expect(textOf(ended)).not.toContain('was built with');
      expect(compilerOf(world, 'alone')).toMatch(new RegExp(`GCC: \\(.*\\) ${older}\\.`));
    });

    it('says so first where make fails, tries nothing again with it, and goes on when it has changed', async () => {
      generate(world, 'alone');
      named(headers, 'cc-of-test');
      withFlags(headers, newFlag);
      mkdirSync(bin());
      symlinkSync(`/usr/bin/gcc-${older}`, join(bin(), 'cc-of-test'));
      const first = await world.hook(hook, [], { env: env() });
      expect(first.stdout).toMatch(/FAILED +alone\/1\.0 .*the compiler is older than the kernel's$/m);
      const mismatch = first.stdout.indexOf(`${release} was built with gcc ${own}, found gcc ${older}\n`);
      const detail = first.stdout.search(/^ +cc-of-test: error: unrecognized command-line option/m);
      expect(mismatch).toBeGreaterThan(0);
      expect(detail).toBeGreaterThan(mismatch);
      expect(first.stdout).toContain(`help   apt install gcc-${own}\n`);
      const again = await world.hook(hook, [], { env: env() });
      expect(again.stdout).toContain('nothing has changed since');
      expect(again.stdout).toContain(`found gcc ${older}`);
      rmSync(join(bin(), 'cc-of-test'));
      symlinkSync(`/usr/bin/gcc-${own}`, join(bin(), 'cc-of-test'));
      const changed = await world.hook(hook, [], { env: env() });
      expect(changed.stdout).toMatch(/installed +alone\/1\.0/);
    });

    it('is built for with its own compiler, where kbuild would take the older one', async () => {
      generate(world, 'alone');
      withFlags(headers, newFlag);
      rmSync(join(headers, '.kernelvariables'));
      writeFileSync(join(headers, 'Makefile'), `CC = $(CROSS_COMPILE)gcc-${older}\n`, { flag: 'a' });
      rewrite(configOf(headers), [[/^CONFIG_CC_VERSION_TEXT=.*$/m, `CONFIG_CC_VERSION_TEXT=gcc-${own} (Debian)`]]);
      const ended = await world.hook(hook);
      expect(textOf(ended)).toMatch(/installed +alone\/1\.0/);
      expect(compilerOf(world, 'alone')).toMatch(new RegExp(`GCC: \\(.*\\) ${own}\\.`));
    });
  });

  it('minds rustc for modules with Rust sources alone', async () => {
    const rust = { makefile: 'obj-m := rusty.o\n' };
    const { directory } = generate(world, 'rusty', rust);
    rmSync(join(directory, 'rusty.c'));
    writeFileSync(join(directory, 'rusty.rs'), '//! Made by a test.\nuse kernel::prelude::*;\n');
    const plain = generate(world, 'alone');
    writeFileSync(join(plain.directory, 'tool.rs'), 'fn main() {}\n');
    const without = await world.hook(hook, [], { env: env() });
    expect(without.stdout).toMatch(/installed +alone\/1\.0/);
    expect(without.stdout).toMatch(/FAILED +rusty\/1\.0 .*the Rust sources do not build for this kernel$/m);
    expect(without.stdout).toContain(`${release} was built without Rust (CONFIG_RUST)\n`);
    writeFileSync(configOf(headers), 'CONFIG_RUST=y\nCONFIG_RUSTC_VERSION=107800\n', { flag: 'a' });
    const absent = await world.hook(hook, [], { env: env() });
    expect(absent.stdout).toContain(`${release} was built with rustc 1.78.0, rustc not found\n`);
    expect(absent.stdout).toContain('help   apt install rustc\n');
    put(join(bin(), 'rustc'), '#!/bin/sh\necho "rustc 1.63.0 (4b91a6ea7 2022-08-08)"\nexit 1\n', 0o755);
    const other = await world.hook(hook, [], { env: env() });
    expect(other.stdout).toContain(`${release} was built with rustc 1.78.0, found rustc 1.63.0\n`);
    expect(world.installedObjects(release)).toEqual(['alone']);
  });
});

const llvm = 14;
const isDoctorable = /^6\.1\./.test(release);

describe.skipIf(!isDoctorable || lacking([`clang-${llvm}`, `lld-${llvm}`, `llvm-${llvm}`]) !== undefined)(
  'a kernel that clang has built',
  () => {
    let world: World;
    let headers: string;

    beforeEach(() => {
      world = disposableWorld({ kernels });
      headers = ownHeaders(world, release);
    });

    it('is built for with the clang of its version by any command', async () => {
      builtByClang(headers, llvm * 10_000 + 6);
      const make = 'make -C $kernel_source_dir M=$dkms_tree/$module/$module_version/build';
      const commands: Readonly<Record<string, string>> = {
        plain: make,
        script: './build.sh $kernel_source_dir $dkms_tree/$module/$module_version/build',
        assigned: `KDIR=x ${make}`,
        quoted: `'make' -C $kernel_source_dir M=$dkms_tree/$module/$module_version/build`,
        second: `make --version && ${make}`,
      };
      for (const [name, command] of Object.entries(commands)) {
        const { directory } = generate(world, name, { conf: `MAKE[0]="${command}"\n` });
        put(join(directory, 'build.sh'), '#!/bin/sh\n[ $# = 2 ] || exit 9\nexec make -C "$1" M="$2"\n', 0o755);
      }
      const ended = await world.hook(hook);
      expect(textOf(ended)).not.toContain('FAILED');
      expect(textOf(ended)).not.toContain('without its debug information');
      for (const name of Object.keys(commands))
        expect([name, compilerOf(world, name)]).toEqual([name, expect.stringContaining(`clang version ${llvm}`)]);
    });

    it('is built for with the programs of LLVM that build_environment names', async () => {
      builtByClang(headers, 990_000);
      const exports = join(world.root, 'exports');
      put(exports, `export LLVM=-${llvm}\n`);
      world.configure(`build_environment="${exports}"\n`);
      generate(world, 'alone');
      expect(textOf(await world.hook(hook))).toMatch(/installed +alone\/1\.0/);
      expect(compilerOf(world, 'alone')).toContain(`clang version ${llvm}`);
    });

    it.skipIf(existsSync('/usr/bin/ld.lld'))(
      'names ld.lld where ThinLTO wants it and clang alone is here',
      async () => {
        builtByClang(headers, 990_000);
        writeFileSync(configOf(headers), 'CONFIG_LTO_CLANG=y\nCONFIG_LTO_CLANG_THIN=y\n', { flag: 'a' });
        generate(world, 'alone');
        const bin = join(world.root, 'bin');
        put(join(bin, 'clang'), `#!/bin/sh\nexec clang-${llvm} "$@"\n`, 0o755);
        const { stdout } = await world.hook(hook, [], { env: { PATH: `${bin}:/usr/sbin:/usr/bin:/sbin:/bin` } });
        expect(stdout).toMatch(/FAILED +alone\/1\.0 .*the kernel's linker is not installed$/m);
        expect(stdout).toContain(`${release} was built with clang 99, ld.lld not found\n`);
      },
    );

    it.skipIf(existsSync('/usr/bin/clang'))('names what LLVM brings where it is not here', async () => {
      builtByClang(headers, 990_000);
      generate(world, 'alone');
      const { stdout } = await world.hook(hook);
      expect(stdout).toContain(`${release} was built with clang 99, clang not found\n`);
      expect(stdout).toContain('help   apt install clang-99 lld-99 llvm-99\n');
    });
  },
);
