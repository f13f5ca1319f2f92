import { join } from 'node:path';
import { readDirectory, stat, walk } from '../system/files.ts';
import { writeText } from '../system/publish.ts';
import { packageFile } from './names.ts';
import { type ModulePackage, summaryOf } from './package.ts';
import { relationText } from './relations.ts';
import { pacmanHook, pacmanScript } from './scripts.ts';
import { make, placeObjects, settle, type Workshop } from './tree.ts';

/**
 * Packages for pacman, as makepkg puts them together; makepkg itself wants a PKGBUILD and another user than root. Sources:
 * the manual of makepkg, bsdtar(1), and pacman's own packages.
 */

/**
 * The text of .PKGINFO.
 *
 * @param size of the files, bytes
 */
export const informationText = (made: ModulePackage, size: number): string =>
  [
    `pkgname = ${made.name}`,
    `pkgbase = ${made.name}`,
    `pkgver = ${made.version}-${made.revision}`,
    `pkgdesc = ${summaryOf(made).replace(/^k/, 'K')}`,
    'url = https://www.kernel.org/',
    `builddate = ${made.seconds}`,
    'packager = kmodsort <kmodsort@localhost>',
    `size = ${size}`,
    `arch = ${made.arch}`,
    `license = ${made.license}`,
    ...made.conflicts.map((name) => `conflict = ${name}`),
    ...made.provides.map((name) => `provides = ${name}`),
    ...made.depends.map((one) => `depend = ${relationText('pacman', one)}`),
    '',
  ].join('\n');

const owner = ['--uid', '0', '--gid', '0', '--uname', 'root', '--gname', 'root'];
const plain = ['--no-acls', '--no-xattrs', '--no-fflags'];

/** Every file and directory, in one order. */
const members = (root: string): string[] => {
  const files = walk(root);
  const directories = files.flatMap((file) => {
    const parts = file.split('/').slice(0, -1);
    return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
  });
  return [...new Set([...files, ...directories])].sort();
};

/**
 * Make a package.
 *
 * @param objects absolute paths
 * @returns the path of its file. Throws FailureError.
 */
export const makePacman = async (
  workshop: Workshop,
  made: ModulePackage,
  objects: readonly string[],
): Promise<string> => {
  const root = join(workshop.directory, 'root');
  placeObjects(root, made.directory, objects);
  writeText(join(root, 'usr/share/libalpm/hooks', `91-${made.name}.hook`), pacmanHook(made));
  const size = walk(root).reduce((sum, file) => sum + (stat(join(root, file))?.size ?? 0), 0);
  writeText(join(root, '.PKGINFO'), informationText(made, size));
  writeText(join(root, '.INSTALL'), pacmanScript(made));
  await settle(workshop, root, made.seconds);
  const options = { directory: root };
  const mtree = '!all,use-set,type,uid,gid,mode,time,size,md5,sha256,link';
  const list = members(root);
  const made0 = ['bsdtar', '--no-recursion', ...owner, ...plain] as const;
  const listing = join(root, '.MTREE');
  await make(workshop, [...made0, '--format=mtree', `--options=${mtree}`, '-cf', listing, ...list], options);
  await make(workshop, ['gzip', '-9nf', listing], options);
  await make(workshop, ['mv', `${listing}.gz`, listing], options);
  await settle(workshop, root, made.seconds);
  const special = readDirectory(root).filter((name) => name.startsWith('.'));
  const file = join(workshop.directory, packageFile('pacman', made));
  const all = [...special, ...list.filter((name) => !special.includes(name))];
  await make(workshop, [...made0, '--zstd', '-cf', file, ...all], options);
  return file;
};
