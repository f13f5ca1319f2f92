import { join } from 'node:path';
import { objectNameOf } from '../kernel/compression.ts';
import { exportedCrcs, withPlainObject } from '../kernel/modinfo.ts';
import { crcsOfImports, ownModules } from '../kernel/own-modules.ts';
import type { KernelSymbol } from '../kernel/symvers.ts';
import type { Kernel } from '../request.ts';
import type { Run } from '../run/run.ts';
import { ownCrcsFile } from '../state/paths.ts';
import { hashText, readText, stat } from '../system/files.ts';
import { lookOr } from '../system/look.ts';
import { writeAtomic } from '../system/publish.ts';

/**
 * What a kernel exports, as far as its own modules tell: without headers there is no Module.symvers, but what these were
 * built against is what the kernel has. Sources: modprobe(8), --dump-modversions and --show-exports; modules.symbols of
 * depmod(8).
 */

/** By what is remembered known to be true still: which files there are, and of what size and time. */
const stampOf = (paths: readonly string[]): string =>
  hashText(
    ...paths.flatMap((path) => {
      const facts = stat(path);
      return [path, `${facts?.size} ${facts?.mtimeMs}`];
    }),
  );

const lineOf = (symbol: string, crc: string): string => `${crc}\t${symbol}\n`;

/** The first line is the stamp, each other one a CRC and a symbol. */
const remembered = (text: string, stamp: string): Map<string, string> | undefined => {
  const [first, ...lines] = text.split('\n');
  if (first !== stamp) return undefined;
  return new Map(
    lines.filter(Boolean).map((line): [string, string] => {
      const [crc = '', symbol = ''] = line.split('\t');
      return [symbol, crc];
    }),
  );
};

/** Of a thousand modules it takes two seconds, so it is remembered as long as they are the same. */
const importedByOwn = async ({ memory, processes, scratch }: Run, release: string, paths: readonly string[]) => {
  const file = ownCrcsFile(memory.stateDir, release);
  const stamp = stampOf(paths);
  const known = remembered(readText(file) ?? '', stamp);
  if (known) return known;
  const crcs = await crcsOfImports(processes, paths, join(scratch, `own-${release}`));
  if (memory.writes)
    lookOr(
      () => writeAtomic(file, `${stamp}\n${[...crcs].map(([symbol, crc]) => lineOf(symbol, crc)).join('')}`),
      () => undefined,
    );
  return crcs;
};

/** Symbol to the name of the module that exports it: lines `alias symbol:NAME MODULE`. */
export const exportersIn = (text: string): Map<string, string> =>
  new Map(
    [...text.matchAll(/^alias symbol:(\S+) (\S+)$/gm)].map(([, symbol = '', module = '']) => [symbol, module] as const),
  );

const nameInKernel = (path: string): string => (objectNameOf(path) ?? '').replaceAll('-', '_');

/** What none of the kernel's own modules takes from another of them, that one says itself. */
const exportedByOwn = async (run: Run, paths: readonly string[]): Promise<Map<string, string>> => {
  const crcs = new Map<string, string>();
  for (const path of paths) {
    const exported = await withPlainObject(run, path, (plain) => exportedCrcs(run.processes, plain));
    for (const [symbol, crc] of exported) crcs.set(symbol, crc);
  }
  return crcs;
};

/**
 * Symbols of a Kernel that has no headers, with their CRCs; one that is not among them may be there all the same.
 *
 * @param wanted what somebody asks about
 * @param others absolute paths of modules that are not the kernel's own
 */
export const ownSymbols = async (
  run: Run,
  kernel: Kernel,
  wanted: ReadonlySet<string>,
  others: ReadonlySet<string>,
): Promise<Map<string, KernelSymbol>> => {
  const directory = join(run.settings.installTree, kernel.release);
  const paths = ownModules(directory).filter((path) => !others.has(path));
  const imported = await importedByOwn(run, kernel.release, paths);
  const exporters = exportersIn(readText(join(directory, 'modules.symbols')) ?? '');
  const unknown = [...wanted].filter((symbol) => !imported.has(symbol));
  const names = new Set(unknown.flatMap((symbol) => exporters.get(symbol) ?? []));
  const exported = await exportedByOwn(
    run,
    paths.filter((path) => names.has(nameInKernel(path))),
  );
  return new Map(
    [...imported, ...exported].map(([symbol, crc]): [string, KernelSymbol] => [
      symbol,
      { crc, object: exporters.get(symbol) ?? 'vmlinux' },
    ]),
  );
};
