import { join } from 'node:path';
import type { Processes } from '../system/exec.ts';
import { makeTemporary, remove } from '../system/publish.ts';
import { compressionOf, decompressCommand, objectNameOf } from './compression.ts';

/** What an object file says of itself: modinfo(8), modprobe(8) and nm(1), whose lines are read nowhere else. */

/** What reads objects: processes, and a private directory for unpacked ones. */
export interface ObjectReader {
  readonly processes: Processes;
  readonly scratch: string;
}

/** A field out of modinfo's output; empty if the object has none. */
export const fieldOf = (text: string, name: string): string =>
  new RegExp(`^${name}:[ \\t]*(.*)$`, 'm').exec(text)?.[1]?.trim() ?? '';

/** Symbol to CRC, out of the lines `0x82c328fc<tab>symbol` that modprobe prints. */
export const crcLines = (text: string): Map<string, string> =>
  new Map([...text.matchAll(/^(0x[0-9a-f]+)\s+(\S+)$/gm)].map(([, crc, symbol]) => [symbol ?? '', crc ?? '']));

/** The names of the symbols that an object needs, out of what nm prints; a weak one may be missing. */
export const undefinedIn = (text: string): string[] =>
  [...text.matchAll(/^\s+U (\S+)$/gm)].map(([, symbol = '']) => symbol);

/**
 * Do something with an object in a file that every tool can read: binutils read no compressed objects, nor does
 * every kmod (before 31 it may be built without zlib).
 */
export const withPlainObject = async <T>(
  { processes, scratch }: ObjectReader,
  path: string,
  work: (plain: string) => Promise<T>,
): Promise<T> => {
  const compression = compressionOf(path) ?? 'none';
  if (compression === 'none') return work(path);
  const directory = makeTemporary(scratch, 'plain-');
  const plain = join(directory, `${objectNameOf(path)}.ko`);
  try {
    await processes.ask(decompressCommand(compression, path, plain), { limit: 30 });
    return await work(plain);
  } finally {
    remove(directory);
  }
};

/** All that modinfo prints of an object; empty where it cannot read it. */
export const modinfoOf = (reader: ObjectReader, path: string): Promise<string> =>
  withPlainObject(
    reader,
    path,
    async (plain) => (await reader.processes.ask(['modinfo', plain], { limit: 30 })).output,
  );

/** The CRCs of the symbols that an object exports. */
export const exportedCrcs = async (processes: Processes, path: string): Promise<Map<string, string>> =>
  crcLines((await processes.ask(['modprobe', '--show-exports', path], { limit: 30 })).output);

/** The CRCs that an uncompressed object was built against; empty on kernels without MODVERSIONS. */
export const importedCrcs = async (processes: Processes, path: string): Promise<Map<string, string>> =>
  crcLines((await processes.ask(['modprobe', '--dump-modversions', path], { limit: 30 })).output);
