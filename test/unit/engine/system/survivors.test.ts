import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { isThere, lineage, processFacts } from '../../../../src/engine/system/proc.ts';
import { endSurvivors, groupLine } from '../../../../src/engine/system/survivors.ts';
import { put, temporaryDirectory } from '../../temporary.ts';

const root = temporaryDirectory();
const children: ChildProcess[] = [];

afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
});

/** A lock that we hold, and with us a child of our own group. */
const held = async (): Promise<{ path: string; child: ChildProcess; free: () => void }> => {
  const path = put(join(mkdtempSync(join(root, 'lock-')), 'lock'));
  const descriptor = openSync(path, 'r+');
  const child = spawn('sh', ['-c', 'flock 3; echo held; sleep 60'], {
    stdio: ['ignore', 'pipe', 'ignore', descriptor],
  });
  children.push(child);
  await new Promise((resolve) => child.stdout?.once('data', resolve));
  return { path, child, free: () => closeSync(descriptor) };
};

describe('endSurvivors', () => {
  it('spares our own group and each that holds one of our ancestors, whatever the lock says', async () => {
    const { path, child, free } = await held();
    const groups = [...new Set(lineage(process.pid).map((facts) => facts.group))];
    expect(processFacts(child.pid ?? 0)?.group).toBe(groups[0]);
    const told: number[] = [];
    endSurvivors({ path, text: groups.map(groupLine).join(''), mark: '1:1' }, (pid) => told.push(pid));
    expect(told).toEqual([]);
    expect(child.exitCode).toBe(null);
    free();
  });
});

describe('isThere', () => {
  it('tells a process that runs from one that does not', () => {
    expect([process.pid, 1, 999_999_999].map(isThere)).toEqual([true, true, false]);
  });
});

describe('lineage', () => {
  it('begins with the process and goes up to the first of all', () => {
    const facts = lineage(process.pid);
    expect(facts[0]).toEqual({ pid: process.pid, ...processFacts(process.pid) });
    expect(facts[1]).toEqual({ pid: process.ppid, ...processFacts(process.ppid) });
    expect(facts.at(-1)?.parent).toBe(0);
  });
  it('is empty for a process that is not there', () => {
    expect(lineage(999_999_999)).toEqual([]);
  });
});
