import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exists } from '../../../../src/engine/system/files.ts';
import { lookOr } from '../../../../src/engine/system/look.ts';
import { readTree } from '../../../../src/engine/tree/tree.ts';
import { put, temporaryDirectory } from '../../temporary.ts';

const root = temporaryDirectory();
symlinkSync('circle', join(root, 'circle'));

describe('lookOr', () => {
  const look = (path: string): unknown =>
    lookOr<unknown>(
      () => exists(path),
      (why) => why,
    );
  it('is what was seen, or what is made of the reason', () => {
    expect(look(root)).toBe(true);
    expect(look(join(root, 'nothing'))).toBe(false);
    const at = join(root, 'circle');
    expect(look(at)).toMatchObject({ kind: 'unexpected', at, detail: expect.stringContaining('ELOOP') });
  });
  it('hides no mistake of our own', () => {
    const mistake = (): never => {
      throw new TypeError('ours');
    };
    expect(() => lookOr(mistake, () => 'hidden')).toThrow('ours');
  });
});

describe('readTree', () => {
  it('has an entry whose source cannot be looked at as a broken one, with the reason and what is built of it', () => {
    const tree = join(root, 'tree');
    put(join(tree, 'foo/1.0/6.1/x86_64/module/foo.ko'));
    symlinkSync('source', join(tree, 'foo/1.0/source'));
    symlinkSync('bar', join(tree, 'bar'));
    expect(readTree(tree, join(root, 'src'))).toEqual([
      {
        module: { name: 'foo', version: '1.0' },
        directory: join(tree, 'foo/1.0'),
        source: '/source',
        broken: true,
        unreadable: expect.objectContaining({ kind: 'unexpected', detail: expect.stringContaining('ELOOP') }),
        built: [{ release: '6.1', arch: 'x86_64' }],
      },
    ]);
  });
});
