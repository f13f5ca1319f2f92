import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { appendTo, close, openLastingLog } from '../../../../src/engine/system/descriptors.ts';
import { put, temporaryDirectory } from '../../temporary.ts';

describe('openLastingLog', () => {
  const mebibyte = 1 << 20;
  it.each([
    ['goes on', mebibyte, 'x'.repeat(mebibyte)],
    ['begins anew', mebibyte + 1, ''],
  ])('%s where the log has %i bytes', (_what, size, kept) => {
    const path = put(join(temporaryDirectory(), 'a/log'), 'x'.repeat(size));
    const descriptor = openLastingLog(path);
    appendTo(descriptor, 'one\n');
    close(descriptor);
    expect(readFileSync(path, 'utf8') === `${kept}one\n`).toBe(true);
  });
  it('makes a log that is not there', () => {
    const path = join(temporaryDirectory(), 'a/log');
    close(openLastingLog(path));
    expect(readFileSync(path, 'utf8')).toBe('');
  });
});
