import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FailureError } from '../../../../src/engine/errors.ts';
import type { KernelFacts } from '../../../../src/engine/kernel/kernel.ts';
import {
  checkVermagics,
  headersVermagic,
  vermagicProblem,
  vermagicsOf,
} from '../../../../src/engine/kernel/vermagic.ts';
import { type Ended, makeProcesses, type Processes } from '../../../../src/engine/system/exec.ts';
import { failureDetail } from '../../../../src/report/failures.ts';
import { problemSentence } from '../../../../src/report/problems.ts';
import { put, temporaryDirectory } from '../../temporary.ts';

const release = '6.1.0-1';
const vermagic = `${release} SMP mod_unload modversions`;

describe('a version string', () => {
  it.each<[string, string, string | undefined, string | undefined]>([
    ['that is that of the headers', vermagic, vermagic, undefined],
    ['of another kernel', '6.2.0 SMP', vermagic, `version magic '6.2.0 SMP' should be '${vermagic}'`],
    [
      'of the same release with other options',
      `${release} SMP preempt`,
      vermagic,
      `version magic '${release} SMP preempt' should be '${vermagic}'`,
    ],
    ['that is not there', '', vermagic, `version magic '' should be '${vermagic}'`],
    ['of the release, where there are no headers', `${release} SMP preempt`, undefined, undefined],
    [
      'that begins as the release does',
      `${release}2 SMP`,
      undefined,
      `version magic '${release}2 SMP' should be '${release}'`,
    ],
    ['of the release, where the headers are of another one', `${release} SMP`, '6.9.9 SMP', undefined],
    [
      'that is that of headers of another release',
      '6.9.9 SMP',
      '6.9.9 SMP',
      `version magic '6.9.9 SMP' should be '${release}'`,
    ],
    ['of the release, where the headers have an empty one', `${release} SMP`, '', undefined],
  ])('%s', (_title, found, ofHeaders, problem) => {
    const refusal = vermagicProblem(found, release, ofHeaders);
    expect(refusal && problemSentence(refusal)).toBe(problem);
  });
});

describe('the check after a build', () => {
  const refused = (ofHeaders: string | undefined, found: readonly string[]): unknown => {
    try {
      checkVermagics(release, ofHeaders, ['one.ko', 'two.ko'], found);
      return undefined;
    } catch (error) {
      if (!(error instanceof FailureError)) return error;
      const { kind, at } = error.failure;
      return { kind, at, detail: failureDetail(error.failure) };
    }
  };

  it('goes by the same rule and names the first object that is wrong', () => {
    expect(refused(vermagic, [vermagic, vermagic])).toBeUndefined();
    expect(refused('6.9.9 SMP', [vermagic, `${release} other`])).toBeUndefined();
    expect(refused(vermagic, [vermagic, '6.2.0'])).toEqual({
      kind: 'wrong-kernel',
      at: 'two.ko',
      detail: `version magic '6.2.0' should be '${vermagic}'`,
    });
  });

  it('refuses an object that says nothing', () => {
    expect(refused(undefined, [vermagic])).toMatchObject({
      at: 'two.ko',
      detail: `version magic '' should be '${release}'`,
    });
  });
});

const silent: Ended = { code: 0, output: '', errors: '', problem: '', timedOut: false };

describe('the version string of headers', () => {
  const root = temporaryDirectory();
  const facts = {
    kernel: { release, arch: 'x86_64' },
    directory: '/m',
    bootable: true,
    config: new Map<string, string>(),
    compression: 'none',
  } as const;

  /** kbuild's preprocessor, that leaves this text. */
  const answer = async (
    text: string | undefined,
    code = 0,
    headers: string | undefined = '/h',
    more: Partial<KernelFacts> = {},
  ) => {
    const asked: unknown[] = [];
    const processes: Processes = {
      ...makeProcesses({}),
      ask: async (argv, options) => {
        asked.push([argv, options]);
        if (text !== undefined) put(join(root, 'probe.i'), text);
        return { ...silent, code };
      },
    };
    const said = await headersVermagic(
      headers ? { ...facts, ...more, headers, compiler: 'gcc-12' } : facts,
      root,
      processes,
    );
    return { said, asked };
  };

  it('is what kbuild makes of VERMAGIC_STRING', async () => {
    const { said, asked } = await answer(
      '# 1 "x"\nkmodsort_vermagic "6.1" " " "SMP \\"q\\" " ""\nend kmodsort_vermagic "no"\n',
    );
    expect(said).toBe('6.1 SMP \\"q\\"');
    expect(asked).toEqual([
      [['make', '-s', '-C', '/h', `M=${root}`, 'probe.i'], { variables: { CC: 'gcc-12' }, directory: root, limit: 60 }],
    ]);
    expect(readFileSync(join(root, 'Makefile'), 'utf8')).toBe('obj-m := probe.o\n');
    expect(readFileSync(join(root, 'probe.c'), 'utf8')).toContain('kmodsort_vermagic VERMAGIC_STRING');
  });

  it('is asked of clang where that built the kernel', async () => {
    const config = new Map([['CONFIG_CC_IS_CLANG', 'y']]);
    const { asked } = await answer('kmodsort_vermagic "6.1"\n', 0, '/h', { config, llvm: '-16' });
    expect(asked).toEqual([[['make', '-s', '-C', '/h', 'LLVM=-16', `M=${root}`, 'probe.i'], expect.anything()]]);
  });

  it.each([
    ['nothing where kbuild fails', 'kmodsort_vermagic "6.1"\n', 2],
    ['nothing where it leaves something else', 'other "6.1"\n', 0],
  ])('is %s', async (_what, text, code) => {
    expect((await answer(text, code)).said).toBeUndefined();
  });

  it('is not asked for without headers', async () => {
    expect(await answer('kmodsort_vermagic "6.1"\n', 0, '')).toEqual({ said: undefined, asked: [] });
  });
});

describe('the version strings of objects', () => {
  const saying = (ended: Partial<Ended>): { processes: Processes; asked: unknown[] } => {
    const asked: unknown[] = [];
    const ask: Processes['ask'] = async (argv, options) => {
      asked.push([argv, options]);
      return { ...silent, ...ended };
    };
    return { processes: { ...makeProcesses({}), ask }, asked };
  };
  it('are asked for once for all of them', async () => {
    const { processes, asked } = saying({ output: '6.1 SMP \n6.2 SMP\n' });
    expect(await vermagicsOf(['a.ko', 'b.ko'], processes)).toEqual(['6.1 SMP', '6.2 SMP']);
    expect(asked).toEqual([[['modinfo', '-F', 'vermagic', 'a.ko', 'b.ko'], { limit: 60 }]]);
  });
  it('cannot be told without modinfo', async () => {
    const { processes } = saying({ unstartable: 'ENOENT', problem: 'modinfo: command not found' });
    await expect(vermagicsOf(['a.ko'], processes)).rejects.toMatchObject({
      failure: { kind: 'tool-missing', at: 'modinfo', detail: 'modinfo: command not found' },
    });
  });
});
