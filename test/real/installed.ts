import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { World } from '../world.ts';

/** What stands in a world's trees after a run. */

const isObject = (path: string): boolean => /\.ko(\.\w+)?$/.test(path);

export const objectName = (path: string): string => basename(path).replace(/\.ko.*$/, '');

/** Out-of-tree module files of a kernel, absolute. */
export const installedFiles = (world: World, release: string): string[] =>
  world
    .files(join(world.trees.installTree, release))
    .filter((path) => isObject(path) && !path.startsWith('kernel/'))
    .map((path) => join(world.trees.installTree, release, path));

/** The file of one object on a kernel. */
export const installedFile = (world: World, release: string, object: string): string => {
  const found = installedFiles(world, release).find((path) => objectName(path) === object);
  if (!found) throw new Error(`${object} is not installed on ${release}`);
  return found;
};

/** Which file lies under each name: an object that was installed again is another one. */
export const identities = (world: World, release: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    installedFiles(world, release).map((path) => {
      const { ino, mtimeMs } = statSync(path);
      return [objectName(path), `${ino} ${mtimeMs}`];
    }),
  );

/** The objects that are other files than before, or new. */
export const replacedSince = (world: World, release: string, before: Readonly<Record<string, string>>): string[] =>
  Object.entries(identities(world, release))
    .filter(([name, identity]) => before[name] !== identity)
    .map(([name]) => name)
    .sort();

const builtObjects = (world: World, link: string): string[] => {
  const directory = join(world.trees.dkmsTree, link, 'module');
  return existsSync(directory)
    ? readdirSync(directory)
        .filter(isObject)
        .map((name) => join(directory, name))
    : [];
};

const isSame = (a: string, b: string): boolean => readFileSync(a).equals(readFileSync(b));

/** What the dkms tree says is installed, against what is: a line for each difference. */
const differences = (world: World): string[] => {
  const links = world.files(world.trees.dkmsTree).filter((path) => /^[^/]+\/kernel-[^/]+$/.test(path));
  const pairs = links.flatMap((link) => {
    const [, release = ''] = /\/kernel-(.+)-[^-]+$/.exec(link) ?? [];
    const built = builtObjects(world, link);
    if (built.length === 0) return [[`${link} leads to no objects`, '']] as const;
    return built.map((path) => [path, join(world.trees.installTree, release)] as const);
  });
  const wrong = pairs.flatMap(([built, directory]) => {
    if (directory === '') return [built];
    const standing = installedFiles(world, basename(directory)).filter(
      (path) => objectName(path) === objectName(built),
    );
    if (standing.length !== 1) return [`${objectName(built)} stands ${standing.length} times in ${directory}`];
    return standing.filter((path) => !isSame(path, built)).map((path) => `${path} is not what was built`);
  });
  const expected = new Set(pairs.map(([built, directory]) => `${basename(directory)} ${objectName(built)}`));
  const nobodys = readdirSync(world.trees.installTree).flatMap((release) =>
    installedFiles(world, release).filter((path) => !expected.has(`${release} ${objectName(path)}`)),
  );
  return [...wrong, ...nobodys.map((path) => `${path} belongs to nobody`)];
};

const savedOriginals = (world: World): string[] =>
  world
    .files(world.trees.dkmsTree)
    .filter((path) => path.includes('/original_module/') && isObject(path))
    .map((path) => join(world.trees.dkmsTree, path));

/** Originals whose bytes are those of something that we built. */
const ourOriginals = (world: World): string[] => {
  const built = world
    .files(world.trees.dkmsTree)
    .filter((path) => path.includes('/module/') && isObject(path))
    .map((path) => join(world.trees.dkmsTree, path));
  return savedOriginals(world)
    .filter((saved) => built.some((path) => isSame(path, saved)))
    .map((path) => `${path} is ours, saved as an original`);
};

const leftovers = (world: World): string[] => {
  const { dkmsTree, installTree, stateDir } = world.trees;
  const temporary = [dkmsTree, installTree, stateDir].flatMap((tree) =>
    existsSync(tree)
      ? readdirSync(tree, { recursive: true, encoding: 'utf8' })
          .filter((path) => basename(path).startsWith('.tmp'))
          .map((path) => join(tree, path))
      : [],
  );
  const journals = world.files(join(stateDir, 'journal')).map((path) => `open journal ${path}`);
  return [...temporary, ...journals];
};

/** Everything that a run which came to its end must not leave behind; empty if all is well. */
export const disorder = (world: World): string[] => [
  ...differences(world),
  ...ourOriginals(world),
  ...leftovers(world),
];

const words = (pid: string): string => {
  try {
    return `${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')} in ${readlinkSync(`/proc/${pid}/cwd`)}`;
  } catch {
    return '';
  }
};

/** Processes that work in a world or were told of it. */
export const processesIn = (world: World): string[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((pid) => `${pid} ${words(pid)}`)
    .filter((line) => line.includes(realpathSync(world.root)));
