import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  confText,
  contentsOf,
  forgetContents,
  manifestOf,
  smallContents,
} from '../../../../src/engine/key/contents.ts';
import { treeFacts } from '../../../../src/engine/tree/tree-facts.ts';
import { put, temporaryDirectory } from '../../temporary.ts';

const root = temporaryDirectory();
const newState = (): string => mkdtempSync(join(root, 'state-'));

const sourceTree = (): string => {
  const directory = mkdtempSync(join(root, 'src-'));
  put(join(directory, 'a.c'), 'int a;');
  put(join(directory, 'sub/b.c'), 'int b;');
  return directory;
};

/** With another file in it. */
const sourceTree2 = (): string => {
  const directory = sourceTree();
  put(join(directory, 'other.c'));
  return directory;
};

const contents = (state: string, directory: string) =>
  contentsOf({ stateDir: state, writes: true }, [
    { label: '', at: directory, facts: treeFacts(directory) ?? new Map() },
  ]);

const hashIn = (state: string, directory: string, without: readonly string[] = []): string =>
  contents(state, directory).hashWithout(without);

describe('what stands in a directory', () => {
  it.each<[string, (directory: string) => void]>([
    ['the bytes of a file', (directory) => writeFileSync(join(directory, 'a.c'), 'int c;')],
    ['whether a file may be run', (directory) => chmodSync(join(directory, 'a.c'), 0o755)],
    ['a new file', (directory) => put(join(directory, 'sub/c.c'))],
    ['a lost file', (directory) => rmSync(join(directory, 'sub/b.c'))],
    ['a name', (directory) => cpSync(join(directory, 'a.c'), join(directory, 'A.c'))],
    ['a link', (directory) => symlinkSync('a.c', join(directory, 'l.c'))],
  ])('is something else with another of %s', (_what, change) => {
    const [state, directory] = [newState(), sourceTree()];
    const before = hashIn(state, directory);
    change(directory);
    expect(hashIn(state, directory)).not.toBe(before);
    expect(hashIn(newState(), directory)).toBe(hashIn(state, directory));
  });
  it.each<[string, (directory: string) => void]>([
    ['time', (directory) => utimesSync(join(directory, 'a.c'), 1000, 1000)],
    ['owner', (directory) => process.getuid?.() === 0 && chownSync(join(directory, 'a.c'), 12, 12)],
    ['permission to write', (directory) => chmodSync(join(directory, 'a.c'), 0o600)],
  ])('is the same with another %s', (_what, change) => {
    const [state, directory] = [newState(), sourceTree()];
    const before = hashIn(state, directory);
    change(directory);
    expect(hashIn(state, directory)).toBe(before);
  });
  it('is the same in another place', () => {
    expect(hashIn(newState(), sourceTree())).toBe(hashIn(newState(), sourceTree()));
  });
  it('is seen although size and time are what they were', () => {
    const [state, directory] = [newState(), sourceTree()];
    utimesSync(join(directory, 'a.c'), 1000, 1000);
    const before = hashIn(state, directory);
    writeFileSync(join(directory, 'a.c'), 'int z;');
    utimesSync(join(directory, 'a.c'), 1000, 1000);
    expect(hashIn(state, directory)).not.toBe(before);
  });
  it('is not read again as long as nothing has changed', () => {
    const [state, directory] = [newState(), sourceTree()];
    const before = hashIn(state, directory);
    const [memo = ''] = readdirSync(join(state, 'contents')).filter((name) => name.endsWith('.json'));
    const path = join(state, 'contents', memo);
    const known: unknown = JSON.parse(readFileSync(path, 'utf8'));
    writeFileSync(path, JSON.stringify({ ...(known instanceof Object ? known : {}), hash: 'remembered' }));
    expect(hashIn(state, directory)).toBe('remembered');
    const facts = known instanceof Object && 'facts' in known ? known.facts : undefined;
    for (const memo of [
      'rubbish',
      'null',
      '{}',
      JSON.stringify({ facts }),
      JSON.stringify({ facts, hash: 1, places: [] }),
      JSON.stringify({ facts, hash: 'remembered' }),
      JSON.stringify({ facts, hash: 'remembered', places: 'x' }),
      JSON.stringify({ hash: 'remembered', places: [] }),
    ]) {
      writeFileSync(path, memo);
      expect(hashIn(state, directory), memo).toBe(before);
    }
  });
  it('is remembered for each place, and each manifest is written once', () => {
    const [state, one, two] = [newState(), sourceTree(), sourceTree()];
    put(join(two, 'more.c'));
    const hashes = [hashIn(state, one), hashIn(state, two)];
    const files = readdirSync(join(state, 'contents'));
    expect(files.filter((name) => name.endsWith('.json'))).toHaveLength(2);
    expect(files.filter((name) => name.endsWith('.gz')).sort()).toEqual(hashes.map((hash) => `${hash}.gz`).sort());
    const manifest = join(state, 'contents', `${hashes[0]}.gz`);
    const { ino } = statSync(manifest);
    utimesSync(join(one, 'a.c'), 1000, 1000);
    expect(hashIn(state, one)).toBe(hashes[0]);
    expect(statSync(manifest).ino).toBe(ino);
    expect(contents(state, one).manifest()).toEqual(manifestOf(state, hashes[0] ?? ''));
  });
  it('is named and not read where it is no file', () => {
    const [state, directory] = [newState(), sourceTree()];
    spawnSync('mkfifo', [join(directory, 'fifo')]);
    expect(contents(state, directory).manifest().get('fifo')).toBe('special');
  });
  it('can be told without some paths', () => {
    const [state, directory] = [newState(), sourceTree()];
    const before = hashIn(state, directory);
    put(join(directory, 'made\nby "it"\t.o'), 'x');
    expect(hashIn(state, directory, ['made\nby "it"\t.o'])).toBe(before);
    expect(hashIn(state, directory, ['a.c'])).not.toBe(before);
    for (const name of readdirSync(join(state, 'contents')).filter((one) => one.endsWith('.gz')))
      rmSync(join(state, 'contents', name));
    expect(hashIn(state, directory, ['made\nby "it"\t.o'])).toBe(before);
  });
  it('is told file by file, as long as it is known', () => {
    const [state, directory] = [newState(), sourceTree()];
    symlinkSync('a.c', join(directory, 'l.c'));
    chmodSync(join(directory, 'a.c'), 0o755);
    const manifest = manifestOf(state, hashIn(state, directory));
    expect([...(manifest ?? [])].map(([path]) => path)).toEqual(['a.c', 'l.c', 'sub/b.c']);
    expect(manifest?.get('a.c')).toMatch(/^[0-9a-f]{64} x$/);
    expect(manifest?.get('sub/b.c')).toMatch(/^[0-9a-f]{64}$/);
    expect(manifest?.get('l.c')).toBe('-> a.c');
    expect(manifestOf(state, 'f'.repeat(64))).toBeUndefined();
  });
  it('is not taken from a manifest that was damaged', () => {
    const [state, directory] = [newState(), sourceTree()];
    const hash = hashIn(state, directory);
    const path = join(state, 'contents', `${hash}.gz`);
    expect(existsSync(path)).toBe(true);
    writeFileSync(path, 'rubbish');
    expect(manifestOf(state, hash)).toBeUndefined();
    cpSync(join(state, 'contents', `${hashIn(state, sourceTree2())}.gz`), path);
    expect(manifestOf(state, hash)).toBeUndefined();
    expect(manifestOf(state, 'none')).toEqual(new Map());
  });
  it('is forgotten where the place is gone, or has changed and nothing was built from it', () => {
    const [state, stays, goes] = [newState(), sourceTree(), sourceTree()];
    put(join(goes, 'other.c'));
    const [built, gone] = [hashIn(state, stays), hashIn(state, goes)];
    writeFileSync(join(stays, 'a.c'), 'second');
    const second = hashIn(state, stays);
    writeFileSync(join(stays, 'a.c'), 'third');
    const third = hashIn(state, stays);
    rmSync(goes, { recursive: true });
    forgetContents(state, new Set([built]));
    expect([built, second, third, gone].map((hash) => manifestOf(state, hash) !== undefined)).toEqual([
      true,
      false,
      true,
      false,
    ]);
    expect(readdirSync(join(state, 'contents'))).toHaveLength(3);
    forgetContents(newState(), new Set());
  });
  it('of a few files is told each time, and nothing of no files', () => {
    const memory = { stateDir: newState(), writes: true };
    const directory = sourceTree();
    const small = () =>
      smallContents(memory, [{ label: 'etc/', at: directory, facts: treeFacts(directory) ?? new Map() }]);
    const before = small().hashWithout([]);
    expect([...small().manifest().keys()]).toEqual(['etc/a.c', 'etc/sub/b.c']);
    expect(manifestOf(memory.stateDir, before)).toEqual(small().manifest());
    writeFileSync(join(directory, 'a.c'), 'changed');
    expect(small().hashWithout([])).not.toBe(before);
    expect(smallContents(memory, []).hashWithout([])).toBe('none');
  });
  it('is told and not written down where somebody only asks', () => {
    const [state, directory] = [newState(), sourceTree()];
    const places = [{ label: '', at: directory, facts: treeFacts(directory) ?? new Map() }];
    const asked = contentsOf({ stateDir: state, writes: false }, places);
    expect(asked.hashWithout([])).toBe(hashIn(newState(), directory));
    expect(asked.hashWithout(['a.c'])).toBe(hashIn(newState(), directory, ['a.c']));
    expect(readdirSync(state)).toEqual([]);
  });
  it('is told where nothing can be remembered', () => {
    const state = put(join(root, 'a-file'), '');
    expect(hashIn(state, sourceTree())).toBe(hashIn(newState(), sourceTree()));
  });
});

describe('the text of a conf', () => {
  it('is empty for what is no file', () => {
    expect(confText(put(join(root, 'x.conf'), 'MAKE=x'))).toBe('MAKE=x');
    expect(confText(root)).toBe('');
    expect(confText(join(root, 'gone'))).toBe('');
  });
});
