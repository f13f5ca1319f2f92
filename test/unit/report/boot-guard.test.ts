import { describe, expect, it } from 'vitest';
import type { BootGuardAnswer } from '../../../src/engine/answers.ts';
import { bootGuardedLines, bootLines } from '../../../src/report/boot-guard.ts';
import { exitStatus } from '../../../src/report/exit-status.ts';
import { loginText } from '../../../src/report/notices.ts';

const held = [
  { release: '6.13', missing: ['zfs'] },
  { release: '6.12', missing: ['spl', 'zfs'] },
];
const hold = { held, prefer: '6.1' };

const answer = (more: Partial<BootGuardAnswer>): BootGuardAnswer => ({
  kind: 'boot-guarded',
  isOn: true,
  required: ['zfs'],
  failures: [],
  ...more,
});

describe('what the boot guard says', () => {
  it('of kernels that are held back, by whom and for which', () => {
    expect(bootLines({ state: 'held', ...hold, loaders: ['GRUB', 'systemd-boot'] })).toEqual([
      'kmodsort: boot guard: zfs will not load on 6.13 and spl, zfs will not load on 6.12: GRUB and systemd-boot will boot 6.1 by default',
    ]);
  });
  it('of one that no longer is', () => {
    expect(bootLines({ state: 'released', releases: ['6.13'] })).toEqual([
      'kmodsort: boot guard: 6.13 is no longer held back',
    ]);
  });
  it('of what could not be, and why', () => {
    const failures = [
      {
        kind: 'boot-guard-failed' as const,
        at: 'GRUB',
        problem: { problem: 'said' as const, text: 'no image of 6.1 in /boot' },
        log: '/l',
      },
    ];
    expect(bootGuardedLines(answer({ failures }))).toEqual([
      'kmodsort: FAILED: GRUB may boot a kernel on which required modules are missing (boot_guard): no image of 6.1 in /boot',
      '  log    /l',
    ]);
  });
  it.each([
    [answer({}), 'kmodsort: boot guard: zfs will load on the newest kernel: no kernel is held back', 0],
    [answer({ isOn: false }), 'kmodsort: boot guard: off: no kernel is held back', 0],
    [answer({ required: [] }), 'kmodsort: boot guard: required_modules is not set: no kernel is held back', 0],
    [
      answer({ boot: { state: 'nowhere', held: held.slice(0, 1) } }),
      'kmodsort: boot guard: zfs will not load on 6.13: there is no older kernel to boot in its place, nothing was changed',
      1,
    ],
  ])('when asked: %j', (said, line, status) => {
    expect(bootGuardedLines(said)).toEqual([line]);
    expect(exitStatus(said, 'typed', { requiredFailed: false })).toBe(status);
  });
  it('at the login, alone or below what failed', () => {
    const line = 'kmodsort: 6.13 is held back by boot_guard, zfs will not load there: 6.1 is booted by default\n';
    expect(loginText([], [], { held: held.slice(0, 1), prefer: '6.1' })).toBe(line);
    expect(loginText([], [{ release: '6.13', steps: ['depmod'] }], hold)).toContain(line);
  });
});

describe('what a package script is told', () => {
  const failed = {
    kind: 'summary' as const,
    rows: [],
    failures: [{ kind: 'boot-guard-failed' as const }],
    notes: [],
    seconds: 0,
  };
  it.each([
    ['typed', 1],
    ['pacman', 1],
    ['apt', 0],
    ['rpm', 0],
    ['dkms', 0],
    ['dkms-autoinstall', 0],
    ['dkms-kernel', 0],
  ] as const)('%s: %i where the boot loader could not be seen to', (policy, status) => {
    expect(exitStatus(failed, policy, { requiredFailed: false })).toBe(status);
  });
});
