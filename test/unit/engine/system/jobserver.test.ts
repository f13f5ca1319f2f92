import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openFifo, takeByte } from '../../../../src/engine/system/descriptors.ts';
import { makeProcesses } from '../../../../src/engine/system/exec.ts';
import { type Jobserver, jobserverDescriptor, makeJobserver } from '../../../../src/engine/system/jobserver.ts';
import { put, temporaryDirectory } from '../../temporary.ts';

const root = temporaryDirectory();
const environment = { PATH: process.env.PATH };

interface Served {
  readonly jobserver: Jobserver;
  readonly directory: string;
  readonly abort: AbortController;
}

const serve = async (cores: number): Promise<Served> => {
  const directory = mkdtempSync(join(root, 'jobs-'));
  const abort = new AbortController();
  const jobserver = await makeJobserver(cores, directory, makeProcesses(environment), abort.signal);
  return { jobserver, directory, abort };
};

/** Take all tokens out, as a make that is killed would. */
const drain = (directory: string): number => {
  const fifo = openFifo(join(directory, 'jobserver'), true);
  let count = 0;
  while (takeByte(fifo) !== undefined) count += 1;
  return count;
};

/** Whether a slot is there within a moment. */
const isFree = async (slot: Promise<() => void>): Promise<boolean> => {
  const late = new Promise<false>((resolve) => setTimeout(() => resolve(false), 150));
  return Promise.race([slot.then(() => true), late]);
};

describe('makeJobserver', () => {
  it('has room for as many tokens as the settings allow', async () => {
    const { jobserver, directory } = await serve(4096);
    expect(drain(directory)).toBe(4096);
    jobserver.close();
  });
  it('gives out as many slots as there are cores, the next when one comes back', async () => {
    const { jobserver, directory } = await serve(2);
    const first = await jobserver.slot();
    await jobserver.slot();
    expect(drain(directory)).toBe(0);
    const third = jobserver.slot();
    expect(await isFree(third)).toBe(false);
    first();
    expect(await isFree(third)).toBe(true);
    jobserver.close();
  });
  it('serves those that wait in the order in which they came', async () => {
    const { jobserver } = await serve(1);
    const order: number[] = [];
    const wait = async (index: number): Promise<void> => {
      const giveBack = await jobserver.slot();
      order.push(index);
      giveBack();
    };
    await Promise.all([wait(1), wait(2), wait(3), wait(4)]);
    expect(order).toEqual([1, 2, 3, 4]);
    jobserver.close();
  });
  it('serves the most urgent first, also one that comes while it waits', async () => {
    const { jobserver } = await serve(1);
    const order: number[] = [];
    const wait = async (urgency: number): Promise<void> => {
      const giveBack = await jobserver.slot(urgency);
      order.push(urgency);
      await new Promise((resolve) => setTimeout(resolve, 60));
      giveBack();
    };
    const all = [wait(1), wait(3), wait(2)];
    await new Promise((resolve) => setTimeout(resolve, 30));
    await Promise.all([...all, wait(9)]);
    expect(order).toEqual([3, 9, 2, 1]);
    jobserver.close();
  });
  it('has all tokens again when nobody runs, also those that a killed make kept, and no more than these', async () => {
    const { jobserver, directory } = await serve(3);
    const first = await jobserver.slot();
    expect(drain(directory)).toBe(2);
    first();
    expect(drain(directory)).toBe(3);
    const second = await (async () => {
      // Nothing is left and nobody runs: the next end of a job would bring the tokens back.
      const jobs = await serve(3);
      const [one, two] = [await jobs.jobserver.slot(), await jobs.jobserver.slot()];
      one();
      two();
      return jobs;
    })();
    expect(drain(second.directory)).toBe(3);
    jobserver.close();
    second.jobserver.close();
  });
  it('keeps nobody waiting once the run is ended', async () => {
    const { jobserver, abort } = await serve(1);
    await jobserver.slot();
    const waiting = jobserver.slot();
    expect(await isFree(waiting)).toBe(false);
    abort.abort('SIGTERM');
    expect(await isFree(waiting)).toBe(true);
    jobserver.close();
  });
  it('limits nothing with 0 cores', async () => {
    const { jobserver } = await serve(0);
    expect(jobserver.descriptor).toBeUndefined();
    expect(jobserver.prefix).toBe('make -j');
    for (let i = 0; i < 50; i += 1) expect(await isFree(jobserver.slot())).toBe(true);
    jobserver.close();
  });

  /** Two real makes of six rules each; every rule notes how many of all run. */
  it('lets two makes together run as many rules as there are cores, and has every token back', async () => {
    const { jobserver, directory } = await serve(2);
    const log = put(join(directory, 'log'));
    const rules = [1, 2, 3, 4, 5, 6].map((n) => `r${n}:\n\t@echo + >> ${log}; sleep 0.05; echo - >> ${log}\n`);
    const makefile = put(join(directory, 'Makefile'), `all: r1 r2 r3 r4 r5 r6\n${rules.join('')}`);
    const runMake = async (): Promise<number | null> => {
      const giveBack = await jobserver.slot();
      const filler = Array.from({ length: jobserverDescriptor - 3 }, () => 'ignore' as const);
      const stdio = ['ignore' as const, 'ignore' as const, 'pipe' as const, ...filler, jobserver.descriptor];
      const child = spawn('bash', ['-c', `${jobserver.prefix} -f ${makefile} all`], { stdio });
      let said = '';
      child.stderr?.on('data', (piece) => {
        said += String(piece);
      });
      const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
      giveBack();
      expect(said).toBe('');
      return code;
    };
    expect(await Promise.all([runMake(), runMake()])).toEqual([0, 0]);
    let running = 0;
    const most = Math.max(
      ...readFileSync(log, 'utf8')
        .trim()
        .split('\n')
        .map((line) => {
          running += line === '+' ? 1 : -1;
          return running;
        }),
    );
    expect(most).toBe(2);
    expect(drain(directory)).toBe(2);
    jobserver.close();
  });
});
