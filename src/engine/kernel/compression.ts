/** How module files are compressed, what their names say of it, and the programs that do and undo it. Pure. */

export type Compression = 'none' | 'gz' | 'xz' | 'zst';

const suffixes: readonly (readonly [string, Compression])[] = [
  ['.ko', 'none'],
  ['.ko.gz', 'gz'],
  ['.ko.xz', 'xz'],
  ['.ko.zst', 'zst'],
];

/** How a module file is compressed, by its name; undefined if the name is no module's. */
export const compressionOf = (path: string): Compression | undefined =>
  suffixes.find(([suffix]) => path.endsWith(suffix))?.[1];

/** The ending of a compressed module file. */
export const suffixOf = (compression: Compression): string => (compression === 'none' ? '.ko' : `.ko.${compression}`);

/** The name of an object file (a path or a file name) without `.ko` and compression; undefined if it is no module. */
export const objectNameOf = (path: string): string | undefined =>
  /(?:^|\/)([^/]+)\.ko(?:\.gz|\.xz|\.zst)?$/.exec(path)?.[1];

/** How a kernel's configuration has its own modules compressed. */
export const compressionFromConfig = (config: ReadonlyMap<string, string>): Compression => {
  // Since 6.12 compression of all modules is a switch of its own; without it they are installed as they are.
  if (config.has('CONFIG_MODULE_COMPRESS') && !config.has('CONFIG_MODULE_COMPRESS_ALL')) return 'none';
  if (config.has('CONFIG_MODULE_COMPRESS_ZSTD')) return 'zst';
  if (config.has('CONFIG_MODULE_COMPRESS_XZ')) return 'xz';
  return config.has('CONFIG_MODULE_COMPRESS_GZIP') ? 'gz' : 'none';
};

type Compressed = Exclude<Compression, 'none'>;

const compressors: Readonly<Record<Compressed, readonly [string, ...string[]]>> = {
  gz: ['gzip', '-f'],
  xz: ['xz', '-f'],
  zst: ['zstd', '-f'],
};

/** The command that compresses files in place. */
export const compressCommand = (
  compression: Compressed,
  options: readonly string[],
  files: readonly string[],
): readonly [string, ...string[]] => {
  const [program, ...words] = compressors[compression];
  // zstd keeps its input unless told not to; gzip and xz have no such word.
  const removal = compression === 'zst' && !options.includes('--rm') ? ['--rm'] : [];
  return [program, ...words, ...options, ...removal, ...files];
};

/** The command that writes a compressed file's plain bytes to another. */
export const decompressCommand = (
  compression: Compressed,
  from: string,
  to: string,
): readonly [string, ...string[]] => [
  'sh',
  '-c',
  'exec "$1" -dc -- "$2" >"$3"',
  'sh',
  compressors[compression][0],
  from,
  to,
];
