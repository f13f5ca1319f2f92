import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  crcLines,
  exportedCrcs,
  fieldOf,
  importedCrcs,
  modinfoOf,
  undefinedIn,
  withPlainObject,
} from '../../../../src/engine/kernel/modinfo.ts';
import { makeProcesses, type Processes } from '../../../../src/engine/system/exec.ts';
import { put, temporaryDirectory } from '../../temporary.ts';

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

describe('undefinedIn', () => {
  it('takes the undefined symbols and leaves the weak ones', () => {
    expect(
      undefinedIn('                 U printk\n                 w maybe\n0000 T mine\n                 U other\n'),
    ).toEqual(['printk', 'other']);
  });
});

describe('a compressed object', () => {
  const scratch = temporaryDirectory();
  const processes = makeProcesses(process.env);
  const read = (path: string) =>
    withPlainObject({ processes, scratch }, path, async (plain) => [basename(plain), readFileSync(plain, 'utf8')]);

  it('is read from a private copy, which goes away', async () => {
    const path = put(join(scratch, 'demo.ko'), 'bytes');
    put(`${path}.gz`, gzipSync('bytes'));
    expect(await read(`${path}.gz`)).toEqual(['demo.ko', 'bytes']);
    expect(await read(path)).toEqual(['demo.ko', 'bytes']);
    expect(await withPlainObject({ processes, scratch }, path, async (plain) => plain)).toBe(path);
    const unpacked = await withPlainObject({ processes, scratch }, `${path}.gz`, async (plain) => plain);
    expect(unpacked).toMatch(new RegExp(`^${scratch}/\\S*plain-[^/]+/demo\\.ko$`));
    await expect(
      withPlainObject({ processes, scratch }, `${path}.gz`, async () => {
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect(readdirSync(scratch).sort()).toEqual(['demo.ko', 'demo.ko.gz']);
  });
});

describe('what kmod says of an object', () => {
  const asked: (readonly [readonly string[], number | undefined])[] = [];
  const processes: Processes = {
    ...makeProcesses({}),
    ask: async (argv, options) => {
      asked.push([argv, options?.limit]);
      return { code: 0, output: '0x12\tone\n', errors: '', problem: '', timedOut: false };
    },
  };
  it('is asked of modinfo and modprobe, and never waited for without end', async () => {
    expect(await modinfoOf({ processes, scratch: '/none' }, '/x/a.ko')).toBe('0x12\tone\n');
    expect(await exportedCrcs(processes, '/x/a.ko')).toEqual(new Map([['one', '0x12']]));
    expect(await importedCrcs(processes, '/x/a.ko')).toEqual(new Map([['one', '0x12']]));
    expect(asked).toEqual([
      [['modinfo', '/x/a.ko'], 30],
      [['modprobe', '--show-exports', '/x/a.ko'], 30],
      [['modprobe', '--dump-modversions', '/x/a.ko'], 30],
    ]);
  });
});
