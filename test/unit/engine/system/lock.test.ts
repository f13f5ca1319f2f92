import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { FailureError } from '../../../../src/engine/errors.ts';
import { isNested, markers, runMark } from '../../../../src/engine/state/nested.ts';
import { runLockFile } from '../../../../src/engine/state/paths.ts';
import { makeProcesses } from '../../../../src/engine/system/exec.ts';
import { type Lock, type LockOptions, takeLock } from '../../../../src/engine/system/lock.ts';
import { processFacts } from '../../../../src/engine/system/proc.ts';
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

/** A process of another group with a file open, once it has said that it is ready. */
const start = async (...[program, ...words]: [string, ...string[]]): Promise<ChildProcess> => {
  const child = spawn(program, words, { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
  children.push(child);
  await new Promise((resolve) => child.stdout?.once('data', resolve));
  return child;
};

/** A process of another group that holds the lock. */
const heldByOther = (path: string): Promise<ChildProcess> => {
  put(path);
  return start('flock', path, 'sh', '-c', 'echo held; sleep 60');
};

/** Nobody has this process number: the owner is dead. */
const deadOwner = '999999999 1 kmodsort sync\n';

/** What a run that is killed leaves in the lock: its name, and the group that inherited it. */
const leaveDead = (path: string, child: ChildProcess, start = processFacts(child.pid ?? 0)?.start): void => {
  put(path, `${deadOwner}group ${child.pid} ${start}\n`, 0o600);
};

const isRunning = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null;

const endOf = async (child: ChildProcess): Promise<NodeJS.Signals | null> => {
  await expect.poll(() => isRunning(child)).toBe(false);
  return child.signalCode;
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
  it('cannot be had where there is no flock, and nobody is said to hold it', async () => {
    const options = { path: newPath(), owner: 'the tests', wait: 0, onBusy: () => undefined };
    const real = makeProcesses(environment);
    const without = { ...real, ask: () => real.ask(['no-such-flock']) };
    await expect(takeLock(options, without)).rejects.toMatchObject({
      failure: { kind: 'tool-missing', at: 'flock' },
    });
  });
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
  it('writes down each group that inherits it, with the time at which its leader started', async () => {
    const path = newPath();
    const lock = await take(path).lock;
    const child = await start('sh', '-c', 'echo; sleep 60');
    lock.inheritedBy(child.pid ?? 0);
    const [owner, group] = readFileSync(path, 'utf8').split('\n');
    expect(owner).toMatch(/the tests$/);
    expect(group).toBe(`group ${child.pid} ${processFacts(child.pid ?? 0)?.start}`);
    await lock.release();
    expect(readFileSync(path, 'utf8')).toBe('');
  });
  it('ends the group that a dead owner left holding it, and says so', async () => {
    const path = newPath();
    const child = await heldByOther(path);
    leaveDead(path, child);
    const gone = ended(child);
    const wish = take(path, { wait: 20 });
    const lock = await wish.lock;
    await gone;
    expect(lock.afterDeath).toBe(true);
    expect(wish.survivors).toHaveLength(1);
    expect(wish.busy).toEqual([]);
    await lock.release();
  });
  it('ends what is left of such a group when its leader is gone', async () => {
    const path = newPath();
    put(path);
    const child = await start('sh', '-c', `exec 8>>${path}; flock 8; (echo held; sleep 60) & wait`);
    leaveDead(path, child);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    const wish = take(path, { wait: 20 });
    const lock = await wish.lock;
    expect(wish.survivors).toHaveLength(1);
    await lock.release();
  });
  it('ends a holder whose group nobody wrote down in time, by what its run gave it', async () => {
    const path = newPath();
    put(path);
    process.env.MARK_OF_A_TEST = '999999999:1';
    const child = await heldByOther(path);
    delete process.env.MARK_OF_A_TEST;
    put(path, deadOwner);
    const wish = take(path);
    await (await wish.lock).release();
    expect(wish.survivors).toHaveLength(1);
    expect(await endOf(child)).toBe('SIGKILL');
  });
  it.each<[string, (path: string, child: ChildProcess) => void]>([
    ['whose group nobody wrote down', (path) => put(path, deadOwner)],
    ['whose group started at another time than the one written down', (path, child) => leaveDead(path, child, '1')],
  ])('lets live a holder %s: it waits', async (_which, leave) => {
    const path = newPath();
    const child = await heldByOther(path);
    leave(path, child);
    const wish = take(path);
    expect(await failureOf(wish.lock)).toEqual({ kind: 'lock-busy', at: path, detail: 'another process' });
    expect(wish.survivors).toEqual([]);
    expect(isRunning(child)).toBe(true);
  });
  it('is freed after an abort, too, also where a child that lives on has inherited it', async () => {
    const path = newPath();
    const abort = new AbortController();
    const wish = { path, owner: 'a build', wait: 0, onBusy: () => undefined };
    const lock = await takeLock(wish, makeProcesses(environment, abort.signal));
    const child = spawn('sleep', ['60'], { detached: true, stdio: ['ignore', 'ignore', 'ignore', lock.descriptor] });
    children.push(child);
    abort.abort('SIGINT');
    await lock.release();
    const next = await take(path).lock;
    expect(isRunning(child)).toBe(true);
    await next.release();
  });
  it('lets live who only reads it, even of the group that was written down', async () => {
    const path = newPath();
    const child = await heldByOther(path);
    const reader = await start('sh', '-c', `echo begun > ${path}; exec tail -f ${path}`);
    leaveDead(path, child);
    appendFileSync(path, `group ${reader.pid} ${processFacts(reader.pid ?? 0)?.start}\n`);
    const lock = await take(path, { wait: 20 }).lock;
    expect(isRunning(reader)).toBe(true);
    await lock.release();
  });
  it('ends nobody where nobody inherits it: whoever holds it after a death is just taking it', async () => {
    const path = newPath();
    const child = await heldByOther(path);
    leaveDead(path, child);
    const busy: string[] = [];
    const wish = { path, owner: 'a run', wait: 0, onBusy: (holder: string) => busy.push(holder) };
    expect(await failureOf(takeLock(wish, makeProcesses(environment)))).toMatchObject({ kind: 'lock-busy' });
    expect(busy).toEqual(['another process']);
    expect(isRunning(child)).toBe(true);
  });
  it('knows nothing of when an owner started that had no /proc to look: one that lives is waited for', async () => {
    const path = newPath();
    const child = await heldByOther(path);
    put(path, `${child.pid} 0 kmodsort sync\ngroup ${child.pid} ${processFacts(child.pid ?? 0)?.start}\n`);
    const wish = take(path);
    expect(await failureOf(wish.lock)).toMatchObject({ detail: `kmodsort sync (process ${child.pid})` });
    expect(isRunning(child)).toBe(true);
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
