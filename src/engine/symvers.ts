import { basename, join } from 'node:path';
import type { Processes } from './exec.ts';
import { hashText, list, readText, walk } from './files.ts';
import { compressionOf } from './kernel.ts';

/**
 * Module.symvers: the symbols that a module exports and their CRCs, tab-separated lines
 * `CRC symbol module export-type [namespace]`. Source: kernel documentation, kbuild/modules.rst.
 */

/** Symbol to CRC (`0x82c328fc`). */
export type Exports = ReadonlyMap<string, string>;

export const parseSymvers = (text: string): Map<string, string> => {
  const exported = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [crc, symbol] = line.split('\t');
    if (crc?.startsWith('0x') && symbol) exported.set(symbol, crc);
  }
  return exported;
};

/** One text out of every Module.symvers of a build, the top one first, each symbol once. */
export const gatherSymvers = (buildDirectory: string): string => {
  const files = walk(buildDirectory)
    .filter((path) => basename(path) === 'Module.symvers')
    .sort((a, b) => a.split('/').length - b.split('/').length);
  const seen = new Set<string>();
  const lines = files
    .flatMap((file) => (readText(join(buildDirectory, file)) ?? '').split('\n'))
    .filter((line) => {
      const symbol = line.split('\t')[1];
      if (!symbol || seen.has(symbol)) return false;
      seen.add(symbol);
      return true;
    });
  return lines.length > 0 ? `${lines.join('\n')}\n` : '';
};

/** What a built Module exports, by the Module.symvers beside its objects. */
export const exportsOf = (moduleDirectory: string): Exports =>
  parseSymvers(readText(join(moduleDirectory, 'Module.symvers')) ?? '');

export const exportsIdentity = (exported: Exports): string =>
  hashText(...[...exported].map(([symbol, crc]) => `${symbol}=${crc}`).sort());

/**
 * Symvers text made from built objects, for a tree that kept none: `modprobe --show-exports`.
 * It does not say which are GPL-only; the loader will.
 */
export const symversFromObjects = async (moduleDirectory: string, processes: Processes): Promise<string> => {
  const lines: string[] = [];
  for (const file of list(moduleDirectory).filter((name) => compressionOf(name))) {
    const ended = await processes.ask(['modprobe', '--show-exports', join(moduleDirectory, file)], { limit: 30 });
    const name = file.replace(/\.ko.*$/, '');
    for (const [, crc, symbol] of ended.output.matchAll(/^(0x[0-9a-f]+)\s+(\S+)$/gm)) {
      lines.push(`${crc}\t${symbol}\t${name}\tEXPORT_SYMBOL\t`);
    }
  }
  return lines.length > 0 ? `${lines.join('\n')}\n` : '';
};

/** Symbols with CRCs that uncompressed objects want from others: `modprobe --dump-modversions`. */
export const importsOf = async (objects: readonly string[], processes: Processes): Promise<Map<string, string>> => {
  const imports = new Map<string, string>();
  for (const object of objects) {
    const ended = await processes.ask(['modprobe', '--dump-modversions', object], { limit: 30 });
    for (const [, crc, symbol] of ended.output.matchAll(/^(0x[0-9a-f]+)\s+(\S+)$/gm)) {
      if (crc && symbol) imports.set(symbol, crc);
    }
  }
  return imports;
};
