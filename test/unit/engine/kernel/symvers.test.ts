import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exportsIdentity, exportsOf, gatherSymvers, parseSymvers } from '../../../../src/engine/kernel/symvers.ts';
import { put, temporaryDirectory } from '../../temporary.ts';

const root = temporaryDirectory();
const line = (crc: string, symbol: string, module = 'demo'): string =>
  `${crc}\t${symbol}\t${module}\tEXPORT_SYMBOL_GPL\t\n`;

describe('parseSymvers', () => {
  it('reads lines with and without a namespace and leaves out what is none', () => {
    const text = `${line('0x12345678', 'one')}0x9abcdef0\ttwo\tdemo\tEXPORT_SYMBOL\tSPACE\nrubbish\n\n\t\t\nx\tthree\t\n0x1\n`;
    expect([...parseSymvers(text)]).toEqual([
      ['one', '0x12345678'],
      ['two', '0x9abcdef0'],
    ]);
  });
});

describe('gatherSymvers', () => {
  it('puts every Module.symvers together, the top one first, each symbol once', () => {
    const build = join(root, 'build');
    put(join(build, 'a/b/Module.symvers'), line('0x3', 'deep') + line('0x4', 'both'));
    put(join(build, 'z/Module.symvers'), line('0x1', 'both') + line('0x2', 'middle'));
    put(join(build, 'a/other.symvers'), line('0x9', 'no'));
    expect(gatherSymvers(build)).toBe(line('0x1', 'both') + line('0x2', 'middle') + line('0x3', 'deep'));
    put(join(build, 'Module.symvers'), line('0x7', 'both'));
    expect(gatherSymvers(build).startsWith(line('0x7', 'both'))).toBe(true);
  });
  it('is empty where a build made none, or an empty one', () => {
    expect(gatherSymvers(join(root, 'gone'))).toBe('');
    put(join(root, 'empty/Module.symvers'));
    expect(gatherSymvers(join(root, 'empty'))).toBe('');
  });
});

describe('exportsOf', () => {
  it('is what the Module.symvers beside the objects says; nothing without one', () => {
    put(join(root, 'module/Module.symvers'), line('0x5', 'one'));
    expect([...exportsOf(join(root, 'module'))]).toEqual([['one', '0x5']]);
    expect(exportsOf(join(root, 'gone')).size).toBe(0);
  });
});

describe('exportsIdentity', () => {
  it('minds names and CRCs, not their order', () => {
    const identity = (text: string): string => exportsIdentity(parseSymvers(text));
    const both = identity(line('0x1', 'a') + line('0x2', 'b'));
    expect(identity(line('0x2', 'b') + line('0x1', 'a'))).toBe(both);
    expect(identity(line('0x1', 'a') + line('0x3', 'b'))).not.toBe(both);
    expect(identity(line('0x1', 'a'))).not.toBe(both);
  });
});
