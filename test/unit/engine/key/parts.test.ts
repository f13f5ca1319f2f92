import { describe, expect, it } from 'vitest';
import { inputsOf, keyOf } from '../../../../src/engine/key/key.ts';
import { changedParts, takenOver, withDependencies } from '../../../../src/engine/key/parts.ts';
import type { BuildRecord, KeyParts } from '../../../../src/engine/state/record.ts';
import { keyParts } from './key-parts.ts';

const parts: KeyParts = { ...keyParts, dependencies: { dep: 'd' } };

const others: readonly (readonly [keyof KeyParts, Partial<KeyParts>])[] = [
  ['module', { module: 'demo/1.1' }],
  ['kernel', { kernel: '6.1.0-57-amd64/x86_64' }],
  ['directory', { directory: '/srv/dkms/demo/1.0/build' }],
  ['sources', { sources: 'x' }],
  ['conf', { conf: 'x' }],
  ['headers', { headers: 'x' }],
  ['kbuild', { kbuild: 'x' }],
  ['environment', { environment: 'x' }],
  ['compiler', { compiler: 'x' }],
  ['linker', { linker: 'x' }],
  ['pahole', { pahole: 'x' }],
  ['given', { given: ['MAKE[0]="make"'] }],
  ['dependencies', { dependencies: { dep: 'x' } }],
];

describe('a Key', () => {
  it('is a SHA-256, the same for the same parts in any order', () => {
    expect(keyOf(parts)).toMatch(/^[0-9a-f]{64}$/);
    const reversed = Object.fromEntries(Object.entries(parts).reverse());
    expect(keyOf({ ...parts, ...reversed })).toBe(keyOf(parts));
    const both = { a: '1', b: '2' };
    expect(keyOf({ ...parts, dependencies: { b: '2', a: '1' } })).toBe(keyOf({ ...parts, dependencies: both }));
  });
  it.each(others)('is another when %s is', (_part, other) => {
    expect(keyOf({ ...parts, ...other })).not.toBe(keyOf(parts));
    expect(inputsOf({ ...parts, ...other })).not.toBe(inputsOf(parts));
  });
  it('is told from what earlier versions remembered a failure under', () => {
    expect(inputsOf(parts)).toBe(`key:${keyOf(parts)}`);
  });
});

describe('what has changed', () => {
  const decisive = new Set(['sources', 'conf', 'headers', 'environment', 'compiler']);
  it.each(others)('%s', (part, other) => {
    expect(changedParts(parts, { ...parts, ...other })).toEqual(decisive.has(part) ? [part] : []);
  });
  it.each(['sources', 'headers', 'compiler'] as const)('nothing is said of %s that is not known', (part) => {
    expect(changedParts(parts, { ...parts, [part]: '' })).toEqual([]);
    expect(changedParts({ ...parts, [part]: '' }, parts)).toEqual([part]);
  });
});

describe('a build that is up to date', () => {
  const build: BuildRecord = { parts, dependencies: {}, objects: ['demo.ko'] };
  it('takes the exports of its dependencies over, and no other part', () => {
    const now = { ...parts, given: ['x'], dependencies: { dep: 'new' } };
    expect(takenOver(build, now)).toEqual({ ...build, parts: { ...parts, dependencies: { dep: 'new' } } });
    expect(takenOver(build, { ...parts, given: ['x'] })).toBeUndefined();
  });
  it('takes its whole Key over where an earlier version of ours knew none', () => {
    const { parts: _parts, ...without } = build;
    const earlier = { sources: 's', conf: 'c', headers: 'h', compiler: 'v:c' };
    expect(takenOver({ ...without, earlier }, parts)).toEqual(build);
  });
  it.each(['headers', 'compiler'] as const)('takes nothing over where %s are not known', (part) => {
    expect(takenOver(build, { ...parts, [part]: '', dependencies: {} })).toBeUndefined();
  });
  it('has dependencies as they are by now', () => {
    const now = new Map([['other', { version: '1', exported: new Map(), key: 'k' }]]);
    expect(withDependencies(parts, now, false).dependencies).toEqual({ other: 'k' });
  });
});
