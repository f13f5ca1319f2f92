import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { AddedSource, World } from '../world.ts';

/** Modules made by a test: each exports one symbol and uses those of the modules that it names. */

export interface Generated {
  readonly version?: string;
  /** BUILD_DEPENDS; their symbols are used unless `uses` says which. */
  readonly depends?: readonly string[];
  /** Modules whose symbols are used. */
  readonly uses?: readonly string[];
  /** More lines of dkms.conf; they come last. */
  readonly conf?: string;
  /** Instead of `obj-m := NAME.o`. */
  readonly makefile?: string;
  /** Only the source: not made known. */
  readonly unregistered?: boolean;
}

export const objectOf = (name: string): string => name.replaceAll('-', '_');

const code = (object: string, uses: readonly string[]): string => {
  const others = uses.map(objectOf);
  return `#include <linux/module.h>
int ${object}_value(void);
${others.map((other) => `int ${other}_value(void);\n`).join('')}int ${object}_value(void)
{
	return 1${others.map((other) => ` + ${other}_value()`).join('')};
}
EXPORT_SYMBOL_GPL(${object}_value);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Made by a test");
`;
};

const confOf = (name: string, { version = '1.0', depends = [], conf = '' }: Generated): string =>
  `PACKAGE_NAME="${name}"
PACKAGE_VERSION="${version}"
BUILT_MODULE_NAME[0]="${objectOf(name)}"
DEST_MODULE_LOCATION[0]="/kernel/drivers/misc"
${depends.map((dependency, index) => `BUILD_DEPENDS[${index}]="${dependency}"\n`).join('')}AUTOINSTALL="yes"
${conf}`;

const write = (path: string, text: string | Buffer): void => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
};

/** The source of a module: names of files to what stands in them. */
export const sourceFiles = (name: string, options: Generated = {}): ReadonlyMap<string, string> => {
  const object = objectOf(name);
  return new Map([
    [`${object}.c`, code(object, options.uses ?? options.depends ?? [])],
    ['Makefile', options.makefile ?? `obj-m := ${object}.o\n`],
    ['dkms.conf', confOf(name, options)],
  ]);
};

/** Write the source of a module into a world, and make it known. */
export const generate = (world: World, name: string, options: Generated = {}): AddedSource => {
  const version = options.version ?? '1.0';
  const directory = join(world.trees.sourceTree, `${name}-${version}`);
  for (const [file, text] of sourceFiles(name, options)) write(join(directory, file), text);
  if (!options.unregistered) world.register(name, version);
  return { name, version, directory };
};
