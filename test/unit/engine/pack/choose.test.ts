import { describe, expect, it } from 'vitest';
import { chosenBuilds, inOrder } from '../../../../src/engine/pack/choose.ts';
import type { StoredBuild } from '../../../../src/engine/store/builds.ts';
import { keyParts } from '../key/key-parts.ts';

const build = (module: string, key: string, built: string): StoredBuild => ({
  stored: { name: module.split('/')[0] ?? '', key, bytes: 1, usedMs: 0 },
  statement: {
    format: 1,
    key,
    parts: { ...keyParts, module },
    built: `2026-11-28T0${built}:00:00.000Z`,
    seconds: 1,
    result: 'r',
    objects: {},
  },
});

const builds = [
  build('spl/1.9', 'old', '9'),
  build('spl/1.10', 'early', '1'),
  build('spl/1.10', 'late', '3'),
  build('spl/1.10', 'used', '2'),
  build('zfs/1.0', 'zfs', '4'),
];
const nobody = () => false;
const used = ({ stored }: StoredBuild) => stored.key === 'used';
const keys = (found: readonly StoredBuild[]) => found.map(({ stored }) => stored.key);

describe('builds that are packed', () => {
  it('are of the newest version, the one in use first, then the later ones', () => {
    expect(keys(inOrder(builds, 'spl', used))).toEqual(['used', 'late', 'early', 'old']);
    expect(keys(inOrder(builds, 'spl', nobody))).toEqual(['late', 'used', 'early', 'old']);
  });

  it.each([
    [
      'all',
      [],
      [
        ['spl', 'used'],
        ['zfs', 'zfs'],
      ],
    ],
    ['one by name', ['zfs'], [['zfs', 'zfs']]],
    ['one by version', ['spl/1.9'], [['spl/1.9', 'old']]],
    [
      'what is not there',
      ['spl/2', 'nobody'],
      [
        ['spl/2', undefined],
        ['nobody', undefined],
      ],
    ],
  ])('%s', (_about, names, expected) => {
    const chosen = [...chosenBuilds(builds, names, used)].map(([asked, one]) => [asked, one?.stored.key]);
    expect(chosen).toEqual(expected);
  });
});
