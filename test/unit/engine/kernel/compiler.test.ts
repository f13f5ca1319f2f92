import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Identity, identityMark, identityOf, toolsFor } from '../../../../src/engine/kernel/compiler.ts';
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
  it('is none of a command that is not there, or does not say it', async () => {
    for (const program of ['no-such-compiler', 'false'])
      expect(await identityOf([program, '-v'], makeProcesses(process.env))).toEqual({ text: '', earlier: '' });
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
    const tools = await toolsFor(facts, ask);
    return [tools.compiler.text, tools.linker.text, tools.pahole.text];
  };
  it('is gcc and ld where nothing else is named', async () => {
    expect(await textsOf(withVmlinux, undefined)).toEqual(['gcc -v', 'ld --version', '']);
  });
  it('is what the configuration names', async () => {
    const named = await textsOf(withVmlinux, 'clang', 'CONFIG_LD_IS_LLD', 'CONFIG_DEBUG_INFO_BTF_MODULES');
    expect(named).toEqual(['clang -v', 'ld.lld --version', 'pahole --version']);
  });
  it('makes no BTF where the kernel is not there to build it on', async () => {
    expect(await textsOf(root, 'gcc', 'CONFIG_DEBUG_INFO_BTF_MODULES')).toEqual(['gcc -v', 'ld --version', '']);
  });
});
