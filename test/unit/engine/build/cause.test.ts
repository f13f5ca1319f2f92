import { describe, expect, it } from 'vitest';
import {
  causeOf,
  followsFromInputs,
  missingLibrary,
  missingTool,
  undefinedSymbols,
} from '../../../../src/engine/build/cause.ts';

const build = '/var/lib/dkms/demo/1.0/build';

interface Case {
  readonly what: string;
  readonly log: string;
  readonly kind: string;
  readonly detail: string;
  readonly hint?: string;
}

/** Pieces of logs as gcc 12, clang 14, make 4.3, dash, bash and the kbuild of 6.1 and 6.12 write them. */
const cases: readonly Case[] = [
  {
    what: 'a compiler error, with the path below the build directory',
    log: `make -C /usr/src/linux-headers-6.1 M=${build}
make[1]: Entering directory '/usr/src/linux-headers-6.1'
  CC [M]  ${build}/demo.o
In file included from ${build}/demo.c:1:
${build}/demo.h:3:1: warning: data definition has no type or storage class
${build}/demo.c: In function 'demo_answer':
${build}/demo.c:7:16: error: 'missing_answer' undeclared (first use in this function)
${build}/demo.c:9:16: error: second one
make[2]: *** [/usr/src/linux-headers-6.1/scripts/Makefile.build:250: ${build}/demo.o] Error 1
make[1]: *** [/usr/src/linux-headers-6.1/Makefile:2012: ${build}] Error 2
make: *** [Makefile:5: all] Error 2
`,
    kind: 'compiler-failed',
    detail: "demo.c:7:16: error: 'missing_answer' undeclared (first use in this function)",
  },
  {
    what: 'a header that is not there',
    log: `${build}/demo.c:3:10: fatal error: linux/gone.h: No such file or directory
    3 | #include <linux/gone.h>
      |          ^~~~~~~~~~~~~~
compilation terminated.
make[2]: *** [scripts/Makefile.build:250: ${build}/demo.o] Error 1
`,
    kind: 'compiler-failed',
    detail: 'demo.c:3:10: fatal error: linux/gone.h: No such file or directory',
  },
  {
    what: 'an undefined symbol as modpost of 6.1 says it',
    log: `  MODPOST ${build}/Module.symvers
ERROR: modpost: "zeta_count" [${build}/demo.ko] undefined!
make[2]: *** [scripts/Makefile.modpost:126: ${build}/Module.symvers] Error 1
`,
    kind: 'modpost-failed',
    detail: 'ERROR: modpost: "zeta_count" [demo.ko] undefined!',
  },
  {
    what: 'a symbol for GPL modules only',
    log: "ERROR: modpost: GPL-incompatible module demo.ko uses GPL-only symbol 'zeta_count'\nmake[1]: *** [x] Error 1\n",
    kind: 'modpost-failed',
    detail: "ERROR: modpost: GPL-incompatible module demo.ko uses GPL-only symbol 'zeta_count'",
  },
  {
    what: 'an undefined symbol as modpost said it before 5.8',
    log: 'ERROR: "zeta_count" [/b/demo.ko] undefined!\nmake[2]: *** [__modpost] Error 1\n',
    kind: 'modpost-failed',
    detail: 'ERROR: "zeta_count" [/b/demo.ko] undefined!',
  },
  {
    what: 'a program that dash does not find',
    log: `  BTF [M] ${build}/demo.ko
/bin/sh: 1: pahole: not found
make[2]: *** [scripts/Makefile.modfinal:60: ${build}/demo.ko] Error 127
`,
    kind: 'tool-missing',
    detail: '/bin/sh: 1: pahole: not found',
  },
  {
    what: 'a program that bash does not find',
    log: 'bash: line 1: pahole: command not found\nmake: *** [Makefile:2: all] Error 127\n',
    kind: 'tool-missing',
    detail: 'bash: line 1: pahole: command not found',
  },
  {
    what: 'a program that make does not find',
    log: 'make[1]: gcc-12: No such file or directory\nmake[1]: *** [Makefile:2: demo.o] Error 127\n',
    kind: 'tool-missing',
    detail: 'make[1]: gcc-12: No such file or directory',
  },
  {
    what: 'a full disk, whatever else is said before it',
    log: `${build}/demo.c:1:1: error: something odd
${build}/demo.c:9: fatal error: error writing to /tmp/ccX.s: No space left on device
`,
    kind: 'disk-full',
    detail: 'demo.c:9: fatal error: error writing to /tmp/ccX.s: No space left on device',
  },
  {
    what: 'a full disk as cp says it',
    log: "cp: error writing '/b/big': No space left on device\n",
    kind: 'disk-full',
    detail: "cp: error writing '/b/big': No space left on device",
  },
  {
    what: 'a read-only file system',
    log: "cp: cannot create regular file '/b/x': Read-only file system\n",
    kind: 'read-only',
    detail: "cp: cannot create regular file '/b/x': Read-only file system",
  },
  {
    what: 'a compiler that the kernel killed for want of memory',
    log: `gcc-12: fatal error: Killed signal terminated program cc1
compilation terminated.
make[2]: *** [scripts/Makefile.build:250: ${build}/demo.o] Error 1
`,
    kind: 'memory-short',
    detail: 'gcc-12: fatal error: Killed signal terminated program cc1',
  },
  {
    what: 'a source file that is not there',
    log: `make[2]: *** No rule to make target '${build}/demo.o', needed by '${build}/demo.mod'.  Stop.
make[1]: *** [Makefile:2012: ${build}] Error 2
`,
    kind: 'make-failed',
    detail: "make[2]: *** No rule to make target 'demo.o', needed by 'demo.mod'.  Stop.",
  },
  {
    what: "a Makefile's own $(error …)",
    log: 'Makefile:3: *** no headers here.  Stop.\n',
    kind: 'make-failed',
    detail: 'Makefile:3: *** no headers here.  Stop.',
  },
  {
    what: 'carriage returns at the ends of lines',
    log: 'demo.c:1:1: error: odd\r\nmake: *** [Makefile:2: all] Error 2\r\n',
    kind: 'compiler-failed',
    detail: 'demo.c:1:1: error: odd',
  },
  {
    what: 'the last line, where nothing is known',
    log: 'one\nsomething went wrong\n\n# exit code: 3\n',
    kind: 'make-failed',
    detail: 'something went wrong',
  },
  {
    what: 'the last line of several, without the blanks around it',
    log: 'one\ntwo\nthree\n    the last   \n\n# exit code: 3\n',
    kind: 'make-failed',
    detail: 'the last',
  },
  {
    what: 'nothing of the title, where the command said nothing',
    log: 'Building the module\n# command: ./build.sh\n\n# exit code: 3\n',
    kind: 'make-failed',
    detail: '',
  },
  {
    what: 'what the last of several commands said',
    log: '# command: ./one\nfirst\n# command: ./two\nsecond\n# exit code: 3\n',
    kind: 'make-failed',
    detail: 'second',
  },
  {
    what: 'no sign in a title that has the words of one',
    log: '# command: sh -c "echo No space left on device"\ndemo.c:1:1: error: odd\n',
    kind: 'compiler-failed',
    detail: 'demo.c:1:1: error: odd',
  },
  {
    what: 'a carriage return inside a line left as it is',
    log: 'demo.c:1:1: error: a\rb\n',
    kind: 'compiler-failed',
    detail: 'demo.c:1:1: error: a\rb',
  },
  {
    what: 'a program that the outermost make does not find',
    log: 'make: gcc-12: No such file or directory\nmake: *** [Makefile:2: demo.o] Error 127\n',
    kind: 'tool-missing',
    detail: 'make: gcc-12: No such file or directory',
  },
  {
    what: 'what a make of many levels says of itself, where nothing else is said',
    log: 'make[12]: *** [Makefile:2: demo.o] Killed.  Stop.\n',
    kind: 'make-failed',
    detail: 'make[12]: *** [Makefile:2: demo.o] Killed.  Stop.',
  },
  { what: 'nothing, where nothing was said', log: '', kind: 'make-failed', detail: '' },
];

/** The commonest errors that people ask about, as they post them. */
const common: readonly Case[] = [
  {
    what: 'a flag of a newer gcc',
    log: `warning: the compiler differs from the one used to build the kernel
  The kernel was built by: x86_64-linux-gnu-gcc-14 (Debian 14.2.0-19) 14.2.0
  You are using:           gcc-12 (Debian 12.2.0-14) 12.2.0
  CC [M]  ${build}/demo.o
gcc-12: error: unrecognized command-line option ‘-fmin-function-alignment=16’; did you mean ‘-flimit-function-alignment’?
make[3]: *** [scripts/Makefile.build:244: ${build}/demo.o] Error 1
make[2]: *** [/usr/src/linux-headers-6.12.12-common/Makefile:1937: ${build}] Error 2
make: *** [Makefile:5: all] Error 2
`,
    kind: 'compiler-failed',
    detail:
      'gcc-12: error: unrecognized command-line option ‘-fmin-function-alignment=16’; did you mean ‘-flimit-function-alignment’?',
    hint: 'compiler-of-kernel',
  },
  {
    what: 'a flag of clang in the hands of gcc',
    log: "gcc: error: unrecognized command-line option '-mretpoline-external-thunk'\nmake[2]: *** [scripts/Makefile.build:250: demo.o] Error 1\n",
    kind: 'compiler-failed',
    detail: "gcc: error: unrecognized command-line option '-mretpoline-external-thunk'",
    hint: 'compiler-of-kernel',
  },
  {
    what: 'a flag of a newer compiler in the hands of one that has a name of its own',
    log: "my-compiler: error: unrecognized command-line option '-fmin-function-alignment=16'\nmake: *** [x] Error 1\n",
    kind: 'compiler-failed',
    detail: "my-compiler: error: unrecognized command-line option '-fmin-function-alignment=16'",
    hint: 'compiler-of-kernel',
  },
  {
    what: 'a flag of gcc in the hands of clang',
    log: "clang: error: unknown argument: '-fconserve-stack'\nmake[2]: *** [scripts/Makefile.build:250: demo.o] Error 1\n",
    kind: 'compiler-failed',
    detail: "clang: error: unknown argument: '-fconserve-stack'",
    hint: 'compiler-of-kernel',
  },
  {
    what: 'a plugin of another gcc',
    log: `cc1: error: cannot load plugin ./scripts/gcc-plugins/structleak_plugin.so: ./scripts/gcc-plugins/structleak_plugin.so: undefined symbol: _ZN8opt_pass14set_pass_paramEjb
make[1]: *** [scripts/Makefile.build:271: ${build}/demo.o] Error 1
`,
    kind: 'compiler-failed',
    detail:
      'cc1: error: cannot load plugin ./scripts/gcc-plugins/structleak_plugin.so: ./scripts/gcc-plugins/structleak_plugin.so: undefined symbol: _ZN8opt_pass14set_pass_paramEjb',
    hint: 'compiler-of-kernel',
  },
  {
    what: 'headers without objtool',
    log: `make[3]: *** No rule to make target 'tools/objtool/objtool', needed by '${build}/demo.o'.  Stop.
make[2]: *** [Makefile:1819: ${build}] Error 2
make: *** [Makefile:3: default] Error 2
`,
    kind: 'make-failed',
    detail: "make[3]: *** No rule to make target 'tools/objtool/objtool', needed by 'demo.o'.  Stop.",
    hint: 'headers-incomplete',
  },
  {
    what: 'an objtool that is not there when it is called',
    log: `  CC [M]  ${build}/demo.o
/bin/sh: 1: ./tools/objtool/objtool: not found
make[2]: *** [scripts/Makefile.build:250: ${build}/demo.o] Error 127
`,
    kind: 'make-failed',
    detail: '/bin/sh: 1: ./tools/objtool/objtool: not found',
    hint: 'headers-incomplete',
  },
  {
    what: 'headers that were never prepared',
    log: `/bin/sh: 1: scripts/basic/fixdep: not found
make[2]: *** [scripts/Makefile.build:250: ${build}/demo.o] Error 127
`,
    kind: 'tool-missing',
    detail: '/bin/sh: 1: scripts/basic/fixdep: not found',
    hint: 'headers-incomplete',
  },
  {
    what: 'headers of another architecture',
    log: `/bin/sh: 1: scripts/basic/fixdep: Exec format error
make[2]: *** [scripts/Makefile.build:297: ${build}/demo.o] Error 126
make[1]: *** [Makefile:1576: _module_${build}] Error 2
`,
    kind: 'make-failed',
    detail: '/bin/sh: 1: scripts/basic/fixdep: Exec format error',
    hint: 'headers-foreign',
  },
  {
    what: 'a header of the kernel that has gone',
    log: `${build}/os.c:12:10: fatal error: linux/genhd.h: No such file or directory
compilation terminated.
make[2]: *** [scripts/Makefile.build:250: ${build}/os.o] Error 1
`,
    kind: 'compiler-failed',
    detail: 'os.c:12:10: fatal error: linux/genhd.h: No such file or directory',
    hint: 'newer-module',
  },
  {
    what: 'a header of the module itself, which no newer module needs to bring',
    log: 'demo.c:1:10: fatal error: config.h: No such file or directory\nmake: *** [Makefile:2: all] Error 1\n',
    kind: 'compiler-failed',
    detail: 'demo.c:1:10: fatal error: config.h: No such file or directory',
  },
  {
    what: 'a function that the kernel has no more',
    log: `${build}/rtl.c:99:9: warning: unused variable 'error' [-Wunused-variable]
${build}/rtl.c:281:9: error: implicit declaration of function 'prandom_u32'; did you mean 'get_random_u32'? [-Werror=implicit-function-declaration]
cc1: some warnings being treated as errors
make[2]: *** [scripts/Makefile.build:250: ${build}/rtl.o] Error 1
`,
    kind: 'compiler-failed',
    detail:
      "rtl.c:281:9: error: implicit declaration of function 'prandom_u32'; did you mean 'get_random_u32'? [-Werror=implicit-function-declaration]",
    hint: 'newer-module',
  },
  {
    what: 'a member that a structure has no more',
    log: "nv.c:4:30: error: 'struct vm_area_struct' has no member named 'vm_fault'\nmake[2]: *** [x] Error 1\n",
    kind: 'compiler-failed',
    detail: "nv.c:4:30: error: 'struct vm_area_struct' has no member named 'vm_fault'",
    hint: 'newer-module',
  },
  {
    what: 'an undefined symbol behind harmless remarks',
    log: `Skipping BTF generation for ${build}/error.ko due to unavailability of vmlinux
  MODPOST ${build}/Module.symvers
ERROR: modpost: "spl_kmem_alloc" [${build}/zfs.ko] undefined!
make[2]: *** [scripts/Makefile.modpost:138: ${build}/Module.symvers] Error 1
`,
    kind: 'modpost-failed',
    detail: 'ERROR: modpost: "spl_kmem_alloc" [zfs.ko] undefined!',
  },
  {
    what: 'a module of another kernel that a Makefile loads',
    log: "version magic '6.1.0-13-amd64 SMP mod_unload ' should be '6.1.0-17-amd64 SMP mod_unload '\nmake: *** [Makefile:9: load] Error 1\n",
    kind: 'make-failed',
    detail: "version magic '6.1.0-13-amd64 SMP mod_unload ' should be '6.1.0-17-amd64 SMP mod_unload '",
    hint: 'kernel-running',
  },
  {
    what: 'a compiler that was killed, as older ones say it',
    log: 'gcc: internal compiler error: Killed (program cc1)\nPlease submit a full bug report,\nmake[1]: *** [demo.o] Error 4\n',
    kind: 'memory-short',
    detail: 'gcc: internal compiler error: Killed (program cc1)',
  },
  {
    what: 'bc, flex and bison that are not there',
    log: '/bin/sh: 1: flex: not found\nmake[1]: *** [scripts/Makefile.host:9: scripts/kconfig/lexer.lex.c] Error 127\n',
    kind: 'tool-missing',
    detail: '/bin/sh: 1: flex: not found',
  },
  {
    what: 'libelf without its headers',
    log: 'tools/objtool/include/objtool/elf.h:10:10: fatal error: gelf.h: No such file or directory\nmake[4]: *** [tools/build/Makefile.build:97: objtool.o] Error 1\n',
    kind: 'compiler-failed',
    detail: 'tools/objtool/include/objtool/elf.h:10:10: fatal error: gelf.h: No such file or directory',
  },
  {
    what: 'a file that a recipe does not find, which is no program',
    log: "ln: failed to create symbolic link '/usr/src/x/extensions': No such file or directory\nmake: *** [Makefile:2: all] Error 1\n",
    kind: 'make-failed',
    detail: "ln: failed to create symbolic link '/usr/src/x/extensions': No such file or directory",
  },
  {
    what: 'a crate of another rustc',
    log: 'error[E0514]: found crate `core` compiled by an incompatible version of rustc\n  |\nerror: aborting due to 1 previous error\nmake[2]: *** [scripts/Makefile.build:289: demo.o] Error 1\n',
    kind: 'compiler-failed',
    detail: 'error[E0514]: found crate `core` compiled by an incompatible version of rustc',
  },
  {
    what: 'what a recipe said before make gave up, without a word of errors',
    log: '# command: make\n  CC [M]  demo.o\ncp: missing file operand\nmake: *** [Makefile:3: all] Error 1\n',
    kind: 'make-failed',
    detail: 'cp: missing file operand',
  },
  {
    what: 'what make said, where the recipe said nothing of it',
    log: '# command: make\n  CC [M]  demo.o\nmake: *** [Makefile:3: all] Error 1\nmake: *** [Makefile:9: top] Error 2\n',
    kind: 'make-failed',
    detail: 'make: *** [Makefile:3: all] Error 1',
  },
  {
    what: 'no remark about BTF or the compiler, where nothing else is said',
    log: `# command: make
  LD [M]  demo.ko
Skipping BTF generation for demo.ko due to unavailability of vmlinux
warning: the compiler differs from the one used to build the kernel
  The kernel was built by: gcc-14 (Debian 14.2.0-19) 14.2.0
  You are using:           gcc-12 (Debian 12.2.0-14) 12.2.0
make: *** [Makefile:3: all] Error 1
`,
    kind: 'make-failed',
    detail: 'make: *** [Makefile:3: all] Error 1',
  },
];

describe('causeOf', () => {
  it.each(cases)('finds $what', ({ log, kind, detail }) => {
    expect(causeOf(log, build)).toMatchObject({ kind, detail });
  });
  it.each(common)('finds $what, and what helps', ({ log, kind, detail, hint }) => {
    expect(causeOf(log, build)).toEqual({ kind, detail, ...(hint ? { hint } : {}) });
  });
});

describe('missingLibrary', () => {
  it.each([
    ['elf.h:10:10: fatal error: gelf.h: No such file or directory', 'libelf'],
    ['main.c:5:10: fatal error: libelf.h: No such file or directory', 'libelf'],
    [
      'Makefile:1120: *** "Cannot generate ORC metadata for CONFIG_UNWINDER_ORC=y, please install libelf-dev, libelf-devel or elfutils-libelf-devel".  Stop.',
      'libelf',
    ],
    ['scripts/sign-file.c:25:10: fatal error: openssl/opensslv.h: No such file or directory', 'libssl'],
    ['demo.c:1:10: fatal error: self.h: No such file or directory', undefined],
  ])('finds in %s the library %s', (line, library) => {
    expect(missingLibrary(line)).toBe(library);
  });
});

describe('undefinedSymbols', () => {
  it('names each symbol once, in both spellings of modpost', () => {
    const log = `ERROR: modpost: "one" [a.ko] undefined!
ERROR: modpost: "one" [b.ko] undefined!
ERROR: "two" [c.ko] undefined!
WARNING: modpost: "three" [c.ko] has no CRC!
`;
    expect(undefinedSymbols(log)).toEqual(['one', 'two']);
  });
});

describe('missingTool', () => {
  it.each([
    ['/bin/sh: 1: pahole: not found', 'pahole'],
    ['bash: line 3: gcc-12: command not found', 'gcc-12'],
    ['make[2]: x86_64-linux-gnu-gcc-12: No such file or directory', 'x86_64-linux-gnu-gcc-12'],
    ['make: gcc: No such file or directory', 'gcc'],
    ['make[12]: gcc: No such file or directory', 'gcc'],
    ['pahole: not found', 'pahole'],
    ['pahole: not found in PATH', undefined],
    ['cmake: gcc: No such file or directory', undefined],
    ['make: gcc: No such file or directory, or so', undefined],
    ['something else', undefined],
  ])('finds in %s the program %s', (line, program) => {
    expect(missingTool(line)).toBe(program);
  });
});

describe('followsFromInputs', () => {
  const error = "driver/demo.c:7:16: error: too few arguments to function 'x'";
  const build = { make: 'make -C /lib/modules/6.1/build M=/x modules A=m', scripts: {} };
  const cases: [string, boolean, string, { make?: string; scripts: Record<string, string> }, boolean][] = [
    ['an error in the own source', true, error, build, true],
    ['one of an older compiler, which tells no column', true, 'demo.c:7: error: x', build, true],
    ['the default MAKE', true, error, { scripts: {} }, true],
    ['a MAKE with a variable before it', true, error, { make: 'KERNELDIR=/lib make driver', scripts: {} }, true],
    ['a build that could see all of the machine', false, error, build, false],
    [
      'a header that may be installed',
      true,
      'demo.c:3:10: fatal error: gelf.h: No such file or directory',
      build,
      false,
    ],
    [
      'the same of another compiler',
      true,
      "demo.c:3:10: error: 'gelf.h' file: No such file or directory",
      build,
      false,
    ],
    ['a header of the machine', true, '/usr/include/x.h:3:1: error: y', build, false],
    ['the compiler itself', true, "gcc: error: unrecognized command-line option '-fx'", build, false],
    ['a PRE_BUILD that looks at the machine', true, error, { ...build, scripts: { PRE_BUILD: 'configure' } }, false],
    ['a configure in MAKE', true, error, { make: './configure && make', scripts: {} }, false],
    ['a second command', true, error, { make: 'make; ./probe', scripts: {} }, false],
    ['a command of MAKE within it', true, error, { make: 'make V=`probe`', scripts: {} }, false],
    ['a program that is called so', true, error, { make: 'makefoo', scripts: {} }, false],
  ];
  it.each(cases)('%s', (_what, isConfined, detail, conf, expected) => {
    expect(followsFromInputs({ kind: 'compiler-failed', detail }, conf, isConfined)).toBe(expected);
  });

  it('says nothing of other kinds', () => {
    expect(followsFromInputs({ kind: 'make-failed', detail: error }, build, true)).toBe(false);
  });
});
