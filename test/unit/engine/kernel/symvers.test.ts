import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  exportsIdentity,
  exportsOf,
  gatherSymvers,
  importsOf,
  parseSymvers,
  symversFromObjects,
} from '../../../../src/engine/kernel/symvers.ts';
import { makeProcesses } from '../../../../src/engine/system/exec.ts';
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

describe('what modprobe says of built objects', () => {
  /** A modprobe that prints what stands beside the object, under the option that it was given. */
  const bin = join(root, 'bin');
  put(join(bin, 'modprobe'), '#!/bin/sh\n[ $# -eq 2 ] && exec cat "$2$1"\n', 0o755);
  const environment = { PATH: bin };
  const said = '0x12345678\tone\n0xa\t\ttwo\nmodprobe: 0x1\tno\n0x2 three more\n0xzz\tfour\n0x5\n';
  const objects = join(root, 'objects');
  for (const name of ['a.ko', 'b-c.ko.xz', 'd.ko.d.ko', 'notes'])
    put(
      join(objects, `${name}--show-exports`),
      name === 'notes' ? '0x9\tnever\n' : said.replaceAll('one', `one_of_${name}`),
    );
  for (const name of ['a.ko', 'b-c.ko.xz', 'd.ko.d.ko', 'notes']) put(join(objects, name));
  put(join(objects, 'a.ko--dump-modversions'), said);
  put(join(objects, 'b-c.ko.xz--dump-modversions'), '0x0000000b\tother\n0xb\ttwo\n');

  it('makes a Module.symvers of what they export', async () => {
    const text = await symversFromObjects(objects, makeProcesses(environment));
    expect(text).toBe(
      [
        '0x12345678\tone_of_a.ko\ta\tEXPORT_SYMBOL\t',
        '0xa\ttwo\ta\tEXPORT_SYMBOL\t',
        '0x12345678\tone_of_b-c.ko.xz\tb-c\tEXPORT_SYMBOL\t',
        '0xa\ttwo\tb-c\tEXPORT_SYMBOL\t',
        '0x12345678\tone_of_d.ko.d.ko\td.ko.d\tEXPORT_SYMBOL\t',
        '0xa\ttwo\td.ko.d\tEXPORT_SYMBOL\t',
        '',
      ].join('\n'),
    );
  });
  it('makes an empty one where there is no object, or none exports anything', async () => {
    const empty = join(root, 'exports-nothing');
    expect(await symversFromObjects(empty, makeProcesses(environment))).toBe('');
    put(join(empty, 'a.ko'));
    expect(await symversFromObjects(empty, makeProcesses(environment))).toBe('');
  });
  it('tells what they import, the last of several', async () => {
    const paths = ['a.ko', 'b-c.ko.xz'].map((name) => join(objects, name));
    expect([...(await importsOf(paths, makeProcesses(environment)))]).toEqual([
      ['one', '0x12345678'],
      ['two', '0xb'],
      ['other', '0x0000000b'],
    ]);
    expect((await importsOf([], makeProcesses(environment))).size).toBe(0);
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
