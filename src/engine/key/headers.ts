import { dirname, join } from 'node:path';
import type { KernelFacts } from '../kernel/kernel.ts';
import type { Memory } from '../run/run.ts';
import type { Processes } from '../system/exec.ts';
import {
  exists,
  type FileFacts,
  isDirectory,
  lstat,
  namesIn,
  readDirectory,
  readText,
  realPath,
  stat,
} from '../system/files.ts';
import { lookOr } from '../system/look.ts';
import { type PathFacts, pathFacts } from '../tree/tree-facts.ts';
import { type Contents, contentsOf, type Place } from './contents.ts';

/**
 * What a build takes from a kernel's headers: what the compiler reads, and what kbuild runs. Source: kernel
 * documentation, kbuild/modules.rst, and what the packages of Debian, Arch and Fedora put there.
 */

/** Below the headers and below the source that they are part of. Empty markers in include/config say what auto.conf says. */
const compiled = (arches: readonly string[]): string[] => [
  ...['Makefile', 'Kbuild', '.kernelvariables', 'Module.symvers', 'vmlinux', 'include'],
  ...arches.flatMap((arch) => ['Makefile', 'include'].map((name) => `arch/${arch}/${name}`)),
];

/**
 * Programs and rules of kbuild. Debian 12 has them in a package that all kernels of a line share: it changes with each of
 * them, and makes nothing out of date that was built for another.
 */
const run = (arches: readonly string[]): string[] => [
  ...['scripts', 'tools/objtool/objtool', 'tools/bpf/resolve_btfids/resolve_btfids'],
  ...arches.map((arch) => `arch/${arch}/scripts`),
];

const inConfig = ['auto.conf', 'kernel.release'];

/** A link may lead to itself. */
const ledTo = (path: string): FileFacts | undefined =>
  lookOr(
    () => stat(path),
    () => undefined,
  );

/** Every file at or below a path, links followed: Debian's `scripts` is one that leads to another package. */
const followed = (top: string, paths: readonly string[]): Map<string, PathFacts> => {
  const found = new Map<string, PathFacts>();
  const visit = (path: string, above: readonly string[]): void => {
    const at = join(top, path);
    const own = lstat(at);
    const facts = own?.kind === 'link' ? ledTo(at) : own;
    if (!own) return;
    if (facts?.kind !== 'directory') {
      found.set(path, pathFacts(path, facts));
      return;
    }
    const real = own.kind === 'link' ? realPath(at) : undefined;
    if (real !== undefined && above.includes(real)) return;
    // Thousands of markers lie there.
    const names = path === 'include/config' ? inConfig : namesIn(at).sort();
    for (const name of names) visit(`${path}/${name}`, real === undefined ? above : [...above, real]);
  };
  for (const path of paths) visit(path, []);
  return found;
};

/** The tree that separate headers are part of: the link beside them, or the one that their Makefile includes. */
const sourceOf = ({ directory, headers = '' }: KernelFacts): string | undefined => {
  const included = /^include (\/\S+)\/Makefile$/m.exec(readText(join(headers, 'Makefile')) ?? '')?.[1];
  const beside = headers.startsWith(`${directory}/`) ? join(dirname(headers), 'source') : undefined;
  return [included, beside].find((path) => path !== undefined && isDirectory(path));
};

/** The headers themselves, then what they are part of. */
const topsOf = (facts: KernelFacts): string[] => {
  const own = facts.headers && realPath(facts.headers);
  if (!own) return [];
  const source = sourceOf(facts);
  return [...new Set([own, source && realPath(source)])].flatMap((top) => (top ? [top] : []));
};

/** Headers of one architecture stand beside a source that has them all. */
const archesIn = (tops: readonly string[]): string[] =>
  tops.map((top) => readDirectory(join(top, 'arch'))).find((names) => names.length > 0) ?? [];

/** Paths of a place do not say where it lies: Debian's packages and a copy of them are the same headers. */
const placesOf = (facts: KernelFacts, wanted: (arches: readonly string[]) => string[], label: string): Place[] => {
  const tops = topsOf(facts);
  const arches = archesIn(tops);
  return tops.map((at, index) => ({
    label: index === 0 ? label : `${label}source/`,
    at,
    facts: followed(at, wanted(arches)),
  }));
};

const nothing: Contents = { hashWithout: () => '', manifest: () => new Map() };

const look = (memory: Memory, places: () => Place[]): Contents =>
  lookOr(
    () => {
      const found = places();
      return found.length > 0 ? contentsOf(memory, found) : nothing;
    },
    () => nothing,
  );

/** What the compiler reads of a kernel's headers; an empty hash where there are none, or they cannot be looked at. */
export const headersContents = (memory: Memory, facts: KernelFacts): Contents =>
  look(memory, () => placesOf(facts, compiled, ''));

/** What kbuild runs there. */
export const kbuildContents = (memory: Memory, facts: KernelFacts): Contents =>
  look(memory, () => placesOf(facts, run, 'kbuild: '));

/**
 * Whether nothing of all that has been written, added or removed since a moment (ms since the epoch): find(1) sees it by
 * the times of inodes, and far quicker than a look. False also where it cannot tell.
 */
export const areUntouched = async (processes: Processes, facts: KernelFacts, since: number): Promise<boolean> => {
  const tops = topsOf(facts);
  const arches = archesIn(tops);
  const paths = tops.flatMap((top) => [...compiled(arches), ...run(arches)].map((path) => join(top, path)));
  const there = paths.filter(exists);
  if (there.length === 0) return false;
  // Times of inodes are coarser than the clock: a tick of the kernel, 10 ms at most.
  const moment = `@${((since - 50) / 1000).toFixed(3)}`;
  const { code, output } = await processes.ask(['find', '-L', ...there, '-newerct', moment, '-print', '-quit'], {
    limit: 60,
  });
  return code === 0 && output === '';
};
