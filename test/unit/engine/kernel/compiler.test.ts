import { join } from 'node:path';
import { expect, it } from 'vitest';
import { compilerIdentity, identityMark } from '../../../../src/engine/kernel/compiler.ts';
import { makeProcesses } from '../../../../src/engine/system/exec.ts';
import { put, temporaryDirectory } from '../../temporary.ts';

const root = temporaryDirectory();

it('is what a compiler of the system says of itself, whatever comes first on PATH', async () => {
  put(join(root, 'sh'), '#!/bin/sh\necho wrapped\n', 0o755);
  const usual = await compilerIdentity('sh', makeProcesses({ PATH: '/usr/bin:/bin' }));
  expect(usual.startsWith(identityMark)).toBe(true);
  expect(await compilerIdentity('sh', makeProcesses({ PATH: `${root}:/usr/bin:/bin` }))).toBe(usual);
  expect(await compilerIdentity('bash', makeProcesses({}))).not.toBe('');
});

it('is none of a command that is not there, or is no compiler', async () => {
  expect(await compilerIdentity('no-such-compiler', makeProcesses(process.env))).toBe('');
  expect(await compilerIdentity('false', makeProcesses(process.env))).toBe('');
});
