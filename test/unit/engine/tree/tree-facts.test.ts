import { chmodSync, lutimesSync, mkdtempSync, rmSync, symlinkSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { changedPaths, factsHash, treeFacts, treeHash } from '../../../../src/engine/tree/tree-facts.ts';
import { put, temporaryDirectory } from '../../temporary.ts';

const root = temporaryDirectory();

const sourceTree = (): string => {
  const directory = mkdtempSync(join(root, 'src-'));
  for (const name of ['a.c', 'sub/b.c']) {
    const path = put(join(directory, name), 'text');
    utimesSync(path, 1000, 1000);
  }
  return directory;
};

describe('the hash of a tree', () => {
  it('is the same for the same tree in another place, and again', () => {
    const one = sourceTree();
    expect(treeHash(one)).toBe(treeHash(one));
    expect(treeHash(sourceTree())).toBe(treeHash(one));
  });
  it.each<[string, (directory: string) => void]>([
    ['size', (directory) => utimesSync(put(join(directory, 'a.c'), 'longer text'), 1000, 1000)],
    ['time', (directory) => utimesSync(join(directory, 'a.c'), 1000, 1001)],
    ['mode', (directory) => chmodSync(join(directory, 'a.c'), 0o755)],
    ['new file', (directory) => put(join(directory, 'sub/c.c'))],
    ['lost file', (directory) => rmSync(join(directory, 'sub/b.c'))],
    ['new link', (directory) => symlinkSync('a.c', join(directory, 'l.c'))],
  ])('sees a change of %s', (_what, change) => {
    const directory = sourceTree();
    const before = treeHash(directory);
    change(directory);
    expect(treeHash(directory)).not.toBe(before);
  });
  it('sees where a link leads, though its size and time are the same', () => {
    const directory = sourceTree();
    const lead = (to: string): string => {
      rmSync(join(directory, 'l.c'), { force: true });
      symlinkSync(to, join(directory, 'l.c'));
      lutimesSync(join(directory, 'l.c'), 1000, 1000);
      return treeHash(directory);
    };
    expect(lead('x.c')).not.toBe(lead('y.c'));
    expect(lead('x.c')).toBe(lead('x.c'));
  });
  it('takes no two names for one', () => {
    const [one, two] = [mkdtempSync(join(root, 'src-')), mkdtempSync(join(root, 'src-'))];
    for (const path of [put(join(one, 'a'), '1'.repeat(21)), put(join(two, 'a2'), '1')]) utimesSync(path, 1000, 1000);
    expect(treeHash(one)).not.toBe(treeHash(two));
  });
  it('is empty for what is no directory', () => {
    expect(treeHash(join(root, 'gone'))).toBe('');
  });
});

describe('what changed in a tree', () => {
  it('is what is new, gone or not the same', () => {
    const directory = sourceTree();
    const before = treeFacts(directory);
    put(join(directory, 'sub/new.o'));
    rmSync(join(directory, 'sub/b.c'));
    utimesSync(put(join(directory, 'a.c'), 'longer text'), 1000, 1000);
    expect(changedPaths(before, treeFacts(directory)).sort()).toEqual(['a.c', 'sub/b.c', 'sub/new.o']);
    expect(changedPaths(before, before)).toEqual([]);
    expect(changedPaths(before, undefined)).toEqual(['a.c', 'sub/b.c']);
  });
  it('can be left out of the hash', () => {
    const directory = sourceTree();
    const before = treeFacts(directory);
    put(join(directory, 'sub/new.o'));
    const after = treeFacts(directory);
    expect(factsHash(after, ['sub/new.o'])).toBe(factsHash(before));
    expect(factsHash(after, ['a.c'])).not.toBe(factsHash(before));
  });
});
