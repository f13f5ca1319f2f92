import { join } from 'node:path';
import { FailureError } from '../errors.ts';
import type { Problem } from '../problems.ts';
import type { Processes } from '../system/exec.ts';
import { readText } from '../system/files.ts';
import { makeDirectory, writeText } from '../system/publish.ts';
import type { KernelFacts } from './kernel.ts';
import { llvmVariables } from './toolchain.ts';

/**
 * Will it load? A module's version string must equal that of the headers, and their release the
 * kernel's. Source: kernel/module/version.c (same_magic) and include/linux/vermagic.h.
 */

const marker = 'kmodsort_vermagic';
const probeSource = `#define INCLUDE_VERMAGIC\n#include <linux/vermagic.h>\n${marker} VERMAGIC_STRING\n`;

/** C string literals in a row, joined. */
const joinLiterals = (text: string): string =>
  [...text.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((match) => match[1] ?? '').join('');

/**
 * VERMAGIC_STRING of a kernel's headers, by kbuild's own preprocessor run.
 *
 * @param directory a private directory
 * @returns undefined where kbuild cannot tell
 */
export const headersVermagic = async (
  facts: KernelFacts,
  directory: string,
  processes: Processes,
): Promise<string | undefined> => {
  if (!facts.headers) return undefined;
  makeDirectory(directory);
  writeText(join(directory, 'Makefile'), 'obj-m := probe.o\n');
  writeText(join(directory, 'probe.c'), probeSource);
  // A kernel built by clang has options that gcc does not know.
  const clang = Object.entries(llvmVariables(facts)).map(([name, value]) => `${name}=${value}`);
  const ended = await processes.ask(['make', '-s', '-C', facts.headers, ...clang, `M=${directory}`, 'probe.i'], {
    variables: { CC: facts.compiler },
    directory,
    limit: 60,
  });
  const text = readText(join(directory, 'probe.i')) ?? '';
  const line = text.split('\n').find((candidate) => candidate.startsWith(marker));
  return ended.code === 0 && line ? joinLiterals(line).trim() : undefined;
};

/** The version strings of uncompressed objects, in their order: modinfo(8). */
export const vermagicsOf = async (objects: readonly string[], processes: Processes): Promise<string[]> => {
  const ended = await processes.ask(['modinfo', '-F', 'vermagic', ...objects], { limit: 60 });
  if (ended.unstartable) throw new FailureError({ kind: 'tool-missing', at: 'modinfo', detail: ended.problem });
  return ended.output
    .split('\n')
    .filter(Boolean)
    .map((line) => line.trim());
};

const firstWord = (text: string): string | undefined => text.split(' ')[0];

/**
 * Why the kernel will refuse a version string; undefined if it will not.
 *
 * @param ofHeaders the headers' own one. Where it is of another release the kernel wants another one too, of which only
 *   the release is known
 */
export const vermagicProblem = (found: string, release: string, ofHeaders: string | undefined): Problem | undefined => {
  const whole = ofHeaders !== undefined && firstWord(ofHeaders) === release ? ofHeaders : undefined;
  const isRight = whole === undefined ? firstWord(found) === release : found === whole;
  return isRight ? undefined : { problem: 'version-magic', found, wanted: whole ?? release };
};

/** Throws wrong-kernel (FailureError) about the first object that was not built for this kernel. */
export const checkVermagics = (
  release: string,
  expected: string | undefined,
  objects: readonly string[],
  found: readonly string[],
): void => {
  objects.forEach((object, index) => {
    const problem = vermagicProblem(found[index] ?? '', release, expected);
    if (problem) throw new FailureError({ kind: 'wrong-kernel', at: object, problem });
  });
};
