import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeUname, whyUnameFails } from '../../../../src/engine/kernel/uname.ts';
import { makeProcesses } from '../../../../src/engine/system/exec.ts';
import { put, temporaryDirectory } from '../../temporary.ts';

const path = '/usr/bin:/bin';
const release = "6.12.1-it's-another";
const directory = makeUname(temporaryDirectory(), release, path);

const run = (searched: string, words: readonly string[]) => {
  const { status, stdout, stderr } = spawnSync('uname', words, { encoding: 'utf8', env: { PATH: searched } });
  // The real one names itself as it was called.
  const unnamed = (text: string): string => text.replaceAll(/\/(usr\/)?bin\/uname/g, 'uname');
  return { status, stdout: unnamed(stdout), stderr: unnamed(stderr) };
};

const real = (words: readonly string[]) => run(path, words);
const ours = (words: readonly string[]) => run(`${directory}:${path}`, words);
const own = real(['-r']).stdout.trim();

describe('uname for another kernel', () => {
  it.each([
    '-r',
    '--kernel-release',
    '-a',
    '--all',
    '-sr',
    '-rs',
    '-srm',
    '-s -r',
    '-snrvmo',
    '-rv',
    '-s --kernel-release -m',
    '-rr',
  ])('answers %s as the real one would on that kernel', (words) => {
    const list = words.split(' ');
    const answer = real(list);
    expect(ours(list)).toEqual({ ...answer, stdout: answer.stdout.replace(own, release) });
    expect(ours(list).stdout).toContain(release);
  });
  it.each([
    '',
    '-s',
    '-m',
    '-n',
    '-v',
    '-o',
    '-p',
    '-i',
    '-sm',
    '--machine',
    '--nodename',
    '--version',
    '--help',
    '--operating-system',
  ])('leaves "uname %s" as it is', (words) => {
    const list = words.split(' ').filter(Boolean);
    expect(ours(list)).toEqual(real(list));
  });
  it.each(['-z', '--nothing', 'word'])('fails as the real one does at %s', (word) => {
    expect(ours([word]).status).toBe(1);
    expect(ours([word]).stderr).toBe(real([word]).stderr);
  });
  it('is made once for a release, writable for its owner only', () => {
    const file = join(directory, 'uname');
    const { ino, mode } = statSync(file);
    makeUname(join(directory, '..'), release, path);
    expect(statSync(file).ino).toBe(ino);
    expect(mode & 0o022).toBe(0);
  });
  it.each([
    [0o755, undefined],
    [0o644, `uname -r: ${own}`],
  ])('is asked before it is believed: mode %o', async (mode, why) => {
    const place = temporaryDirectory();
    put(join(place, 'kmodsort-probe', 'uname'), '#!/bin/sh\necho kmodsort-probe\n', mode);
    expect(await whyUnameFails(place, { PATH: path }, makeProcesses({ PATH: path }))).toBe(why);
  });
});
