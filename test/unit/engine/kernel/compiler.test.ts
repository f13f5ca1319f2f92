import { mkdtempSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type Identity,
  identityMark,
  identityOf,
  kbuildCompiler,
  toolsFor,
} from '../../../../src/engine/kernel/compiler.ts';
import { makeProcesses } from '../../../../src/engine/system/exec.ts';
import { put, temporaryDirectory } from '../../temporary.ts';
import { factsOf } from '../conf/conf-world.ts';

const root = temporaryDirectory();

describe('the identity of a program', () => {
  it('is what it says of itself, whatever comes first on PATH', async () => {
    put(join(root, 'bash'), '#!/bin/sh\necho wrapped\n', 0o755);
    const usual = await identityOf(['bash', '--version'], makeProcesses({ PATH: '/usr/bin:/bin' }));
    expect(usual.text).toMatch(/^GNU bash, version .* #[0-9a-f]{16}$/);
    expect(usual.earlier).toMatch(new RegExp(`^${identityMark}[0-9a-f]{64}$`));
    expect(await identityOf(['bash', '--version'], makeProcesses({ PATH: `${root}:/usr/bin:/bin` }))).toEqual(usual);
  });
  it('is found on the PATH of the caller, too', async () => {
    put(join(root, 'own-cc'), '#!/bin/sh\necho "gcc version 14.2.0 (own)" >&2\n', 0o755);
    const { text } = await identityOf(['own-cc', '-v'], makeProcesses({}), root);
    expect(text).toMatch(/^gcc version 14\.2\.0 \(own\) #/);
  });
  it('is none of a command that is not there, or does not say it', async () => {
    for (const program of ['no-such-compiler', 'false'])
      expect(await identityOf([program, '-v'], makeProcesses(process.env))).toEqual({ text: '', earlier: '' });
  });
});

describe('the compiler that kbuild runs', () => {
  const processes = makeProcesses({ PATH: '/usr/bin:/bin' });
  const clang = { config: new Map([['CONFIG_CC_IS_CLANG', 'y']]) };
  const inHeaders = (files: Readonly<Record<string, string>>): string => {
    const headers = mkdtempSync(join(root, 'kbuild-'));
    for (const [name, text] of Object.entries(files)) put(join(headers, name), text);
    return headers;
  };
  const upstream =
    'ifneq ($(LLVM),)\nCC\t\t= $(LLVM_PREFIX)clang$(LLVM_SUFFIX)\nelse\nCC\t\t= $(CROSS_COMPILE)gcc\nendif\n';
  it.each([
    ['gcc, where nothing is said', {}, {}, 'gcc'],
    ['what the Makefile of the kernel says', { Makefile: upstream }, {}, 'gcc'],
    ['a version that the distribution wrote there', { Makefile: 'CC\t= $(CROSS_COMPILE)gcc-13\n' }, {}, 'gcc-13'],
    ['clang, where that built it', { Makefile: upstream }, { ...clang, llvm: '1' }, 'clang'],
    ['clang with its version', { Makefile: upstream }, { ...clang, llvm: '-16' }, 'clang-16'],
    [
      "what Debian's headers override that with",
      {
        Makefile: upstream,
        '.kernelvariables':
          'override ARCH = x86\nCCACHE = ccache\nCC = $(if $(DEBIAN_KERNEL_USE_CCACHE),$(CCACHE)) $(CROSS_COMPILE)gcc-12\noverride CROSS_COMPILE = x86_64-linux-gnu-\n',
      },
      {},
      'x86_64-linux-gnu-gcc-12',
    ],
    ['a compiler behind ccache, with its flags', { '.kernelvariables': 'CC = ccache gcc-12 -m64\n' }, {}, 'gcc-12'],
  ])('is %s', async (_what, files, facts, compiler) => {
    const headers = inHeaders(files);
    expect(await kbuildCompiler(factsOf('6.1', { headers, ...facts }), processes)).toEqual({
      program: compiler,
      isNamed: '.kernelvariables' in files,
    });
  });
  it('is what the Makefile says that several headers share', async () => {
    const shared = inHeaders({ Makefile: 'CC = $(CROSS_COMPILE)gcc-14\n' });
    const headers = inHeaders({ Makefile: `include ${shared}/Makefile\n` });
    expect(await kbuildCompiler(factsOf('6.1', { headers }), processes)).toMatchObject({ program: 'gcc-14' });
  });
});

describe('what builds for a kernel', () => {
  const ask = async (argv: readonly string[]): Promise<Identity> => ({ text: argv.join(' '), earlier: '' });
  const withVmlinux = dirname(put(join(root, 'headers/vmlinux'), ''));
  const textsOf = async (headers: string, compiler: string | undefined, ...config: readonly string[]) => {
    const facts = factsOf('6.1', {
      headers,
      config: new Map(config.map((name) => [name, 'y'])),
      ...(compiler ? { compiler } : {}),
    });
    const tools = await toolsFor(facts, { program: compiler ?? 'gcc', isNamed: false }, ask);
    return [tools.compiler.text, tools.linker.text, tools.pahole.text];
  };
  it('is gcc and ld where nothing else is named', async () => {
    expect(await textsOf(withVmlinux, undefined)).toEqual(['gcc -v', 'ld --version', '']);
  });
  it('is what the configuration names', async () => {
    const named = await textsOf(withVmlinux, 'clang', 'CONFIG_LD_IS_LLD', 'CONFIG_DEBUG_INFO_BTF_MODULES');
    expect(named).toEqual(['clang -v', 'ld.lld --version', 'pahole --version']);
  });
  it.each([
    ['gcc-13', 'gcc version 11.4.0', 'gcc-13'],
    ['gcc-13', '', 'gcc-13'],
    ['gcc-13', 'gcc version 13.2.0', undefined],
    ['gcc-13', 'gcc version 14.2.0', undefined],
    ['gcc-11', 'gcc version 11.4.0', undefined],
    [undefined, 'gcc version 11.4.0', undefined],
  ])('is %s where the configuration names that, and gcc is %j: %s', async (compiler, gcc, tellsKbuild) => {
    const config = new Map([['CONFIG_GCC_VERSION', '130200']]);
    const facts = factsOf('6.8', { config, ...(compiler ? { compiler } : {}) });
    const versions: Readonly<Record<string, string>> = { gcc, 'gcc-11': 'gcc version 11.4.0' };
    const asked = async ([program]: readonly string[]): Promise<Identity> => ({
      text: versions[program ?? ''] ?? 'gcc version 13.2.0',
      earlier: '',
    });
    const tools = await toolsFor(facts, { program: 'gcc', isNamed: false }, asked);
    expect(tools.tellsKbuild).toBe(tellsKbuild);
    expect(tools.programs.compiler).toBe(tellsKbuild ?? 'gcc');
    expect(tools.compiler.text).toBe(tellsKbuild ? 'gcc version 13.2.0' : gcc);
    const named = await toolsFor(facts, { program: 'gcc', isNamed: true }, asked);
    expect(named).not.toHaveProperty('tellsKbuild');
  });
  it('makes no BTF where the kernel is not there to build it on', async () => {
    expect(await textsOf(root, 'gcc', 'CONFIG_DEBUG_INFO_BTF_MODULES')).toEqual(['gcc -v', 'ld --version', '']);
  });
});
