import { spawn } from 'node:child_process';
import { Readable } from 'node:stream';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { guardRequest } from '../../../src/adapters/hook-request.ts';

const pacman = { manager: 'pacman', self: ['node', 'x'] } as const;
const asked = { verb: 'guard', program: ['node', 'x'], tools: [], packages: ['linux'] };

describe('guardRequest', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('finds the files on the command line of the caller that the shell names', async () => {
    const caller = spawn('sh', ['-c', 'sleep 20; :', '/tmp/linux-6.1.pkg.tar.zst'], { stdio: 'ignore' });
    vi.stubEnv('KMODSORT_CALLER', String(caller.pid));
    try {
      const { request } = await guardRequest(pacman, Readable.from(['linux\n']), new AbortController().signal);
      expect(request).toEqual({ ...asked, archives: ['/tmp/linux-6.1.pkg.tar.zst'] });
    } finally {
      caller.kill('SIGKILL');
    }
  });
  it.each(['', 'x', '-1', '1.5'])('asks its own parent where the shell says %j', async (said) => {
    vi.stubEnv('KMODSORT_CALLER', said);
    const { request } = await guardRequest(pacman, Readable.from(['linux\n']), new AbortController().signal);
    expect(request).toEqual({ ...asked, archives: [] });
  });
});
