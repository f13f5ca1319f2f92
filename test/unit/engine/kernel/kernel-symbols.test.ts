import { describe, expect, it } from 'vitest';
import { crcLines, undefinedIn } from '../../../../src/engine/kernel/modinfo.ts';
import { parseKernelSymbols } from '../../../../src/engine/kernel/symvers.ts';

describe('what tools print about objects', () => {
  it('is the undefined symbols of nm, without those that may be missing and those that are there', () => {
    const text =
      '                 U printk\n                 w weak_one\n         U __fentry__\n0000000000000000 T U own\nU flush\n';
    expect(undefinedIn(text)).toEqual(['printk', '__fentry__']);
    expect(undefinedIn('\nzeta.ko:\n  U printk more\n')).toEqual([]);
  });

  it('is a CRC and a symbol a line of modprobe', () => {
    const text = '0x82c328fc\tprintk\n0x00000000  base_turn\nmodprobe: ERROR: 0x12 no\n0xg\tno\n0x12\tno more\n';
    expect([...crcLines(text)]).toEqual([
      ['printk', '0x82c328fc'],
      ['base_turn', '0x00000000'],
    ]);
  });
});

describe("a kernel's Module.symvers", () => {
  it('names who exports each symbol, without its directory', () => {
    const text = [
      '0x82C328FC\tprintk\tvmlinux\tEXPORT_SYMBOL\t',
      '0x00000001\tdrm_open\tdrivers/gpu/drm/drm\tEXPORT_SYMBOL_GPL\tSPACE',
      '0x00000002\t\tvmlinux\tEXPORT_SYMBOL\t',
      '\tnobodys\tvmlinux\tEXPORT_SYMBOL\t',
      '0x00000003\tnowhere\t\tEXPORT_SYMBOL\t',
      'rubbish',
      '',
    ].join('\n');
    expect([...parseKernelSymbols(text)]).toEqual([
      ['printk', { crc: '0x82c328fc', object: 'vmlinux' }],
      ['drm_open', { crc: '0x00000001', object: 'drm' }],
    ]);
  });
});
