import { basename } from 'node:path';
import type { KernelSymbol } from './load-rules.ts';

/** What the tools that look at objects print, and the kernel's own list of symbols. */

/** The names of the symbols that an object needs, from `nm`; a weak one may be missing. */
export const parseUndefined = (text: string): string[] =>
  [...text.matchAll(/^\s+U (\S+)$/gm)].map(([, symbol = '']) => symbol);

/** Symbol to CRC, from modprobe's `--dump-modversions` and `--show-exports`. */
export const parseCrcs = (text: string): Map<string, string> =>
  new Map([...text.matchAll(/^(0x[0-9a-f]+)\s+(\S+)$/gm)].map(([, crc = '', symbol = '']) => [symbol, crc]));

/** A kernel's Module.symvers, with who exports each symbol. */
export const parseKernelSymbols = (text: string): Map<string, KernelSymbol> => {
  const lines = text.split('\n').map((line) => line.split('\t'));
  return new Map(
    lines.flatMap(([crc, symbol, object]) =>
      crc && symbol && object ? [[symbol, { crc: crc.toLowerCase(), object: basename(object) }] as const] : [],
    ),
  );
};
