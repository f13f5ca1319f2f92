import { describe, expect, it } from 'vitest';
import {
  type Compression,
  compressCommand,
  compressionFromConfig,
  compressionOf,
  decompressCommand,
  objectNameOf,
  suffixOf,
} from '../../../../src/engine/kernel/compression.ts';

describe('the name of a module file', () => {
  const rows: readonly [string, Compression | undefined, string | undefined][] = [
    ['zfs.ko', 'none', 'zfs'],
    ['a.b.ko.gz', 'gz', 'a.b'],
    ['/lib/modules/6.1/extra/snd-x.ko.xz', 'xz', 'snd-x'],
    ['extra/x.ko.zst', 'zst', 'x'],
    ['x.ko.bz2', undefined, undefined],
    ['x.ko.gz.tmp', undefined, undefined],
    ['Module.symvers', undefined, undefined],
    ['xko', undefined, undefined],
    ['', undefined, undefined],
  ];
  it.each(rows)('%j: compressed as %s, the object is %s', (path, compression, object) => {
    expect([compressionOf(path), objectNameOf(path)]).toEqual([compression, object]);
  });
  it.each([
    ['none', '.ko'],
    ['gz', '.ko.gz'],
    ['xz', '.ko.xz'],
    ['zst', '.ko.zst'],
  ] as const)('ends for %s in %s', (compression, suffix) => {
    expect(suffixOf(compression)).toBe(suffix);
  });
});

describe('the compression that a configuration asks for', () => {
  const rows: readonly [string[], Compression][] = [
    [[], 'none'],
    [['GZIP'], 'gz'],
    [['XZ'], 'xz'],
    [['ZSTD'], 'zst'],
    [['ALL', 'ZSTD'], 'zst'],
    [['', 'ZSTD'], 'none'],
    [['', 'ALL', 'XZ'], 'xz'],
    [['NONE'], 'none'],
  ];
  it.each(rows)('MODULE_COMPRESS %j: %s', (names, expected) => {
    const config = names.map((name) => [`CONFIG_MODULE_COMPRESS${name && `_${name}`}`, 'y'] as const);
    expect(compressionFromConfig(new Map(config))).toBe(expected);
  });
});

describe('the commands', () => {
  it.each([
    ['gz', [], ['gzip', '-f', 'a.ko']],
    ['gz', ['-9'], ['gzip', '-f', '-9', 'a.ko']],
    ['xz', ['--check=crc32'], ['xz', '-f', '--check=crc32', 'a.ko']],
    ['zst', ['-q'], ['zstd', '-f', '-q', '--rm', 'a.ko']],
    ['zst', ['--rm', '-T0'], ['zstd', '-f', '--rm', '-T0', 'a.ko']],
  ] as const)('compress with %s and the options %j', (compression, options, command) => {
    expect(compressCommand(compression, options, ['a.ko'])).toEqual(command);
  });
  it.each([
    ['gz', 'gzip'],
    ['xz', 'xz'],
    ['zst', 'zstd'],
  ] as const)('decompress %s with %s', (compression, program) => {
    expect(decompressCommand(compression, 'from', 'to').slice(-3)).toEqual([program, 'from', 'to']);
  });
});
