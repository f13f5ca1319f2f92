import { describe, expect, it } from 'vitest';
import { type Directory, directoryOf, isMake, makeCallOf } from '../../../../src/engine/lint/make-call.ts';

const places = { build: ['/var/lib/dkms/a/1/build'], headers: ['/headers'] };
const below = (path: string): Directory => ({ kind: 'source', path });

describe('directoryOf', () => {
  it.each([
    ['src', below(''), below('src')],
    ['./src/', below('x'), below('x/src')],
    ['..', below('x'), below('')],
    ['..', below(''), { kind: 'unknown' }],
    ['$(PWD)', below('x'), below('x')],
    ['$(CURDIR)/y', below('x'), below('x/y')],
    ['`pwd`', below(''), below('')],
    ['$(shell pwd)/y', below(''), below('y')],
    ['/var/lib/dkms/a/1/build', below('x'), below('')],
    ['/var/lib/dkms/a/1/build/src/', below('x'), below('src')],
    ['/var/lib/dkms/a/1/builder', below('x'), { kind: 'unknown' }],
    ['/headers', below(''), { kind: 'kernel' }],
    ['/lib/modules/6.1/build', below(''), { kind: 'kernel' }],
    ['/lib/modules/$(shell uname -r)/build', below(''), { kind: 'kernel' }],
    ['$(UNKNOWN)', below(''), { kind: 'unknown' }],
    ['/etc', below(''), { kind: 'unknown' }],
  ])('%s from %j', (word, from, expected) => {
    expect(directoryOf(word, from, places)).toEqual(expected);
  });
});

describe('makeCallOf', () => {
  it('reads directory, goals, variables and the place of the module', () => {
    const words = ['-C', '/headers', 'M=/var/lib/dkms/a/1/build/src', 'A:=1', '-s', 'modules', 'clean'];
    expect(makeCallOf(words, below(''), places)).toEqual({
      directory: { kind: 'kernel' },
      module: below('src'),
      goals: ['modules', 'clean'],
      given: new Map([
        ['M', '/var/lib/dkms/a/1/build/src'],
        ['A', '1'],
      ]),
    });
  });
  it.each([
    [['-j4'], '-j4'],
    [['-j', '4'], '-j 4'],
    [['-j', 'all'], '-j'],
    [['-kj8'], '-kj8'],
    [['--jobs=2'], '--jobs=2'],
    [['-j$(nproc)'], '-j$(nproc)'],
    [['all'], undefined],
    [['-f', 'j'], undefined],
  ])('finds jobs in %j', (words, jobs) => {
    expect(makeCallOf(words, below(''), places).jobs).toBe(jobs);
  });
});

it.each([
  ['make', true],
  ['gmake', true],
  ['/usr/bin/make', true],
  ['$(MAKE)', true],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: an expansion of the shell's or make's.
  ['${MAKE}', true],
  ['cmake', false],
  ['makepkg', false],
  ['', false],
])('isMake(%j) is %j', (word, expected) => {
  expect(isMake(word)).toBe(expected);
});
