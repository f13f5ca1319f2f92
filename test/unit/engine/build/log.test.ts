import { readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openJobLog } from '../../../../src/engine/build/log.ts';
import { appendTo } from '../../../../src/engine/system/descriptors.ts';
import { temporaryDirectory } from '../../temporary.ts';

const mebibyte = 1 << 20;
const open = () =>
  openJobLog(
    join(temporaryDirectory(), 'make.log'),
    { name: 'demo', version: '1.0' },
    { release: '6.1', arch: 'x86_64' },
  );

describe('a log', () => {
  it('tells what was written since a step began', () => {
    const log = open();
    const before = log.size();
    const end = log.step('Building the module', 'make');
    appendTo(log.descriptor, 'demo.c:1:1: error: ä\n');
    end(2);
    expect(log.since(before)).toMatch(
      /^\nBuilding the module\n# command: make\ndemo\.c:1:1: error: ä\n\n# exit code: 2\n/,
    );
    expect(log.since(0)).toMatch(/^kmodsort make\.log for demo\/1\.0/);
    expect(log.since(log.size())).toBe('');
    log.close();
  });
  it('tells the beginning and the end of more than can be held', () => {
    const log = open();
    const before = log.size();
    appendTo(log.descriptor, 'first\n');
    truncateSync(log.path, 2 ** 30);
    appendTo(log.descriptor, '\nlast\n');
    const text = log.since(before);
    expect([text.length <= 2 * mebibyte + 1, text.startsWith('first\n'), text.endsWith('\nlast\n')]).toEqual([
      true,
      true,
      true,
    ]);
    log.close();
  });
  it('begins anew where a build has written over it', () => {
    const log = open();
    const before = log.size();
    truncateSync(log.path, 0);
    appendTo(log.descriptor, 'new\n');
    expect(log.since(before)).toBe('new\n');
    log.close();
  });
  it('keeps head and tail of what is too long to be kept, and says the cut', () => {
    const log = open();
    truncateSync(log.path, 2 ** 30);
    appendTo(log.descriptor, '\nlast\n');
    const { size } = statSync(log.path);
    log.close();
    const text = readFileSync(log.path, 'utf8');
    expect(text.length).toBeLessThan(16 * mebibyte + 100);
    expect(text.startsWith('kmodsort make.log for demo/1.0')).toBe(true);
    expect(text.endsWith('\nlast\n')).toBe(true);
    expect(text).toContain(`\n# ${size - 16 * mebibyte} bytes are left out here\n`);
  });
  it('can go on after it was cut', () => {
    const log = open();
    truncateSync(log.path, 100 * mebibyte);
    log.bound();
    appendTo(log.descriptor, 'more\n');
    expect(readFileSync(log.path, 'utf8').endsWith('more\n')).toBe(true);
    log.close();
  });
  it('may be gone when it is closed', () => {
    const log = open();
    rmSync(log.path);
    expect(log.since(0)).toContain('demo/1.0');
    expect(() => log.close()).not.toThrow();
  });
});
