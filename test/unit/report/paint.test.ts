import { describe, expect, it } from 'vitest';
import { noPaint, type Paint, paintFor, paintOutcome } from '../../../src/report/paint.ts';

const marks: Paint = (style, text) => `<${style}>${text}</>`;

describe('colours', () => {
  it.each([
    [false, undefined, false],
    [false, '', false],
    [false, '1', true],
    [true, undefined, true],
  ])('unwanted %s, NO_COLOR %j: none %s', (unwanted, noColor, isNone) => {
    expect(paintFor(unwanted, noColor) === noPaint).toBe(isNone);
  });

  it.each([
    ['  FAILED     zfs/2.3.1  6.1.0   compiler error', '  <red>FAILED</>     zfs/2.3.1  6.1.0   compiler error'],
    ['  installed  zfs/2.3.1  6.1.0   3.2 s', '  <green>installed</>  zfs/2.3.1  6.1.0   3.2 s'],
    ['kmodsort: zfs/2.3.1, 6.1.0: FAILED after 3.2 s: x', 'kmodsort: zfs/2.3.1, 6.1.0: <red>FAILED</> after 3.2 s: x'],
    ['kmodsort: zfs/2.3.1, 6.1.0: ready in 3.2 s', 'kmodsort: zfs/2.3.1, 6.1.0: <green>ready</> in 3.2 s'],
    [
      'kmodsort: summary: 2 modules on 1 kernel: 1 FAILED',
      'kmodsort: summary: 2 modules on 1 kernel: 1 <red>FAILED</>',
    ],
    ['kmodsort: still failed: zfs/2.3.1', 'kmodsort: still failed: zfs/2.3.1'],
  ])('%s', (line, painted) => {
    expect(paintOutcome(line, marks)).toBe(painted);
  });
});
