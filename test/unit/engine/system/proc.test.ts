import { spawn } from 'node:child_process';
import { describe, expect, it, vi } from 'vitest';
import {
  commandLineOf,
  environmentOf,
  isThere,
  lineage,
  parseStat,
  processFacts,
} from '../../../../src/engine/system/proc.ts';

const tail = 'S 41 42 43 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1 2';

describe('parseStat', () => {
  it.each(['bash', 'a ) (b', '', 'a\n) S 1'])('reads what belongs to %j', (name) => {
    expect(parseStat(`7 (${name}) ${tail}`)).toEqual({ name, parent: 41, group: 42, start: '987654' });
  });
  it.each(['', '7 (bash)', '7 (bash) S 41 42'])('makes nothing of %j', (text) => {
    expect(parseStat(text)).toBeUndefined();
  });
});

describe('a process', () => {
  it('is known by its parent, group, start and command line while it runs', async () => {
    const child = spawn('sleep', ['60'], { detached: true, env: { ONE: '1', TWO: 'a b' } });
    const pid = child.pid ?? 0;
    expect(processFacts(pid)).toMatchObject({ parent: process.pid, group: pid });
    expect(Number(processFacts(pid)?.start)).toBeGreaterThanOrEqual(Number(processFacts(process.pid)?.start));
    await expect.poll(() => commandLineOf(pid)).toEqual(['sleep', '60', '']);
    expect(environmentOf(pid)).toEqual(['ONE=1', 'TWO=a b', '']);
    expect(
      lineage(pid)
        .map(({ parent }) => parent)
        .slice(0, 2),
    ).toEqual([process.pid, process.ppid]);
    expect(isThere(pid)).toBe(true);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    expect(processFacts(pid)).toBeUndefined();
    expect(commandLineOf(pid)).toEqual([]);
    expect(environmentOf(pid)).toEqual([]);
    expect(lineage(pid)).toEqual([]);
    expect(isThere(pid)).toBe(false);
  });
  it('that we may not signal is there all the same', () => {
    const kill = vi.spyOn(process, 'kill').mockImplementation(() => {
      throw Object.assign(new Error('kill EPERM'), { code: 'EPERM' });
    });
    try {
      expect(isThere(1)).toBe(true);
    } finally {
      kill.mockRestore();
    }
  });
});
