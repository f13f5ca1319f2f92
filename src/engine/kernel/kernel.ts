import { machine, release as runningRelease } from 'node:os';
import { join } from 'node:path';
import type { Kernel } from '../request.ts';
import { isSystemTree, type Settings } from '../settings.ts';
import { exists, isDirectory, isExecutable, readDirectory, readText, walk } from '../system/files.ts';
import { lookOr } from '../system/look.ts';
import { compareVersions } from '../system/version.ts';
import { type Compression, compressionFromConfig, compressionOf } from './compression.ts';
import { builtWith, knowsSuffixes, llvmProgram } from './toolchain.ts';

/** Facts of one Kernel, found once per run. */
export interface KernelFacts {
  readonly kernel: Kernel;
  /** `<install tree>/<release>`. */
  readonly directory: string;
  /** A package's own file is there (image, modules.order or in-tree modules), not just a directory. */
  readonly bootable: boolean;
  /** The directory to build against, undefined if there are no headers. */
  readonly headers?: string;
  /** CONFIG_* that are set, without quotes; empty where no config was found. */
  readonly config: ReadonlyMap<string, string>;
  /** How the kernel's own modules are compressed. */
  readonly compression: Compression;
  /** The compiler that the config names, as a command to run, if it is on this machine. */
  readonly compiler?: string;
  /** LLVM= of kbuild, where clang and LLVM's linker have built the kernel: `1`, or the `-16` of versioned programs. */
  readonly llvm?: string;
}

/** The architecture of this machine's modules, as uname -m says it. */
export const machineArch = (): string => machine();

/** The release of the running kernel. */
export const runningKernel = (): string => runningRelease();

const bootImages = (installTree: string, release: string): string[] =>
  isSystemTree(installTree) ? [`/boot/vmlinuz-${release}`, `/boot/vmlinux-${release}`] : [];

/** Whether a kernel is really there: a file that its package owns, for depmod's files and ours outlive it. */
export const isBootable = (installTree: string, release: string): boolean => {
  const directory = join(installTree, release);
  return [
    join(directory, 'vmlinuz'),
    join(directory, 'modules.order'),
    join(directory, 'kernel'),
    ...bootImages(installTree, release),
  ].some(exists);
};

/** The same for a kernel that may be one that cannot be looked at: no. */
export const canBoot = (installTree: string, release: string): boolean =>
  lookOr(
    () => isDirectory(join(installTree, release)) && isBootable(installTree, release),
    () => false,
  );

/** Releases in the install tree that can be booted, the newest last. */
export const bootableKernels = (installTree: string): string[] =>
  readDirectory(installTree)
    .filter((name) => canBoot(installTree, name))
    .sort(compareVersions);

/** Text of a kernel configuration (`.config`, auto.conf) as a map; `# … is not set` is not in it. */
export const parseConfig = (text: string): Map<string, string> => {
  const config = new Map<string, string>();
  for (const [, name, quoted, plain] of text.matchAll(/^(CONFIG_\w+)=(?:"(.*)"|(.*))$/gm)) {
    if (name) config.set(name, quoted ?? plain ?? '');
  }
  return config;
};

const configFiles = (settings: Settings, release: string, headers: string | undefined): string[] => [
  ...(headers ? [join(headers, 'include/config/auto.conf'), join(headers, '.config')] : []),
  join(settings.installTree, release, 'config'),
  ...(settings.privateInstallTree ? [] : [`/boot/config-${release}`]),
];

const readConfig = (files: readonly string[]): Map<string, string> => {
  for (const file of files) {
    const text = readText(file);
    if (text !== undefined) return parseConfig(text);
  }
  return new Map();
};

/** What the kernel's own modules look like; the config only where it has none on disk. */
const findCompression = (directory: string, config: ReadonlyMap<string, string>): Compression => {
  const listed = /^kernel\/\S+\.ko[.\w]*(?=:)/m.exec(readText(join(directory, 'modules.dep')) ?? '')?.[0];
  const seen = listed ?? walk(join(directory, 'kernel')).find((path) => compressionOf(path));
  return (seen && compressionOf(seen)) || compressionFromConfig(config);
};

/** Where a command is found on a PATH; undefined if nowhere. */
export const findCommand = (command: string, path: string): string | undefined =>
  path
    .split(':')
    .map((directory) => join(directory, command))
    .find(isExecutable);

/** The programs of the very version that built the kernel, where they are all here, else those without a version. */
const llvmOf = (config: ReadonlyMap<string, string>, release: string, path: string): string | undefined => {
  if (!config.has('CONFIG_CC_IS_CLANG') || config.has('CONFIG_LD_IS_BFD')) return undefined;
  const suffix = `-${builtWith(config)?.major ?? 0}`;
  const needed = ['clang', 'ld.lld', 'llvm-ar', 'llvm-nm', 'llvm-objcopy', 'llvm-strip'];
  const isHere = needed.every((program) => findCommand(`${program}${suffix}`, path));
  return isHere && knowsSuffixes(release) ? suffix : '1';
};

/** `gcc-12 (Debian 12.2.0-14) 12.2.0`, but `Ubuntu clang version 18.1.3`. */
const compilerNamed = (config: ReadonlyMap<string, string>, llvm: string | undefined): string | undefined =>
  config.has('CONFIG_CC_IS_CLANG')
    ? llvmProgram('clang', llvm === undefined ? {} : { llvm })
    : config.get('CONFIG_CC_VERSION_TEXT')?.split(/\s+/)[0];

const findHeaders = (directory: string): string | undefined => {
  const headers = join(directory, 'build');
  const isThere = lookOr(
    () => exists(join(headers, 'Makefile')) || exists(join(headers, 'include')),
    () => false,
  );
  return isThere ? headers : undefined;
};

const given = (directory: string): string | undefined => (isDirectory(directory) ? directory : undefined);

/**
 * Look at one kernel.
 *
 * @param headersGiven build against this directory instead of `<install tree>/<release>/build`
 * @param configGiven the kernel's configuration, instead of the headers' own
 */
export const kernelFacts = (
  settings: Settings,
  kernel: Kernel,
  headersGiven?: string,
  configGiven?: string,
): KernelFacts => {
  const directory = join(settings.installTree, kernel.release);
  const headers = headersGiven === undefined ? findHeaders(directory) : given(headersGiven);
  const config = readConfig([...(configGiven ? [configGiven] : []), ...configFiles(settings, kernel.release, headers)]);
  const path = settings.environment.PATH ?? '/usr/bin:/bin';
  const llvm = llvmOf(config, kernel.release, path);
  const named = compilerNamed(config, llvm);
  const compiler = named && findCommand(named, path) ? named : undefined;
  return {
    kernel,
    directory,
    bootable: isBootable(settings.installTree, kernel.release),
    config,
    compression: findCompression(directory, config),
    ...(headers ? { headers } : {}),
    ...(compiler ? { compiler } : {}),
    ...(llvm === undefined ? {} : { llvm }),
  };
};
