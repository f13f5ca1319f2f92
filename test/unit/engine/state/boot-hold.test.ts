import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  forgetBootHold,
  readBootHold,
  rememberMenu,
  rememberRenamed,
  writeBootHold,
} from '../../../../src/engine/state/boot-hold.ts';
import { temporaryDirectory } from '../../temporary.ts';

const root = temporaryDirectory();
const state = (): string => mkdtempSync(join(root, 'state-'));
const hold = {
  held: [{ release: '6.12', missing: ['zfs'] }],
  prefer: '6.1',
  at: '2026-11-28T04:00:00.000Z',
  renamed: [],
};

describe('what the boot guard has done', () => {
  it('is remembered and forgotten', () => {
    const at = state();
    expect(readBootHold(at)).toBeUndefined();
    writeBootHold(at, { ...hold, untold: true });
    rememberMenu(at);
    rememberRenamed(at, []);
    rememberRenamed(at, [{ from: '/e/a.conf', to: '/e/a+0.conf' }]);
    expect(readBootHold(at)).toEqual({
      ...hold,
      untold: true,
      inMenu: true,
      renamed: [{ from: '/e/a.conf', to: '/e/a+0.conf' }],
    });
    forgetBootHold(at);
    forgetBootHold(at);
    expect(readBootHold(at)).toBeUndefined();
  });
  it('keeps the last name that an entry had', () => {
    const at = state();
    rememberRenamed(at, [{ from: '/e/a+3.conf', to: '/e/a+0.conf' }]);
    rememberRenamed(at, [{ from: '/e/a.conf', to: '/e/a+0.conf' }]);
    expect(readBootHold(at)?.renamed).toEqual([{ from: '/e/a.conf', to: '/e/a+0.conf' }]);
  });
  it.each(['', 'nonsense', '[]', '{"renamed":[{"from":"a","to":"b"}]}', '3'])(
    'is taken back where it says %j',
    (text) => {
      const at = state();
      writeFileSync(join(at, 'boot-hold'), text);
      const read = readBootHold(at);
      expect(read?.renamed).toEqual([]);
      expect(read?.held).toEqual([]);
    },
  );
});
