import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { World } from '../world.ts';

/** Everything in a world's trees, so that two states can be compared file by file. */

/** Path, relative to the world, to what stands there. */
export type Manifest = ReadonlyMap<string, string>;

/** Times differ from run to run; what they belong to does not. */
const withoutTimes = (text: string): string => text.replace(/"(mtimeMs|at|seconds)": ?("[^"]*"|[\d.]+)/g, '"$1": -');

const contentOf = (path: string): string => {
  if (/\.log$|\/lock(\.d\/[^/]*)?$/.test(path)) return 'text of its time';
  const bytes = readFileSync(path);
  return createHash('sha256')
    .update(path.endsWith('.json') ? withoutTimes(bytes.toString('utf8')) : bytes)
    .digest('hex');
};

/** Kind, mode and content of what stands at a path. */
export const standingAt = (path: string): string => {
  const facts = lstatSync(path);
  const mode = (facts.mode & 0o7777).toString(8);
  // In an overlay, what hides a file that was removed.
  if (facts.isCharacterDevice()) return 'device';
  if (facts.isSymbolicLink()) return `link to ${readlinkSync(path)}`;
  return facts.isDirectory() ? `directory ${mode}` : `file ${mode} ${contentOf(path)}`;
};

/** Memory of what stood in files and objects, made anew where it is missing; a temporary file among it is none. */
const isMemory = (path: string): boolean => /\/kmodsort\/(contents\/[^./][^/]*|objects(\/[^./][^/]*)?)$/.test(path);

/** What is kept of builds: one that is missing costs a build, and one that is damaged is a fault. */
const isWhole = (path: string): boolean => {
  if (!/\/kmodsort\/store(\/|$)/.test(path) || path.includes('/.tmp_')) return false;
  const [, hash] = /\/blobs\/sha256\/([0-9a-f]{64})$/.exec(path) ?? [];
  return hash === undefined || createHash('sha256').update(readFileSync(path)).digest('hex') === hash;
};

export const manifestOf = ({ root, trees }: World): Manifest => {
  const tops = [trees.dkmsTree, trees.sourceTree, trees.installTree, trees.stateDir].filter((tree) => existsSync(tree));
  // With file types: otherwise links to directories are followed, into the kernel's headers.
  const paths = tops.flatMap((top) =>
    readdirSync(top, { recursive: true, withFileTypes: true }).map(({ parentPath, name }) => join(parentPath, name)),
  );
  const told = paths.filter((path) => !isMemory(path) && !isWhole(path));
  return new Map(told.sort().map((path) => [path.slice(root.length + 1), standingAt(path)]));
};

/** A line for each path at which they differ; none: they are the same. */
export const differences = (is: Manifest, should: Manifest): string[] =>
  [...new Set([...is.keys(), ...should.keys()])]
    .filter((path) => is.get(path) !== should.get(path))
    .map((path) => `${path}: ${is.get(path) ?? 'not there'}, should be ${should.get(path) ?? 'not there'}`);
