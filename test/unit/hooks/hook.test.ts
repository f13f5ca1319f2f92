import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { put, temporaryDirectory } from '../temporary.ts';
import { putProgram, putScripts, queued, runScript, type Said } from './shell.ts';

/** What a hook ends with, and what is left of its words, whatever becomes of the program. */

const list = Array.from({ length: 3000 }, (_, index) => `usr/src/module-${index}/dkms.conf`).join('\n');

const inRoot = (): string => {
  const root = temporaryDirectory();
  putScripts(root);
  mkdirSync(join(root, 'var/lib/kmodsort'), { recursive: true });
  return root;
};

const hook = (root: string, words: readonly string[], input?: string): Said =>
  runScript(root, 'lib/hook', words, input === undefined ? {} : { input });

const apt = ['apt', 'postinst', '6.1.0'];
const pacman = ['pacman', 'install'];

describe('a hook whose program does its work', () => {
  it.each([
    [apt, 'exit 0', 0],
    // Words that ask for nothing have been complained of; they must not leave a kernel half-configured.
    [apt, 'exit 2', 0],
    [['rpm', 'add', '6.1.0'], 'exit 0', 0],
    [pacman, 'exit 0', 0],
    [pacman, 'exit 1', 1],
    [pacman, 'exit 2', 2],
    [pacman, 'exit 130', 130],
    [pacman, 'exit 143', 143],
  ])('%j ends as it does: %s', (words, does, status) => {
    const root = inRoot();
    putProgram(root, does);
    expect(hook(root, words)).toEqual({ status, stdout: '', stderr: '' });
    expect(readFileSync(join(root, 'words'), 'utf8')).toBe(['hook', 'run', ...words, ''].join('\n'));
    expect(queued(root)).toEqual([]);
  });
  it('waits for its answer to Ctrl-C', async () => {
    const root = inRoot();
    putProgram(root, `trap 'sleep 0.2; exit 130' INT; touch ${root}/ready; while :; do sleep 0.02; done`);
    const child = spawn(join(root, 'lib/hook'), pacman, { detached: true, stdio: ['ignore', 'ignore', 'ignore'] });
    const ended = new Promise((resolve) => child.on('close', (code, signal) => resolve([code, signal])));
    await expect.poll(() => existsSync(join(root, 'ready')), { timeout: 8000 }).toBe(true);
    if (child.pid) process.kill(-child.pid, 'SIGINT');
    expect(await ended).toEqual([130, null]);
    expect(queued(root)).toEqual([]);
  });
  it('gets the list of files', () => {
    const root = inRoot();
    putProgram(root, 'cat');
    expect(hook(root, pacman, `${list}\n`)).toEqual({ status: 0, stdout: `${list}\n`, stderr: '' });
  });
});

describe('a hook whose program ends as none should', () => {
  const ends = ['kill -9 $$', 'kill -ABRT $$', 'exit 70', 'cat | kill -9 $$', 'exit 127', 'exit 126'];
  it.each(ends)('of apt ends well, and its words wait: %s', (does) => {
    const root = inRoot();
    putProgram(root, does);
    const { status, stderr } = hook(root, apt);
    expect(status).toBe(0);
    expect(stderr).toMatch(/^kmodsort: .*: 'apt postinst 6\.1\.0' waits in \S+\/queue for the next run/m);
    expect(queued(root)).toEqual(['apt\npostinst\n6.1.0\n\n']);
  });
  it.each(ends)('of pacman says that it failed, and its list waits, too: %s', (does) => {
    const root = inRoot();
    putProgram(root, does);
    expect(hook(root, pacman, `${list}\n`).status).toBe(1);
    expect(queued(root)).toEqual([`pacman\ninstall\n\n${list}\n`]);
  });
  it.each([
    [['rpm', 'files-in'], 'kill -9 $$', 0, 'rpm\nfiles-in\n\nusr/src/x-1/dkms.conf\n'],
    [['rpm', 'add', '6.1.0'], 'exit 1', 0, 'rpm\nadd\n6.1.0\n\n'],
    [apt, 'exit 1', 0, 'apt\npostinst\n6.1.0\n\n'],
  ])('%j: %s', (words, does, status, entry) => {
    const root = inRoot();
    putProgram(root, does);
    expect(hook(root, words, 'usr/src/x-1/dkms.conf\n').status).toBe(status);
    expect(queued(root)).toEqual([entry]);
  });
  it.each([
    [apt, 0, 'apt\npostinst\n6.1.0\n\n'],
    [pacman, 1, 'pacman\ninstall\n\nusr/src/x-1/dkms.conf\n'],
  ])('%j did not get the lock: its words wait', (words, status, entry) => {
    const root = inRoot();
    putProgram(root, 'exit 75');
    const said = hook(root, words, 'usr/src/x-1/dkms.conf\n');
    expect(said.status).toBe(status);
    expect(said.stderr).toMatch(/^kmodsort: did not get the lock \(/);
    expect(queued(root)).toEqual([entry]);
  });
  it('tells a program that cannot start from one that says that something failed', () => {
    const root = inRoot();
    putProgram(root, 'exit 1', 'exit 1');
    expect(hook(root, pacman, 'usr/src/x-1/dkms.conf\n').status).toBe(1);
    expect(queued(root)).toEqual(['pacman\ninstall\n\nusr/src/x-1/dkms.conf\n']);
  });
  it('is there no program at all, its words wait', () => {
    const root = inRoot();
    const { status, stderr } = hook(root, apt);
    expect(status).toBe(0);
    expect(stderr).toContain('kmodsort: cannot start now');
    expect(queued(root)).toEqual(['apt\npostinst\n6.1.0\n\n']);
  });
  it('says what to do where nothing can be written', () => {
    const root = inRoot();
    put(join(root, 'var/lib/kmodsort/queue'), 'no directory');
    const { status, stderr } = hook(root, ['apt', 'trigger']);
    expect([status, stderr]).toEqual([0, expect.stringContaining("run 'kmodsort sync' when it can")]);
  });
});
