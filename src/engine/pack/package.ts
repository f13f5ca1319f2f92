import type { Kernel, Module } from '../request.ts';
import type { FileFacts } from './names.ts';
import type { Relations } from './relations.ts';

/** A package of built modules before any package manager's words for it. */
export interface ModulePackage extends FileFacts, Relations {
  readonly module: Module;
  readonly kernel: Kernel;
  /** As the objects say it (MODULE_LICENSE). */
  readonly license: string;
  /** When it was built, seconds since 1970: the time of all files. */
  readonly seconds: number;
  /** File names of the objects. */
  readonly objects: readonly string[];
  /** Absolute path of their directory on a node. */
  readonly directory: string;
}

/** One line about a package. */
export const summaryOf = ({ module, kernel }: ModulePackage): string =>
  `kernel module ${module.name} for Linux ${kernel.release}`;

/** More of it, in lines of at most 76 characters where names are short. */
export const descriptionOf = ({ module, kernel, objects }: ModulePackage): string[] => [
  `Modules of ${module.name} ${module.version},`,
  `built for and loaded by Linux ${kernel.release} only:`,
  ...objects.map((name) => `${name.replace(/\.ko.*$/, '')}`),
];
