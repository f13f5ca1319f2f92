import { chmodSync, lchownSync, mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  distrustedConf,
  distrustedDirectory,
  distrustedSource,
  isGroupWritable,
  isWorldWritable,
  mayBeAnybodys,
} from '../../../../src/engine/system/trust.ts';
import { put, temporaryDirectory } from '../../temporary.ts';

const root = temporaryDirectory();

const source = (directoryMode: number, confMode: number): string => {
  const conf = put(join(root, `${directoryMode}-${confMode}`, 'dkms.conf'));
  chmodSync(conf, confMode);
  chmodSync(dirname(conf), directoryMode);
  return dirname(conf);
};

const rows: readonly [directory: number, conf: number, kind: string | undefined, file: string][] = [
  [0o755, 0o644, undefined, ''],
  [0o700, 0o600, undefined, ''],
  [0o775, 0o664, undefined, ''],
  [0o755, 0o646, 'conf-unsafe', 'dkms.conf'],
  [0o755, 0o666, 'conf-unsafe', 'dkms.conf'],
  [0o757, 0o644, 'source-unsafe', ''],
  [0o1777, 0o644, 'source-unsafe', ''],
  [0o777, 0o666, 'conf-unsafe', 'dkms.conf'],
];

describe('a source that root would build', () => {
  it.each(rows)('of mode %o with a dkms.conf of mode %o: %s', (directoryMode, confMode, kind, file) => {
    const directory = source(directoryMode, confMode);
    expect(distrustedSource(directory)).toEqual(kind && { kind, at: join(directory, file) });
  });
  it('is refused for the file, or for the directory, that is asked about alone', () => {
    const directory = source(0o777, 0o606);
    expect(distrustedConf(join(directory, 'dkms.conf'))?.kind).toBe('conf-unsafe');
    expect(distrustedDirectory(directory)?.kind).toBe('source-unsafe');
    expect(distrustedConf(join(directory, 'gone.conf'))).toBeUndefined();
  });
});

describe('what anybody may have put at its place', () => {
  const nobody = 65534;
  const directory = (name: string, mode: number): string => {
    const path = join(root, 'places', name);
    mkdirSync(path, { recursive: true });
    chmodSync(path, mode);
    return path;
  };
  it('is nothing of ours in a directory of ours, nor in one like /tmp', () => {
    expect(mayBeAnybodys(put(join(directory('own', 0o755), 'file')))).toBe(false);
    expect(mayBeAnybodys(put(join(directory('sticky', 0o1777), 'sub', 'file')))).toBe(false);
  });
  it('is what is not there', () => {
    expect(mayBeAnybodys(join(directory('own', 0o755), 'gone'))).toBe(true);
  });
  it('is what everybody may write or replace', () => {
    expect(mayBeAnybodys(put(join(directory('open', 0o777), 'sub', 'file')))).toBe(true);
    const file = put(join(directory('own', 0o755), 'written'));
    chmodSync(file, 0o666);
    expect(mayBeAnybodys(file)).toBe(true);
  });
  it('is where a link that is ours leads, too', () => {
    const link = join(directory('own', 0o755), 'link');
    symlinkSync(put(join(directory('open', 0o777), 'target')), link);
    expect(mayBeAnybodys(link)).toBe(true);
  });
  it.skipIf(process.getuid?.() !== 0)("is somebody else's in a directory like /tmp, and not in his own", () => {
    const shared = join(directory('sticky', 0o1777), 'theirs');
    const file = put(join(shared, 'file'));
    lchownSync(shared, nobody, nobody);
    expect(mayBeAnybodys(file)).toBe(true);
    const home = put(join(directory('home', 0o755), 'file'));
    lchownSync(home, nobody, nobody);
    expect(mayBeAnybodys(home)).toBe(false);
  });
});

describe('the modes of a file', () => {
  it.each([
    [0o600, false, false],
    [0o620, true, false],
    [0o602, false, true],
    [0o666, true, true],
    [0o775, true, false],
  ])('%o: the group may write it: %s, everybody: %s', (mode, group, world) => {
    const file = put(join(root, 'modes', String(mode)));
    chmodSync(file, mode);
    expect([isGroupWritable(file), isWorldWritable(file)]).toEqual([group, world]);
  });
  it('of what is not there give nothing away', () => {
    expect([isGroupWritable(join(root, 'no')), isWorldWritable(join(root, 'no'))]).toEqual([false, false]);
  });
});
