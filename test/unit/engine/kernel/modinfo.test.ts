import { describe, expect, it } from 'vitest';
import { crcLines, fieldOf } from '../../../../src/engine/kernel/modinfo.ts';

const text =
  'filename:       /x/demo.ko\nversion:        \nsrcversion:     ABC DEF \nparm:           version:a number (int)\n';

describe('a field of modinfo', () => {
  it.each([
    ['filename', '/x/demo.ko'],
    ['srcversion', 'ABC DEF'],
    ['version', ''],
    ['depends', ''],
    ['a number', ''],
  ])('%s is %j', (name, value) => {
    expect(fieldOf(text, name)).toBe(value);
  });
});

describe('crcLines', () => {
  it('reads what modprobe prints of symbols, and nothing else', () => {
    expect([...crcLines('0x0000abcd\tone\n0x1\ttwo\nmodprobe: ERROR\n 0x2\tno\n0x3\tthree more\n')]).toEqual([
      ['one', '0x0000abcd'],
      ['two', '0x1'],
    ]);
  });
});
