import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { apt } from '../../../src/adapters/apt.ts';
import type { Adapter } from '../../../src/adapters/events.ts';
import { pacman } from '../../../src/adapters/pacman.ts';
import { clearQueue, readQueue } from '../../../src/adapters/queue.ts';
import { rpm } from '../../../src/adapters/rpm.ts';

const adapters = { apt, pacman, rpm };
const ended = { kind: 'transaction-ended' };
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
  clearQueue(queue);
  expect(readdirSync(join(state, 'queue'))).toEqual([]);
});

it.each([
  ['no hook', 'rm\n-rf\n/\n\n'],
  ['words that no hook has', 'apt\nconquer\n\n'],
  ['a name that is a path', 'apt\nsource\n../..\netc\n\n'],
  ['nothing', ''],
  ['words only behind an empty line', '\n\napt\ntrigger\n'],
  ['a word that is missing before the empty line and stands behind it', 'apt\nsource\nzfs\n\n2.3\n'],
  ['a name of what every object has', 'toString\ntrigger\n\n'],
])('asks for nothing where a file holds %s', (_title, text) => {
  put('1', text);
  const queue = readQueue(state, adapters);
  expect(queue.events).toEqual([]);
  expect(queue.files).toHaveLength(1);
});

it.each([
  ['an empty line at its end', 'apt\ntrigger\n\n'],
  ['a line end', 'apt\ntrigger\n'],
  ['no line end', 'apt\ntrigger'],
])('takes a file with %s', (_title, text) => {
  put('1', text);
  expect(readQueue(state, adapters)).toMatchObject({ events: [ended], words: ['apt trigger'] });
});

it.each([
  ['with an empty line', 'pacman\ninstall\nusr/src/a-1/dkms.conf\n\n'],
  ['without one', 'pacman\ninstall\nusr/src/a-1/dkms.conf'],
])('takes no word for what came on stdin, %s', (_title, text) => {
  put('1', text);
  expect(readQueue(state, adapters).events).toEqual([ended]);
});

it.each<[string, string, readonly string[], string]>([
  ['words and stdin', 'apt\none\ntwo\n\nthree\n\nfour\n', ['one', 'two'], 'three\n\nfour\n'],
  ['words only', 'apt\none\n\n', ['one'], ''],
  ['no empty line', 'apt\none\ntwo', ['one', 'two'], ''],
])('gives the adapter what its hook had: %s', (_title, text, words, stdin) => {
  put('1', text);
  const heard: unknown[] = [];
  const events: Adapter['events'] = (...all) => {
    heard.push(all);
    return [];
  };
  readQueue(state, { ...adapters, apt: { ...apt, events } });
  expect(heard).toEqual([[words, stdin]]);
});

it('hides no fault of our own', () => {
  put('1', 'apt\ntrigger\n\n');
  const broken = () => {
    throw new TypeError('ours');
  };
  expect(() => readQueue(state, { ...adapters, apt: { ...apt, events: broken } })).toThrow('ours');
});

it('is emptied again without a fault', () => {
  put('1', 'apt\ntrigger\n\n');
  const queue = readQueue(state, adapters);
  clearQueue(queue);
  clearQueue(queue);
  expect(readQueue(state, adapters).files).toEqual([]);
});

it('leaves alone what is still being written', () => {
  put('.tmp_1', 'apt\ntrigger\n\n');
  expect(readQueue(state, adapters).files).toEqual([]);
});
