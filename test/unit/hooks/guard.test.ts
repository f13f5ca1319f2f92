import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { put, temporaryDirectory } from '../temporary.ts';
import { putProgram, putScripts, runScript, type Said } from './shell.ts';

/** Whether a transaction is checked, and what it sees of the check. */

const guard = (conf: string, does: string, version?: string): Said => {
  const root = temporaryDirectory();
  putScripts(root);
  putProgram(root, does, version);
  put(join(root, 'etc/dkms/framework.conf'), conf);
  return runScript(root, 'lib/guard', ['apt'], { input: 'VERSION 3\n\n' });
};

describe('the guard', () => {
  it.each([
    ['exit 1', 1],
    ['exit 0', 0],
  ])('ends as the program does that looks at what comes in: %s', (does, status) => {
    expect(guard('kernel_guard="yes"\n', does)).toEqual({ status, stdout: '', stderr: '' });
  });
  it.each(['kill -9 $$', 'exit 70', 'exit 127'])('lets the transaction go on when the program is lost: %s', (does) => {
    const { status, stderr } = guard('kernel_guard="yes"\n', does);
    expect([status, stderr]).toEqual([0, expect.stringContaining('the incoming kernels were not checked')]);
  });
  it('tells the program who brings the packages: pacman has their files on its command line', () => {
    expect(guard('kernel_guard="yes"\n', 'echo "$KMODSORT_CALLER"').stdout).toBe(`${process.pid}\n`);
  });
  it('lets it go on when the program cannot start', () => {
    const { status, stderr } = guard('kernel_guard="yes"\n', 'exit 1', 'exit 1');
    expect([status, stderr]).toEqual([0, expect.stringContaining('the incoming kernels were not checked')]);
  });
});
