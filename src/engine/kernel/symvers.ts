import { basename, join } from 'node:path';
import type { Processes } from '../system/exec.ts';
import { hashText, lstat, readDirectory, readText, walk } from '../system/files.ts';
import { compressionOf, objectNameOf } from './compression.ts';
import { exportedCrcs, importedCrcs } from './modinfo.ts';

/**
 * Module.symvers: the symbols that a module exports and their CRCs, tab-separated lines
 * `CRC symbol module export-type [namespace]`. Source: kernel documentation, kbuild/modules.rst.
 */

/** Symbol to CRC (`0x82c328fc`). */
export type Exports = ReadonlyMap<string, string>;

/** One line of a Module.symvers. */
export interface SymversLine {
  readonly line: string;
  readonly crc: string;
  readonly symbol: string;
  /** The exporting object's path without its ending, or `vmlinux`. */
  readonly object: string;
}

/** The lines of a Module.symvers that name a symbol. */
const symversLines = (text: string): SymversLine[] =>
  text.split('\n').flatMap((line) => {
    const [crc, symbol, object = ''] = line.split('\t');
    return crc && symbol ? [{ line, crc: crc.toLowerCase(), symbol, object }] : [];
  });

/** Symbol to CRC of every symbol in a Module.symvers. */
export const parseSymvers = (text: string): Map<string, string> =>
  new Map(
    symversLines(text)
      .filter(({ crc }) => crc.startsWith('0x'))
      .map(({ symbol, crc }) => [symbol, crc]),
  );

/** A symbol of the kernel itself or of one of its own modules. */
export interface KernelSymbol {
  readonly crc: string;
  /** `vmlinux`, or an object name. */
  readonly object: string;
}

/** A kernel's Module.symvers, with who exports each symbol. */
export const parseKernelSymbols = (text: string): Map<string, KernelSymbol> =>
  new Map(
    symversLines(text)
      .filter(({ object }) => object !== '')
      .map(({ symbol, crc, object }) => [symbol, { crc, object: basename(object) }]),
  );

/** One text out of every Module.symvers of a build, the top one first, each symbol once. */
export const gatherSymvers = (buildDirectory: string): string => {
  const files = walk(buildDirectory)
    .filter((path) => basename(path) === 'Module.symvers' && lstat(join(buildDirectory, path))?.kind === 'file')
    .sort((a, b) => a.split('/').length - b.split('/').length);
  const lines = new Map<string, string>();
  for (const { symbol, line } of files.flatMap((file) => symversLines(readText(join(buildDirectory, file)) ?? ''))) {
    if (!lines.has(symbol)) lines.set(symbol, line);
  }
  return [...lines.values()].map((line) => `${line}\n`).join('');
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
  for (const file of readDirectory(moduleDirectory).filter((name) => compressionOf(name))) {
    for (const [symbol, crc] of await exportedCrcs(processes, join(moduleDirectory, file))) {
      lines.push(`${crc}\t${symbol}\t${objectNameOf(file)}\tEXPORT_SYMBOL\t`);
    }
  }
  return lines.length > 0 ? `${lines.join('\n')}\n` : '';
};

/** Symbols with CRCs that uncompressed objects want from others: `modprobe --dump-modversions`. */
export const importsOf = async (objects: readonly string[], processes: Processes): Promise<Map<string, string>> => {
  const imports = new Map<string, string>();
  for (const object of objects) {
    for (const [symbol, crc] of await importedCrcs(processes, object)) imports.set(symbol, crc);
  }
  return imports;
};
