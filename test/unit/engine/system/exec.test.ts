import { describe, expect, it } from 'vitest';
import { type Argv, makeProcesses } from '../../../../src/engine/system/exec.ts';

const own = { PATH: '/nowhere', HOME: '/home/somebody', LANG: 'de_DE.UTF-8' };
const processes = makeProcesses(own);

describe('the environment of a program that is asked', () => {
  it('has PATH with the system directories, a language, and what is given besides', async () => {
    const { output } = await processes.ask(['env'], { variables: { CC: 'gcc-12' } });
    const lines = output.trim().split('\n').sort();
    expect(lines).toEqual([
      'CC=gcc-12',
      'LANG=C.UTF-8',
      'LC_ALL=C.UTF-8',
      'PATH=/nowhere:/usr/sbin:/usr/bin:/sbin:/bin',
    ]);
  });
  it('is the given one alone where a command is run', async () => {
    const { output } = await processes.run({ argv: ['/usr/bin/env'], environment: { ONLY: 'this' } });
    expect(output).toBe('ONLY=this\n');
  });
});

describe('why a command failed, in one line', () => {
  const rows: readonly [string, Argv, number, string][] = [
    ['that did not fail', ['sh', '-c', 'echo a warning >&2'], 0, ''],
    [
      'nothing that it said on stdout',
      ['sh', '-c', 'echo; echo " first "; echo second; exit 3'],
      3,
      'sh: exit status 3',
    ],
    ['its first line that is not blank', ['sh', '-c', '(echo; echo " one "; echo two) >&2; exit 3'], 3, 'one'],
    ['its exit status where it is silent', ['sh', '-c', 'exit 128'], 128, 'sh: exit status 128'],
    ['the signal that killed it', ['sh', '-c', 'kill -9 $$'], 137, 'sh: killed by signal 9'],
    ['a program that is not there', ['kmodsort-no-such-program'], 127, 'kmodsort-no-such-program: command not found'],
    ['a file that is no program', ['/etc/passwd'], 126, '/etc/passwd: Permission denied'],
  ];
  it.each(rows)('%s', async (_what, argv, code, problem) => {
    expect(await processes.ask(argv)).toMatchObject({ code, problem });
  });
  it('the time that it had', async () => {
    const ended = await processes.ask(['sleep', '20'], { limit: 0.2 });
    expect(ended).toMatchObject({ timedOut: true, problem: 'sleep: timed out after 0.2 s' });
  });
  it.each([
    ['a limit', { limit: 30 }],
    ['a limit that would end while we wait for more output', { limit: 1.2 }],
    ['no limit', {}],
  ])('is none where a daemon keeps its output open: what was said by then counts, with %s', async (_what, options) => {
    const start = performance.now();
    const argv: Argv = ['sh', '-c', 'echo said; echo warned >&2; setsid sleep 20 & sleep 0.5'];
    expect(await processes.ask(argv, options)).toEqual({
      code: 0,
      output: 'said\n',
      errors: 'warned\n',
      problem: '',
      timedOut: false,
    });
    expect(performance.now() - start).toBeLessThan(4000);
  });
  it('is none, and its output is whole, where we are busy when it ends', async () => {
    const asked = processes.ask(['sh', '-c', 'sleep 0.1; head -c 60000 /dev/zero']);
    const busy = setInterval(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1100), 1);
    const ended = await asked;
    clearInterval(busy);
    expect({ ...ended, output: ended.output.length }).toMatchObject({ code: 0, output: 60_000 });
  });
  it('is its own status where a daemon keeps its output open', async () => {
    const ended = await processes.ask(['sh', '-c', 'setsid sleep 20 & echo no >&2; exit 3']);
    expect(ended).toMatchObject({ code: 3, problem: 'no' });
  });
  it('is that nothing is started any more after an abort', async () => {
    const ended = await makeProcesses(own, AbortSignal.abort()).ask(['true']);
    expect(ended).toMatchObject({ code: 130, problem: 'interrupted' });
  });
  it('is none after an abort where it must be done all the same', async () => {
    const ended = await makeProcesses(own, AbortSignal.abort()).ask(['true'], { despiteAbort: true });
    expect(ended).toMatchObject({ code: 0, problem: '' });
  });
});
