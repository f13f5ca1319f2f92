import { describe, expect, it } from 'vitest';
import type { WhyEntry } from '../../../src/engine/answers.ts';
import type { Job } from '../../../src/engine/plan.ts';
import { whyLines } from '../../../src/report/why.ts';

const module = { name: 'zfs', version: '2.3.9' };
const kernel = { release: '6.1.0-56-amd64', arch: 'x86_64' };
const entry: WhyEntry = { module, kernel, state: 'installed', key: '0123456789abcdef', changed: [] };
const jobOf = (changed: readonly string[]): Job => ({
  id: 'zfs/2.3.9@6.1.0-56-amd64/x86_64',
  module,
  kernel,
  want: 'installed',
  why: { reason: 'stale', changed },
  after: [],
});

describe('why', () => {
  it('says that nothing has changed', () => {
    expect(whyLines([{ ...entry, outcome: { kind: 'unchanged' } }])).toEqual([
      'zfs/2.3.9, 6.1.0-56-amd64: installed, nothing has changed since it was built (key 0123456789ab)',
    ]);
  });
  it('names the files, a few of them, and what a compiler was and is', () => {
    const files = ['a.c', 'b.c', 'c.c', 'd.c', 'e.c', 'f.c', 'g.c'];
    const changed = [
      { part: 'sources', files },
      { part: 'headers', files: ['include/linux/fs.h'] },
      { part: 'compiler', files: [], was: 'gcc version 12.2.0 #1a', is: 'gcc version 13.1.0 #2b' },
      { part: 'linker', files: [], was: 'GNU ld 2.40 #1a', is: 'GNU ld 2.40 #2b' },
      { part: 'pahole', files: [], was: '', is: 'v1.24 #3c' },
      { part: 'dependency spl', files: [] },
    ];
    expect(whyLines([{ ...entry, changed, job: jobOf(['sources', 'compiler']) }])).toEqual([
      'zfs/2.3.9, 6.1.0-56-amd64: sync would build it: changed: sources, compiler',
      '  sources: a.c',
      '           b.c',
      '           c.c',
      '           d.c',
      '           e.c',
      '           and 2 more files',
      '  headers: include/linux/fs.h',
      '  compiler: gcc version 12.2.0, now gcc version 13.1.0',
      '  linker: GNU ld 2.40 #1a, now GNU ld 2.40 #2b',
      '  pahole: none, now v1.24',
      '  dependency spl',
    ]);
  });
  it('says why there is nothing to do', () => {
    const outcome = { kind: 'skipped', why: { reason: 'autoinstall-no' } } as const;
    expect(whyLines([{ ...entry, state: 'added', outcome }])).toEqual([
      'zfs/2.3.9, 6.1.0-56-amd64: skipped: AUTOINSTALL=no in its dkms.conf',
    ]);
  });
  it('says what failed, and that it may go better now', () => {
    const failure = { kind: 'compiler-failed', detail: 'x.c:1: error: y' } as const;
    const failed = { ...entry, state: 'added', outcome: { kind: 'failed', failure, remembered: true } } as const;
    expect(whyLines([failed])[0]).toContain('FAILED: compiler error');
  });
});
