import { existsSync, mkdtempSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dueFor, dueReleases, markDue, strikeDue } from '../../../../src/engine/state/due.ts';
import { put, temporaryDirectory } from '../../temporary.ts';

const root = temporaryDirectory();
const newState = (): string => mkdtempSync(join(root, 'state-'));

describe('what is due for a kernel', () => {
  it('is added to, in the order in which it is to be done, and struck one by one', () => {
    const state = newState();
    expect(dueFor(state, '6.1')).toEqual([]);
    markDue(state, '6.1', ['post-transaction', 'depmod']);
    markDue(state, '6.1', ['initramfs', 'depmod']);
    expect(dueFor(state, '6.1')).toEqual(['depmod', 'initramfs', 'post-transaction']);
    strikeDue(state, '6.1', ['depmod']);
    expect(dueFor(state, '6.1')).toEqual(['initramfs', 'post-transaction']);
    strikeDue(state, '6.1', ['initramfs', 'post-transaction']);
    expect(existsSync(join(state, 'due/6.1'))).toBe(false);
  });
  it('is of that kernel alone', () => {
    const state = newState();
    markDue(state, '6.1', ['depmod']);
    markDue(state, '6.10', ['initramfs']);
    strikeDue(state, '6.1', ['depmod']);
    expect([dueReleases(state), dueFor(state, '6.10')]).toEqual([['6.10'], ['initramfs']]);
  });
  it('leaves no file where nothing is due', () => {
    const state = newState();
    markDue(state, '6.1', []);
    strikeDue(state, '6.1', ['depmod']);
    expect(dueReleases(state)).toEqual([]);
    expect(readdirSync(state)).toEqual([]);
  });
  it('is everything where the file cannot be understood, and nothing of a half-written one', () => {
    const state = newState();
    put(join(state, 'due/6.1'), 'depmod\nrubbish\n');
    put(join(state, 'due/.tmp_6.2.abc'), 'depmod\n');
    expect(dueReleases(state)).toEqual(['6.1']);
    expect(dueFor(state, '6.1')).toEqual(['depmod', 'weak-modules', 'initramfs', 'post-transaction']);
  });
});
