import { describe, expect, it } from 'vitest';
import { isWanted, kernelOf, moduleOf } from '../../../../src/engine/store/builds.ts';

const parts = { module: 'zfs/2.1.11', kernel: '6.1.0-56-amd64/x86_64' };

describe('builds of the Store', () => {
  it.each([
    ['any', [], [], true],
    ['by name', ['zfs'], [], true],
    ['by name and version', ['spl', 'zfs/2.1.11'], [], true],
    ['another version', ['zfs/2.1.12'], [], false],
    ['the beginning of a name', ['zf'], [], false],
    ['by release', [], ['6.1.0-56-amd64'], true],
    ['another release', ['zfs'], ['6.1.0-56'], false],
  ])('%s', (_about, names, releases, expected) => {
    expect(isWanted({ names, releases }, parts)).toBe(expected);
  });

  it('knows what they are of', () => {
    expect(moduleOf(parts)).toEqual({ name: 'zfs', version: '2.1.11' });
    expect(kernelOf(parts)).toEqual({ release: '6.1.0-56-amd64', arch: 'x86_64' });
  });
});
