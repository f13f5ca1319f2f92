import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { FailureError } from '../../../../src/engine/errors.ts';
import { isNested, markers, runMark } from '../../../../src/engine/state/nested.ts';
import { runLockFile } from '../../../../src/engine/state/paths.ts';
import { makeProcesses } from '../../../../src/engine/system/exec.ts';
import { type Lock, type LockOptions, takeLock } from '../../../../src/engine/system/lock.ts';
import { put, temporaryDirectory } from '../../temporary.ts';

const root = temporaryDirectory();
const environment = { PATH: process.env.PATH };
const children: ChildProcess[] = [];

afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
});

interface Wished {
  readonly busy: string[];
  readonly survivors: number[];
  readonly lock: Promise<Lock>;
}

const take = (path: string, more: Partial<LockOptions> = {}): Wished => {
  const busy: string[] = [];
  const survivors: number[] = [];
  const wish = {
    path,
    owner: 'the tests',
    wait: 0,
    onBusy: (holder: string) => busy.push(holder),
    onSurvivor: (pid: number) => survivors.push(pid),
    ...more,
  };
  return { busy, survivors, lock: takeLock(wish, makeProcesses(environment)) };
};

const newPath = (): string => join(mkdtempSync(join(root, 'lock-')), 'deep', 'lock');

/** A process of another group that holds the lock, and says when it does. */
const heldByOther = async (path: string): Promise<ChildProcess> => {
  put(path);
  const child = spawn('flock', [path, 'sh', '-c', 'echo held; sleep 60'], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  children.push(child);
  await new Promise((resolve) => child.stdout?.once('data', resolve));
  return child;
};

const ended = (child: ChildProcess): Promise<unknown> => new Promise((resolve) => child.on('close', resolve));

const failureOf = async (lock: Promise<Lock>) => {
  try {
    await lock;
  } catch (error) {
    if (error instanceof FailureError) return error.failure;
    throw error;
  }
  return undefined;
};

describe('takeLock', () => {
  it('can be taken, given back and taken again, and its file is private', async () => {
    const path = newPath();
    const first = await take(path).lock;
    expect(first.afterDeath).toBe(false);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, 'utf8')).toMatch(new RegExp(`^${process.pid} \\d+ the tests\\n$`));
    await first.release();
    const second = await take(path).lock;
    expect(second.afterDeath).toBe(false);
    await second.release();
  });
  it('fails at once where one must not wait, and names the holder', async () => {
    const path = newPath();
    const first = await take(path, { owner: 'kmodsort sync' }).lock;
    const second = take(path);
    expect(await failureOf(second.lock)).toEqual({
      kind: 'lock-busy',
      at: path,
      detail: `kmodsort sync (process ${process.pid})`,
    });
    expect(second.busy).toEqual([`kmodsort sync (process ${process.pid})`]);
    await first.release();
  });
  it('is had as soon as the other gives it back', async () => {
    const path = newPath();
    const first = await take(path).lock;
    const second = take(path, { wait: 20 });
    setTimeout(() => void first.release(), 300);
    const lock = await second.lock;
    expect(second.busy).toHaveLength(1);
    await lock.release();
  });
  it('waits no longer than it may for a holder that it does not know', async () => {
    const path = newPath();
    await heldByOther(path);
    const start = performance.now();
    const second = take(path, { wait: 1 });
    expect(await failureOf(second.lock)).toMatchObject({ kind: 'lock-busy' });
    expect(second.busy).toEqual(['another process']);
    expect(performance.now() - start).toBeLessThan(5000);
  });
  it('ends what a dead owner left holding it, and says so', async () => {
    const path = newPath();
    const child = await heldByOther(path);
    // Nobody has process number 999999999: its owner is dead, its child lives on.
    put(path, '999999999 1 kmodsort sync\n');
    const gone = ended(child);
    const wish = take(path, { wait: 20 });
    const lock = await wish.lock;
    await gone;
    expect(lock.afterDeath).toBe(true);
    expect(wish.survivors.length).toBeGreaterThan(0);
    expect(wish.busy).toEqual([]);
    await lock.release();
  });
  it('does not take a later process with the same number for the owner', async () => {
    const path = newPath();
    put(path, `${process.pid} 1 kmodsort of yesterday\n`);
    const lock = await take(path).lock;
    expect(lock.afterDeath).toBe(true);
    await lock.release();
  });
});

describe('isNested', () => {
  it('believes a mark only if its run holds the lock', async () => {
    const state = mkdtempSync(join(root, 'state-'));
    const marked = { [markers.run]: runMark() };
    expect(isNested(state, marked)).toBe(false);
    const lock = await take(runLockFile(state)).lock;
    expect(isNested(state, marked)).toBe(true);
    expect(isNested(state, {})).toBe(false);
    expect(isNested(state, { [markers.run]: `${process.pid}:1` })).toBe(false);
    expect(isNested(state, { [markers.run]: '' })).toBe(false);
    await lock.release();
    expect(isNested(state, marked)).toBe(false);
  });
});
