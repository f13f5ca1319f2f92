import { describe, expect, it } from 'vitest';
import { exclusionOf } from '../../../../src/engine/conf/exclusion.ts';
import { rawOf } from './conf-raw.ts';
import { factsOf } from './conf-world.ts';

const config = new Map([
  ['CONFIG_A', 'y'],
  ['CONFIG_B', 'm'],
  ['CONFIG_HZ', '250'],
  ['CONFIG_NAME', 'my'],
  ['CONFIG_OTHER', 'ymir'],
]);
const facts = factsOf('6.1.0', { config });
const ruled = (rule: string, value: string) => ({ rule: `BUILD_EXCLUSIVE_${rule}`, value });

describe('BUILD_EXCLUSIVE_CONFIG', () => {
  it.each([
    ['CONFIG_A', true],
    ['CONFIG_B', true],
    ['CONFIG_A CONFIG_B', true],
    ['  CONFIG_A \t CONFIG_B ', true],
    ['CONFIG_A !CONFIG_C', true],
    ['!CONFIG_C', true],
    ['!CONFIG_HZ !CONFIG_NAME !CONFIG_OTHER', true],
    ['CONFIG_C', false],
    ['CONFIG_A CONFIG_C', false],
    ['!CONFIG_A', false],
    ['!CONFIG_B', false],
    ['CONFIG_HZ', false],
    ['CONFIG_NAME', false],
    ['CONFIG_OTHER', false],
  ])('%j: wanted here is %s', (value, wanted) => {
    const found = exclusionOf(rawOf({ BUILD_EXCLUSIVE_CONFIG: value }), facts);
    expect(found).toEqual(wanted ? undefined : ruled('CONFIG', value));
  });
  it('says nothing where the configuration is not known', () => {
    const raw = rawOf({ BUILD_EXCLUSIVE_CONFIG: 'CONFIG_A' });
    expect(exclusionOf(raw, factsOf('6.1.0', { config: new Map() }))).toBeUndefined();
  });
});

describe('BUILD_EXCLUSIVE_KERNEL_MIN and _MAX', () => {
  it.each([
    ['MIN', '6.0.99', true],
    ['MIN', '6.1.0', true],
    ['MIN', '6.1.1', false],
    ['MIN', '6.10.0', false],
    ['MAX', '6.0.99', false],
    ['MAX', '6.1.0', true],
    ['MAX', '6.1.1', true],
    ['MAX', '6.10.0', true],
  ])('%s=%s: wanted on 6.1.0 is %s', (end, value, wanted) => {
    const found = exclusionOf(rawOf({ [`BUILD_EXCLUSIVE_KERNEL_${end}`]: value }), facts);
    expect(found).toEqual(wanted ? undefined : ruled(`KERNEL_${end}`, value));
  });
  it.each<[string, Record<string, string>, object | undefined]>([
    ['OBSOLETE_BY is a maximum', { OBSOLETE_BY: '6.0' }, ruled('KERNEL_MAX', '6.0')],
    ['OBSOLETE_BY counts up to itself', { OBSOLETE_BY: '6.1.0' }, undefined],
    ['OBSOLETE_BY is not asked beside a maximum', { OBSOLETE_BY: '6.0', BUILD_EXCLUSIVE_KERNEL_MAX: '6.2' }, undefined],
    ['OBSOLETE_BY is no minimum', { OBSOLETE_BY: '6.2' }, undefined],
  ])('%s', (_rule, values, expected) => {
    expect(exclusionOf(rawOf(values), facts)).toEqual(expected);
  });
});

describe('BUILD_EXCLUSIVE_KERNEL and _ARCH', () => {
  it.each(['KERNEL', 'ARCH'])('%s goes by what bash says of the pattern', (rule) => {
    const pattern = { [`BUILD_EXCLUSIVE_${rule}`]: '^x' };
    const answered = (answer: string) =>
      exclusionOf(rawOf({ ...pattern, [`match:BUILD_EXCLUSIVE_${rule}`]: answer }), facts);
    expect([answered('no'), answered('yes')]).toEqual([ruled(rule, '^x'), undefined]);
    expect(exclusionOf(rawOf(pattern), facts)).toBeUndefined();
  });
});

describe('an index', () => {
  const more = { 'BUILD_EXCLUSIVE_CONFIG[1]': 'CONFIG_C', BUILD_EXCLUSIVE_CONFIG: 'CONFIG_D' };
  it.each<[string, Record<string, string>, number | undefined, object | undefined]>([
    [
      '0 alone is about the whole module',
      { BUILD_EXCLUSIVE_CONFIG: 'CONFIG_C' },
      undefined,
      ruled('CONFIG', 'CONFIG_C'),
    ],
    ['0 alone is about no object of its own', { BUILD_EXCLUSIVE_CONFIG: 'CONFIG_C' }, 0, undefined],
    ['beside others 0 is about its object', more, 0, ruled('CONFIG', 'CONFIG_D')],
    ['beside others 0 is not about the whole module', more, undefined, undefined],
    ['1 is about its object', more, 1, ruled('CONFIG', 'CONFIG_C')],
    ['that is not named is free', more, 2, undefined],
    ['1 alone is about no whole module', { 'BUILD_EXCLUSIVE_CONFIG[1]': 'CONFIG_C' }, undefined, undefined],
  ])('%s', (_rule, values, index, expected) => {
    expect(exclusionOf(rawOf(values), facts, index)).toEqual(expected);
  });
  it('tells the rule of the kernel before that of its configuration', () => {
    const raw = rawOf({ BUILD_EXCLUSIVE_CONFIG: 'CONFIG_C', BUILD_EXCLUSIVE_KERNEL_MIN: '6.2' });
    expect(exclusionOf(raw, facts)).toEqual(ruled('KERNEL_MIN', '6.2'));
  });
});
