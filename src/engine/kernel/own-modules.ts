import { join } from 'node:path';
import type { Processes } from '../system/exec.ts';
import { walk } from '../system/files.ts';
import { writeText } from '../system/publish.ts';
import { compressionOf } from './compression.ts';
import { crcLines, fieldOf, modinfoOf, type ObjectReader } from './modinfo.ts';

/** What a kernel's own modules say of it, where its headers are not here to be asked. */

/** Paths of the modules that came with a kernel, and of what somebody has put among them. */
export const ownModules = (directory: string): string[] =>
  walk(join(directory, 'kernel'))
    .filter((path) => compressionOf(path) !== undefined)
    .map((path) => join(directory, 'kernel', path))
    .sort();

/** The version string of a kernel's own modules, which is its own: include/linux/vermagic.h. Undefined if it has none. */
export const ownVermagic = async (reader: ObjectReader, directory: string): Promise<string | undefined> => {
  const [first] = ownModules(directory);
  const found = first && fieldOf(await modinfoOf(reader, first), 'vermagic');
  return found || undefined;
};

/** Symbol to CRC of lines that were printed by many objects; one of which they say different things is not known. */
export const agreedCrcs = (text: string): Map<string, string> => {
  const crcs = new Map<string, string>();
  const disputed = new Set<string>();
  for (const line of text.split('\n')) {
    for (const [symbol, crc] of crcLines(line)) {
      if ((crcs.get(symbol) ?? crc) !== crc) disputed.add(symbol);
      crcs.set(symbol, crc);
    }
  }
  for (const symbol of disputed) crcs.delete(symbol);
  return crcs;
};

/**
 * The CRCs that objects were built against. One program for all of them, which starts modprobe(8) for each: it takes
 * about 2 ms. kmod unpacks what is compressed; what it cannot read says nothing.
 *
 * @param paths of compressed or plain objects
 * @param list a file that this may write
 */
export const crcsOfImports = async (
  processes: Processes,
  paths: readonly string[],
  list: string,
): Promise<Map<string, string>> => {
  writeText(list, paths.map((path) => `${path}\0`).join(''));
  const argv = ['xargs', '-0', '-a', list, '-n', '1', 'modprobe', '--dump-modversions'] as const;
  return agreedCrcs((await processes.ask(argv, { limit: 300 })).output);
};
