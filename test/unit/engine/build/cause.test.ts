import { describe, expect, it } from 'vitest';
import { causeOf, missingTool, undefinedSymbols } from '../../../../src/engine/build/cause.ts';

const build = '/var/lib/dkms/demo/1.0/build';

interface Case {
  readonly what: string;
  readonly log: string;
  readonly kind: string;
  readonly detail: string;
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

describe('causeOf', () => {
  it.each(cases)('finds $what', ({ log, kind, detail }) => {
    expect(causeOf(log, build)).toEqual({ kind, detail });
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
