import { chmodSync, cpSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from './packages.ts';

/** The module that test kernels carry themselves: the fixture `replacer` in an older version. */

export type Compression = '' | '.gz' | '.xz' | '.zst';

const compressors: Readonly<Record<Exclude<Compression, ''>, readonly [string, ...string[]]>> = {
  '.gz': ['gzip'],
  '.xz': ['xz', '--check=crc32', '--lzma2=dict=1MiB'],
  '.zst': ['zstd', '-q', '--rm'],
};

/** The ending that a kernel's configuration gives its own modules. */
export const compressionOf = (headers: string): Compression => {
  const config = readFileSync(join(headers, '.config'), 'utf8');
  if (config.includes('CONFIG_MODULE_COMPRESS_GZIP=y')) return '.gz';
  if (config.includes('CONFIG_MODULE_COMPRESS_XZ=y')) return '.xz';
  return config.includes('CONFIG_MODULE_COMPRESS_ZSTD=y') ? '.zst' : '';
};

/** Build the object once by real kbuild and keep it in `directory`; its path. */
export const inTreeObject = (headers: string, directory: string, compression: Compression): string => {
  const name = 'intree_demo.ko';
  const kept = join(directory, `${name}${compression}`);
  if (existsSync(kept)) return kept;
  const temporary = mkdtempSync(join(dirname(directory), '.tmp-'));
  cpSync(join(import.meta.dirname, '..', 'test', 'fixtures', 'replacer'), temporary, { recursive: true });
  run('make', ['-C', headers, `M=${temporary}`, 'EDITION=1.0', 'modules']);
  run('strip', ['-g', join(temporary, name)]);
  if (compression) {
    const [command, ...options] = compressors[compression];
    run(command, [...options, join(temporary, name)]);
  }
  const product = mkdtempSync(join(dirname(directory), '.tmp-'));
  renameSync(join(temporary, `${name}${compression}`), join(product, `${name}${compression}`));
  chmodSync(product, 0o755);
  rmSync(directory, { recursive: true, force: true });
  renameSync(product, directory);
  rmSync(temporary, { recursive: true });
  return kept;
};
