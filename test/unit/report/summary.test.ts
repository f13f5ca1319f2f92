import { describe, expect, it } from 'vitest';
import { summaryLines } from '../../../src/report/summary.ts';
import { behind, kernel, nope, recorded, request, rowOf, summaryOf } from './world.ts';

const linesOf = (summary: Parameters<typeof summaryLines>[0], more = {}): string[] =>
  summaryLines(summary, recorded(more).context);

describe('summaryLines', () => {
  it('says that there is nothing known, or nothing to remove', () => {
    expect(linesOf(summaryOf([]))).toEqual([
      'kmodsort: nothing to do: no modules in the dkms tree, or no kernel to build them for',
    ]);
    expect(linesOf(summaryOf([]), { request: { ...request, dropOnly: true } })).toEqual([
      'kmodsort: nothing to do: nothing to remove',
    ]);
  });

  it('does not call deferred or interrupted modules as they should be', () => {
    const deferred = rowOf('a', { kind: 'deferred', why: { reason: 'headers-may-follow' } });
    expect(linesOf(summaryOf([deferred])).join('\n')).toContain(
      '1 deferred\n  deferred   a/1.0  6.1.0-56-amd64   no kernel headers yet',
    );
    const interrupted = rowOf('b', { kind: 'skipped', why: { reason: 'interrupted' } });
    expect(linesOf(summaryOf([interrupted], { signal: 'SIGTERM' })).slice(-2)).toEqual([
      'kmodsort: interrupted by SIGTERM',
      `kmodsort: modules are missing on ${kernel.release}: b`,
    ]);
  });

  it('names the headers to install', () => {
    const failure = {
      kind: 'headers-missing',
      at: `/lib/modules/${kernel.release}/build`,
      detail: kernel.release,
    } as const;
    const lines = linesOf(summaryOf([rowOf('a', { kind: 'failed', failure, remembered: false })]));
    expect(lines).toContain(`             help   install the package with the headers of ${kernel.release}`);
  });

  it('marks what failed in an earlier run', () => {
    const row = rowOf('broken', { ...nope, remembered: true } as typeof nope);
    expect(linesOf(summaryOf([row]))[1]).toContain('compiler error (in an earlier run; nothing has changed since)');
  });

  describe('after an earlier hook of the same transaction has told it', () => {
    const failed = rowOf('broken', { ...nope, remembered: true } as typeof nope);
    const more = { isTold: (): boolean => true };

    it('says what failed in a word, with what waits for it', () => {
      expect(linesOf(summaryOf([rowOf('a', { kind: 'unchanged' }), rowOf('needs', behind), failed]), more)).toEqual([
        `kmodsort: still failed: broken/1.0 on ${kernel.release} (see above)`,
      ]);
    });
    it('has a line for each kernel', () => {
      const other = { ...failed, kernel: { ...kernel, release: '6.2' } };
      expect(linesOf(summaryOf([failed, rowOf('worse', nope), other]), more)).toEqual([
        `kmodsort: still failed: broken/1.0, worse/1.0 on ${kernel.release} (see above)`,
        'kmodsort: still failed: broken/1.0 on 6.2 (see above)',
      ]);
    });
    it('tells what is new in full', () => {
      const lines = linesOf(summaryOf([rowOf('a', { kind: 'installed' }, 2), failed]), more);
      expect(lines).toEqual([
        'kmodsort: summary: 1 module on 1 kernel: 1 installed',
        `  installed  a/1.0  ${kernel.release}   2.0 s`,
        `kmodsort: still failed: broken/1.0 on ${kernel.release} (see above)`,
      ]);
      const isTold = ({ module }: { module: { name: string } }): boolean => module.name === 'broken';
      const both = linesOf(summaryOf([failed, rowOf('fresh', nope)]), { isTold }).join('\n');
      expect(both).toContain('2 FAILED');
      expect(both).not.toContain('still failed');
    });
    it('says how a run was ended', () => {
      expect(linesOf(summaryOf([failed], { signal: 'SIGINT' }), more)).toContain('kmodsort: interrupted by SIGINT');
    });
  });

  it('does not call missing what an earlier build stands in for', () => {
    const lines = linesOf(summaryOf([{ ...rowOf('broken', nope), stays: '0.9' }]));
    expect(lines).toContain('             fallback: broken/0.9 is still installed and will load');
    expect(lines.join('\n')).not.toContain('missing on');
  });

  it('warns of a reboot, also when nothing had to be done', () => {
    const missingRequired = () => [{ release: kernel.release, names: ['zfs'] }];
    const lines = linesOf(summaryOf([rowOf('a', { kind: 'unchanged' })]), { missingRequired });
    expect(lines.at(-1)).toBe(`kmodsort: do not reboot into ${kernel.release}: required modules are missing: zfs`);
  });

  it('says failures of the run itself with what helps', () => {
    const lines = linesOf(
      summaryOf([], { failures: [{ kind: 'lock-busy', at: '/l', detail: 'kmodsort sync (process 7)' }] }),
    );
    expect(lines).toEqual([
      'kmodsort: FAILED: timed out waiting for the lock held by kmodsort sync (process 7)',
      '             help   run it again when the other run has ended',
    ]);
  });
});
