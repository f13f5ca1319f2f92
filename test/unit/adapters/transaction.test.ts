import { describe, expect, it } from 'vitest';
import { isLastHook, transactionIn } from '../../../src/adapters/transaction.ts';
import type { Ancestor } from '../../../src/engine/system/proc.ts';

/** Names of the processes above a hook, the next one first; numbered from 100. */
const above = (...names: readonly string[]): Ancestor[] =>
  names.map((name, index) => ({ name, pid: 100 + index, parent: 101 + index, group: 1, start: `${index}` }));

const locked = { DPKG_FRONTEND_LOCKED: 'true' };

describe('the transaction of a hook', () => {
  it.each([
    ['apt, whatever it is called', ['sh', 'postinst', 'dpkg', 'unattended-upgr', 'systemd'], locked, '103:3', true],
    ['apt, whose package starts dpkg', ['sh', 'dpkg', 'postinst', 'dpkg', 'apt', 'bash'], locked, '104:4', true],
    ['dpkg alone', ['sh', 'postinst', 'dpkg', 'bash'], {}, '102:2', false],
    ['dpkg, with nothing above it', ['sh', 'dpkg'], locked, '101:1', false],
    ['dnf', ['sh', '40-dkms.install', 'kernel-install', 'dnf-3', 'bash'], {}, '103:3', false],
    ['packagekitd', ['sh', 'rpm', 'packagekitd', 'systemd'], {}, '102:2', false],
  ])('%s', (_title, names, environment, id, saysAtEnd) => {
    expect(transactionIn(above(...names), environment)).toEqual({ id, saysAtEnd });
  });

  it.each([[[]], [['bash', 'sshd']], [['rpmbuild', 'bash']]])('is none below %j', (names) => {
    expect(transactionIn(above(...names), {})).toBeUndefined();
  });

  it.each([
    ['pacman', ['install'], false, true],
    ['rpm', ['add', '6.1.0'], false, false],
    ['rpm', ['files-in'], false, true],
    ['apt', ['postinst', '6.1.0'], false, false],
    ['apt', ['trigger'], false, true],
    ['apt', ['trigger'], true, false],
  ] as const)('%s %j (told at the end: %s): the last hook: %s', (manager, words, saysAtEnd, isLast) => {
    expect(isLastHook({ manager, words, dryRun: false }, { id: '1:1', saysAtEnd })).toBe(isLast);
  });
});
