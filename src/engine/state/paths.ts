import { join } from 'node:path';
import type { Kernel, Module } from '../request.ts';

/** Where everything is in the state directory (/var/lib/kmodsort). */

const onKernel = (kernel: Kernel): string => `${kernel.release}@${kernel.arch}`;

/** What is remembered of a Module on a Kernel. */
export const recordFile = (stateDir: string, module: Module, kernel: Kernel): string =>
  join(recordsDirectory(stateDir), module.name, module.version, `${onKernel(kernel)}.json`);

export const recordsDirectory = (stateDir: string): string => join(stateDir, 'record');

/** The Kernel that a record's file name says; undefined if it is none. */
export const kernelOfRecord = (fileName: string): Kernel | undefined => {
  const [, release, arch] = /^(.+)@([^@]+)\.json$/.exec(fileName) ?? [];
  return release && arch ? { release, arch } : undefined;
};

/** Logs of what failed last. */
export const logDirectory = (stateDir: string): string => join(stateDir, 'log');

/** The log of a Module's last failure on a Kernel. */
export const failureLogFile = (stateDir: string, module: Module, kernel: Kernel): string =>
  join(logDirectory(stateDir), module.name, module.version, `${onKernel(kernel)}.log`);

/** What the program that makes a kernel's initramfs said. */
export const initramfsLogFile = (stateDir: string, release: string): string =>
  join(logDirectory(stateDir), `initramfs-${release}.log`);

export const journalsDirectory = (stateDir: string): string => join(stateDir, 'journal');

/** The journal of an install or removal of a module's name on a Kernel. */
export const journalFile = (stateDir: string, name: string, kernel: Kernel): string =>
  join(journalsDirectory(stateDir), `${name}@${onKernel(kernel)}.json`);

/** The lock of a run. */
export const runLockFile = (stateDir: string): string => join(stateDir, 'lock');

/** The lock of a module's name. */
export const moduleLockFile = (stateDir: string, name: string): string => join(stateDir, 'lock.d', name);

export const supersededDirectory = (stateDir: string): string => join(stateDir, 'replaced');

/** Is there while a version stays until a newer one is installed. */
export const supersededMark = (stateDir: string, { name, version }: Module): string =>
  join(supersededDirectory(stateDir), `${name}@${version}`);

export const rpmUpgradeDirectory = (stateDir: string): string => join(stateDir, 'rpm-upgrade');

/** Names the rpm transaction that added a module. */
export const rpmUpgradeMark = (stateDir: string, { name, version }: Module): string =>
  join(rpmUpgradeDirectory(stateDir), `${name}-${version}`);

/** What every login shows. */
export const loginNotice = (stateDir: string): string => join(stateDir, 'notice');

/** What an apt run ends with, as an error: a file for each kernel. */
export const requiredNotices = (stateDir: string): string => join(stateDir, 'required');

/** What an apt run says at its end of failures that are none for it: a file for each kernel. */
export const failureNotices = (stateDir: string): string => join(stateDir, 'failed');

/** What was told in the transaction that goes on. */
export const toldFile = (stateDir: string): string => join(stateDir, 'told');

/** What the boot guard has done to the boot loader. */
export const bootHoldFile = (stateDir: string): string => join(stateDir, 'boot-hold');

/** The lock of whoever changes what the boot loader boots. */
export const bootLockFile = (stateDir: string): string => join(stateDir, 'boot-lock');

/** What the programs that make the boot loader's menu said. */
export const bootLogFile = (stateDir: string): string => join(logDirectory(stateDir), 'boot-guard.log');

export const dueDirectory = (stateDir: string): string => join(stateDir, 'due');

/** What must still follow for a kernel whose modules have changed. */
export const dueFile = (stateDir: string, release: string): string => join(dueDirectory(stateDir), release);

/** Programs of runs whose scratch directory does not let them be run, a directory for each run. */
export const programsDirectory = (stateDir: string): string => join(stateDir, 'programs');

/** Hooks that came while the program could not start, a file for each. */
export const queueDirectory = (stateDir: string): string => join(stateDir, 'queue');

/** Trials that are under way, a directory for each. */
export const trialsDirectory = (stateDir: string): string => join(stateDir, 'trial');

/** A state directory of its own for the records of what the guard's trials found. */
export const vetoesDirectory = (stateDir: string): string => join(stateDir, 'vetoes');

/** What trials found for kernels that are not installed yet. */
export const triedDirectory = (stateDir: string): string => join(stateDir, 'tried');

export const objectFactsDirectory = (stateDir: string): string => join(stateDir, 'objects');

/** What the objects on a kernel said of themselves. */
export const objectFactsFile = (stateDir: string, release: string): string =>
  join(objectFactsDirectory(stateDir), `${release}.json`);

/** What a kernel's own modules were built against. */
export const ownCrcsFile = (stateDir: string, release: string): string => join(stateDir, 'objects', `${release}.crcs`);

/** Version strings of headers that were asked for. */
export const vermagicsFile = (stateDir: string): string => join(stateDir, 'vermagic');

/** What stood in sources and headers when they were looked at: manifests, and what each was made from. */
export const contentsDirectory = (stateDir: string): string => join(stateDir, 'contents');

/** What was built, by name and Key. */
export const storeDirectory = (stateDir: string): string => join(stateDir, 'store');

/** One Artifact: an OCI image layout. */
export const artifactDirectory = (stateDir: string, name: string, key: string): string =>
  join(storeDirectory(stateDir), name, key);
