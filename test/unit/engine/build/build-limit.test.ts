import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stalledFailure, withinBuildLimit } from '../../../../src/engine/build/build-limit.ts';
import { openJobLog } from '../../../../src/engine/build/log.ts';
import { makeProcesses } from '../../../../src/engine/system/exec.ts';
import { temporaryDirectory } from '../../temporary.ts';

const mebibyte = 1 << 20;
const processes = makeProcesses(process.env);
const here = temporaryDirectory();

const ended = async (minutes: number, script: string) => {
  const log = openJobLog(join(here, 'make.log'), { name: 'a', version: '1' }, { release: '6.1', arch: 'x86_64' });
  const start = performance.now();
  const argv = ['bash', '-c', script] as const;
  const end = await withinBuildLimit({ buildLimit: minutes }, log, (abort) =>
    processes.run({ argv, environment: process.env, log: log.descriptor, abort }),
  );
  const size = log.size();
  log.close();
  return { ...end, seconds: (performance.now() - start) / 1000, size };
};

describe('a command that says nothing', () => {
  it('is ended after the limit', async () => {
    const { timedOut, code, seconds } = await ended(0.03, 'echo begins; sleep 60');
    expect([timedOut, code]).toEqual([true, 143]);
    expect(seconds).toBeLessThan(20);
  });
  it('is not while it still says something', async () => {
    expect(await ended(0.03, 'for i in 1 2 3; do sleep 1; echo $i; done')).toMatchObject({
      timedOut: false,
      code: 0,
    });
  });
  it('may do so for ever without a limit', async () => {
    expect(await ended(0, 'sleep 1.5')).toMatchObject({ timedOut: false, code: 0 });
  });
  it('is told with the minutes that it had', () => {
    const failure = { kind: 'build-stalled', at: 'make', detail: '30' };
    expect(stalledFailure({ buildLimit: 30 }, 'make')).toEqual(failure);
  });
});

describe('a command that writes without end', () => {
  it('fills no disk: its log is cut while it writes', async () => {
    const { size } = await ended(1, 'for i in 1 2; do head -c 70M /dev/zero; sleep 1.5; done');
    expect(size).toBeLessThan(80 * mebibyte);
  });
});
