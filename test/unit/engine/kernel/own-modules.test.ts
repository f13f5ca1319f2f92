import { describe, expect, it } from 'vitest';
import { agreedCrcs } from '../../../../src/engine/kernel/own-modules.ts';

describe('agreedCrcs', () => {
  it.each<[string, string, Record<string, string>]>([
    [
      'takes what several objects say alike',
      '0x01\tprintk\n0x02\tkfree\n0x01\tprintk\n',
      { printk: '0x01', kfree: '0x02' },
    ],
    [
      'does not know what they do not agree about',
      '0x01\tprintk\n0x03\tprintk\n0x01\tprintk\n0x02\tkfree\n',
      { kfree: '0x02' },
    ],
    ['takes nothing from what is no such line', 'modprobe: FATAL: Module x.ko not found.\n\n', {}],
  ])('%s', (_what, text, expected) => {
    expect(Object.fromEntries(agreedCrcs(text))).toEqual(expected);
  });
});
