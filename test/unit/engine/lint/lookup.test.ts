import { expect, it } from 'vitest';
import { lookupIn } from '../../../../src/engine/lint/lookup.ts';

it.each([
  ['make -C /lib/modules/$(uname -r)/build', '$(uname -r)'],
  ['$(shell uname -r)', '$(shell uname -r)'],
  ['$(shell cat x | uname -r)', '$(shell cat x | uname -r)'],
  ['`uname -r`', '`uname -r`'],
  ['$(uname -rm)', '$(uname -rm)'],
  ['-I/usr/src/linux/include', '/usr/src/linux'],
  ['cut -f3 /proc/version', '/proc/version'],
  ['-I/usr/src/linux-headers-6.1/include', undefined],
  ['$(uname -m)', undefined],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: an expansion of the shell's or make's.
  ['${1:-$(uname -r)}', undefined],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: an expansion of the shell's or make's.
  ['${KVER-`uname -r`}', undefined],
  ['uname -r', undefined],
  ['$(shell ls /lib/modules | tail -1)', '$(shell ls /lib/modules | tail -1)'],
  ['`ls -t /lib/modules`', '`ls -t /lib/modules`'],
  ['$(shell uname -m)-r', undefined],
])('lookupIn(%j)', (text, expected) => {
  expect(lookupIn(text)).toBe(expected);
});
