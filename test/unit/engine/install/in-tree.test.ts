import { describe, expect, it } from 'vitest';
import { keepsInTree } from '../../../../src/engine/install/in-tree.ts';

/** `version srcversion`, `-` for what modinfo does not show. */
const object = (text: string) => {
  const [version = '', srcversion = ''] = text.split(' ').map((word) => (word === '-' ? '' : word));
  return { version, srcversion };
};

describe("the kernel's own module", () => {
  it.each([
    ['is kept where it is newer', '2.0 A', '1.0 B', true],
    ['is kept where it is newer by number, not by letter', '1.10 A', '1.9 B', true],
    ['is kept where it is newer, whatever the sources', '2.0 -', '1.0 -', true],
    ['is replaced where it is older', '1.0 A', '2.0 B', false],
    ['is replaced where it is older, though the sources are the same', '1.0 A', '2.0 A', false],
    ['is kept where version and source are the same', '1.0 A', '1.0 A', true],
    ['is replaced where the version is the same and the source is not', '1.0 A', '1.0 B', false],
    ['is kept where the version is the same and its source is not told', '1.0 -', '1.0 B', true],
    ['is kept where the version is the same and the source of ours is not told', '1.0 A', '1.0 -', true],
    ['is kept where the version is the same and no source is told', '1.0 -', '1.0 -', true],
    ['is replaced where neither has a version and the sources differ', '- A', '- B', false],
    ['is kept where neither has a version and the sources are the same', '- A', '- A', true],
    ['is replaced where nothing is told at all', '- -', '- -', false],
    ['is replaced where only ours has a version', '- A', '1.0 B', false],
    ['is replaced where only it has a version', '1.0 A', '- B', false],
    ['is kept where only it has a version and the sources are the same', '1.0 A', '- A', true],
  ])('%s', (_rule, inTree, ours, kept) => {
    expect(keepsInTree(object(inTree), object(ours))).toBe(kept);
  });
});
