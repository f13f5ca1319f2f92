import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { apt } from '../../../src/adapters/apt.ts';
import { pacman } from '../../../src/adapters/pacman.ts';
import { emptyOut, readQueue } from '../../../src/adapters/queue.ts';
import { rpm } from '../../../src/adapters/rpm.ts';

const adapters = { apt, pacman, rpm };
let state = '';

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'kmodsort-queue-'));
});
afterEach(() => rmSync(state, { recursive: true, force: true }));

const put = (name: string, text: string): void => {
  mkdirSync(join(state, 'queue'), { recursive: true });
  writeFileSync(join(state, 'queue', name), text);
};

it('is empty where nothing waits', () => {
  expect(readQueue(state, adapters)).toEqual({ events: [], words: [], files: [] });
});

it('gives the events of each hook, oldest first, with the files that came on its stdin', () => {
  put('20.1', 'pacman\ninstall\n\nusr/src/zfs-2.3/dkms.conf\nusr/bin/vi\n');
  put('10.1', 'apt\npostinst\n6.1.0-1\n/boot/vmlinuz-6.1.0-1\n\n');
  const queue = readQueue(state, adapters);
  expect(queue.words).toEqual(['apt postinst 6.1.0-1 /boot/vmlinuz-6.1.0-1', 'pacman install']);
  expect(queue.events).toEqual([
    { kind: 'kernel-arrived', release: '6.1.0-1' },
    { kind: 'source-touched', source: 'zfs-2.3' },
    { kind: 'transaction-ended' },
  ]);
  emptyOut(queue);
  expect(readdirSync(join(state, 'queue'))).toEqual([]);
});

it.each([
  ['no hook', 'rm\n-rf\n/\n\n'],
  ['words that no hook has', 'apt\nconquer\n\n'],
  ['a name that is a path', 'apt\nsource\n../..\netc\n\n'],
  ['nothing', ''],
])('asks for nothing where a file holds %s', (_title, text) => {
  put('1', text);
  const queue = readQueue(state, adapters);
  expect(queue.events).toEqual([]);
  expect(queue.files).toHaveLength(1);
});

it('leaves alone what is still being written', () => {
  put('.tmp_1', 'apt\ntrigger\n\n');
  expect(readQueue(state, adapters).files).toEqual([]);
});
