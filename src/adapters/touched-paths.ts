import { isCleanName } from '../engine/system/names.ts';

/** A path of a hook's file list that can concern us, taken apart. */
export interface TouchedPath {
  readonly tree: 'source' | 'modules';
  /** The directory right below the tree: `zfs-2.3.9`, or a kernel release. */
  readonly name: string;
  /** What follows it. */
  readonly rest: readonly string[];
}

const trees = [
  { tree: 'source', below: ['usr', 'src'] },
  { tree: 'modules', below: ['usr', 'lib', 'modules'] },
  { tree: 'modules', below: ['lib', 'modules'] },
] as const;

const isOdd = (segment: string): boolean => segment === '' || segment === '.' || segment === '..';

const takeApart = (path: string): TouchedPath | undefined => {
  const segments = path.replace(/^\/+|\/+$/g, '').split('/');
  if (segments.some(isOdd)) return undefined;
  for (const { tree, below } of trees) {
    const [name, ...rest] = segments.slice(below.length);
    if (name === undefined || !isCleanName(name)) continue;
    if (below.every((segment, i) => segments[i] === segment)) return { tree, name, rest };
  }
  return undefined;
};

/** The paths of a hook's stdin that can concern us; lines may end in anything, all else is passed over. */
export const touchedPaths = (stdin: string): TouchedPath[] =>
  stdin.split(/[\0\r\n]/).flatMap((line) => takeApart(line) ?? []);
