import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { copyDirectory, placeCopy } from '../../../../src/engine/system/copy-directory.ts';
import { makeProcesses, type Processes } from '../../../../src/engine/system/exec.ts';
import { sweepTemporary } from '../../../../src/engine/system/publish.ts';
import { put, temporaryDirectory } from '../../temporary.ts';

/** A source, what stood in its place before, and a cp that does as a test says. */
const world = (cp?: string): { from: string; to: string; top: string; processes: Processes } => {
  const root = temporaryDirectory();
  const top = join(root, 'src');
  put(join(root, 'new/dkms.conf'), 'new');
  put(join(top, 'demo-1.0/dkms.conf'), 'old');
  if (cp !== undefined) put(join(root, 'bin/cp'), `#!/bin/sh\n${cp}\n`, 0o755);
  const processes = makeProcesses({ PATH: `${root}/bin:/usr/bin:/bin` });
  return { from: join(root, 'new'), to: join(top, 'demo-1.0'), top, processes };
};

describe('copyDirectory', () => {
  it.each([
    ["cp: error writing '/x': No space left on device", 'disk-full'],
    ["cp: error writing '/x': Disk quota exceeded", 'disk-full'],
    ["cp: cannot open '/x' for reading: Permission denied", 'no-permission'],
    ["cp: cannot create regular file '/x': Operation not permitted", 'no-permission'],
    ["cp: cannot create regular file '/x': Read-only file system", 'read-only'],
    ["cp: error reading '/x': Cannot allocate memory", 'memory-short'],
    ["cp: error reading '/x': Input/output error", 'unexpected'],
  ])('takes the reason from what cp says: %s', async (said, kind) => {
    const { from, to, processes } = world(`echo "${said}" >&2; exit 1`);
    expect(await copyDirectory(processes, from, to)).toEqual({ kind, at: to, detail: said });
  });
  it('finds the reason among other lines', async () => {
    const { from, to, processes } = world("printf 'cp: a: odd\\ncp: b: No space left on device\\n' >&2; exit 1");
    const detail = 'cp: b: No space left on device';
    expect(await copyDirectory(processes, from, to)).toEqual({ kind: 'disk-full', at: to, detail });
  });
  it('says that there is no cp', async () => {
    const { from, to } = world();
    expect(await copyDirectory(makeProcesses({ PATH: '' }), from, to)).toBeUndefined();
    const none: Processes = {
      ...makeProcesses({}),
      ask: (argv) => makeProcesses({}).run({ argv, environment: { PATH: '/nonexistent' } }),
    };
    expect(await copyDirectory(none, from, to)).toMatchObject({ kind: 'tool-missing', at: 'cp' });
  });
});

describe('placeCopy', () => {
  it('puts the copy where something stood before, and leaves nothing beside it', async () => {
    const { from, to, top, processes } = world();
    expect(await placeCopy(processes, from, to)).toBeUndefined();
    expect([readdirSync(top), readFileSync(join(to, 'dkms.conf'), 'utf8')]).toEqual([['demo-1.0'], 'new']);
  });
  it('keeps what stood there when cp fails', async () => {
    const { from, to, top, processes } = world('exit 1');
    expect(await placeCopy(processes, from, to)).toMatchObject({ kind: 'unexpected', at: to });
    expect([readdirSync(top), readFileSync(join(to, 'dkms.conf'), 'utf8')]).toEqual([['demo-1.0'], 'old']);
  });
  it('keeps what stood there when the copy cannot take its place', async () => {
    const { from, to, top, processes } = world('for last; do :; done; rm -r "$last"');
    await expect(placeCopy(processes, from, to)).rejects.toThrow('ENOENT');
    expect([readdirSync(top), readFileSync(join(to, 'dkms.conf'), 'utf8')]).toEqual([['demo-1.0'], 'old']);
  });
});

describe('sweepTemporary', () => {
  it('puts back what a killed run had moved aside, and removes the rest', () => {
    const { top } = world();
    put(join(top, '.tmp_demo-1.0_abc123/dkms.conf'), 'half');
    put(join(top, '.tmp_old_demo-1.0/dkms.conf'), 'older');
    put(join(top, '.tmp_old_lost-2.0/dkms.conf'), 'lost');
    mkdirSync(join(top, 'linux'));
    sweepTemporary(top, 0);
    expect(readdirSync(top).sort()).toEqual(['demo-1.0', 'linux', 'lost-2.0']);
    expect(readFileSync(join(top, 'lost-2.0/dkms.conf'), 'utf8')).toBe('lost');
    expect(readFileSync(join(top, 'demo-1.0/dkms.conf'), 'utf8')).toBe('old');
  });
});
