import { describe, expect, it } from 'vitest';
import type { OpenDue, OpenFailure } from '../../../src/engine/answers.ts';
import { endTexts, journalLines, loginText } from '../../../src/report/notices.ts';
import { behind, kernel, nope, recorded, rowOf, summaryOf } from './world.ts';

const failureOf = (name: string, more: Partial<OpenFailure> = {}): OpenFailure => ({
  module: { name, version: '1.0' },
  kernel: { release: '6.1.0-9', arch: 'x86_64' },
  failure: { kind: 'make-failed' },
  ...more,
});
const due: OpenDue = { release: '6.12.1', steps: ['initramfs'] };

describe('what every login is told', () => {
  it('is nothing where nothing is wrong', () => {
    expect(loginText([], [])).toBe('');
  });
  it('is what is missing, and the commands that help', () => {
    expect(loginText([failureOf('zfs')], [])).toBe(
      [
        'kmodsort: kernel modules are missing:',
        '  zfs/1.0 on 6.1.0-9: make failed',
        "  'kmodsort log NAME' shows why; 'kmodsort sync -k 6.1.0-9' tries again",
        '',
      ].join('\n'),
    );
  });
  it('is no missing module where an earlier build stays', () => {
    expect(loginText([failureOf('zfs', { stays: '0.9' })], [])).toContain('kernel modules could not be rebuilt:');
  });
  it('is what should have followed an installation and did not', () => {
    expect(loginText([], [due, { release: '6.1.0-9', steps: ['depmod', 'post-transaction'] }])).toBe(
      [
        'kmodsort: kernel modules were installed, and not all that must follow was done:',
        '  6.12.1: the initramfs could not be made and may lack the new modules',
        '  6.1.0-9: depmod did not end well: modprobe may not find the new modules',
        '  6.1.0-9: post_transaction did not end well',
        "  'kmodsort sync -k 6.12.1 -k 6.1.0-9' tries again",
        '',
      ].join('\n'),
    );
  });
  it('is five lines of it at most, modules first', () => {
    const text = loginText(
      ['a', 'b', 'c', 'd', 'e'].map((name) => failureOf(name)),
      [due],
    );
    expect(text).not.toContain('initramfs');
    expect(text).toContain('  and 1 more: kmodsort status\n');
    expect(text).toContain('-k 6.1.0-9 -k 6.12.1');
  });
});

describe('what an apt run ends with', () => {
  const bad = summaryOf([rowOf('fine', { kind: 'unchanged' }), rowOf('needs', behind), rowOf('broken', nope)]);
  const { release } = kernel;

  it('is the whole of what failed, also after it was told', () => {
    const { required, failed } = endTexts(bad, recorded({ isTold: () => true }).context);
    expect(failed.get(release)).toMatch(/^kmodsort: summary: 3 modules on 1 kernel: .*1 FAILED\n/);
    expect(failed.get(release)).toContain('retry  kmodsort sync');
    expect(required).toEqual(
      new Map([
        [release, ''],
        ['any', ''],
      ]),
    );
  });
  it('is said once of what is required', () => {
    const missingRequired = (): { release: string; names: string[] }[] => [{ release, names: ['broken'] }];
    const { required, failed } = endTexts(bad, recorded({ missingRequired }).context);
    expect(required.get(release)).toContain(`do not reboot into ${release}: required modules are missing: broken`);
    expect(failed.get(release)).toBe('');
  });
  it('is taken back when nothing fails any more', () => {
    const { required, failed } = endTexts(summaryOf([rowOf('broken', { kind: 'installed' })]), recorded().context);
    expect([...required.values(), ...failed.values()].join('')).toBe('');
    expect([...failed.keys()]).toEqual([release]);
  });
  it('is in the journal once', () => {
    expect(journalLines(bad, recorded().context)).toHaveLength(1);
    expect(journalLines(bad, recorded({ isTold: () => true }).context)).toEqual([]);
  });
});
