import { chmodSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  distrustedConf,
  distrustedDirectory,
  distrustedSource,
  isGroupWritable,
  isWorldWritable,
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
