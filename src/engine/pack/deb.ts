import { join } from 'node:path';
import { readDirectory, stat, walk } from '../system/files.ts';
import { chmod, makeDirectory, writeText } from '../system/publish.ts';
import { packageFile } from './names.ts';
import { descriptionOf, type ModulePackage, summaryOf } from './package.ts';
import { type Relation, relationText } from './relations.ts';
import { debScripts } from './scripts.ts';
import { make, placeObjects, settle, type Workshop } from './tree.ts';

/** Packages for dpkg. Sources: deb(5), deb-control(5), dpkg-deb(1), Debian Policy 12. */

const maintainer = 'kmodsort <kmodsort@localhost>';

const field = (name: string, relations: readonly Relation[]): string[] =>
  relations.length === 0 ? [] : [`${name}: ${relations.map((one) => relationText('deb', one)).join(', ')}`];

const named = (names: readonly string[]): Relation[] => names.map((name) => ({ name }));

/**
 * The control file.
 *
 * @param size of the files, KiB
 */
export const controlText = (made: ModulePackage, size: number): string =>
  [
    `Package: ${made.name}`,
    `Version: ${made.version}-${made.revision}`,
    `Architecture: ${made.arch}`,
    `Maintainer: ${maintainer}`,
    `Installed-Size: ${size}`,
    ...field('Depends', made.depends),
    ...field('Provides', named(made.provides)),
    ...field('Conflicts', named(made.conflicts)),
    'Section: kernel',
    'Priority: optional',
    `Description: ${summaryOf(made)}`,
    ...descriptionOf(made).map((line) => ` ${line}`),
    '',
  ].join('\n');

/** `Sat, 28 Nov 2026 07:52:12 +0000`. */
const mailDate = (seconds: number): string => new Date(seconds * 1000).toUTCString().replace('GMT', '+0000');

const changelog = (made: ModulePackage): string =>
  `${made.name} (${made.version}-${made.revision}) unstable; urgency=medium

  * ${made.module.name} ${made.module.version}, built for Linux ${made.kernel.release}.

 -- ${maintainer}  ${mailDate(made.seconds)}
`;

const copyright = ({ module, license }: ModulePackage): string =>
  `Built from the source of the kernel module ${module.name} ${module.version}.

Copyright (C) the authors of ${module.name}, whom its source names.

License: ${license}, as the modules themselves say (MODULE_LICENSE). Where that is
the GNU General Public License, version 2, its text is in
/usr/share/common-licenses/GPL-2.
`;

/** Whoever runs it makes it: there is no maintainer to write to, and only the source knows the years and names. */
const overrides = ({ name }: ModulePackage): string =>
  ['bogus-mail-host', 'bogus-mail-host-in-debian-changelog', 'copyright-without-copyright-notice']
    .map((tag) => `${name}: ${tag}${tag.startsWith('bogus') ? ' *' : ''}\n`)
    .join('');

const documents = async (workshop: Workshop, root: string, made: ModulePackage): Promise<void> => {
  const directory = join(root, 'usr/share/doc', made.name);
  writeText(join(directory, 'copyright'), copyright(made));
  const file = join(directory, 'changelog.Debian');
  writeText(file, changelog(made));
  await make(workshop, ['gzip', '-9n', file]);
  writeText(join(root, 'usr/share/lintian/overrides', made.name), overrides(made));
};

const kibibytes = (root: string): number =>
  walk(root).reduce((sum, file) => sum + Math.ceil((stat(join(root, file))?.size ?? 0) / 1024) + 1, 0);

/**
 * Make a package.
 *
 * @param objects absolute paths
 * @returns the path of its file. Throws FailureError.
 */
export const makeDeb = async (workshop: Workshop, made: ModulePackage, objects: readonly string[]): Promise<string> => {
  const root = join(workshop.directory, 'root');
  placeObjects(root, made.directory, objects);
  await documents(workshop, root, made);
  const files = walk(root);
  const size = kibibytes(root);
  const control = join(root, 'DEBIAN');
  makeDirectory(control);
  writeText(join(control, 'md5sums'), await make(workshop, ['md5sum', ...files], { directory: root }));
  writeText(join(control, 'control'), controlText(made, size));
  const scripts = debScripts(made);
  for (const [name, text] of Object.entries(scripts)) writeText(join(control, name), text);
  for (const name of readDirectory(control)) chmod(join(control, name), name in scripts ? 0o755 : 0o644);
  await settle(workshop, root, made.seconds);
  const file = join(workshop.directory, packageFile('deb', made));
  await make(workshop, ['dpkg-deb', '--root-owner-group', '-Zxz', '-z6', '--build', root, file], {
    variables: { SOURCE_DATE_EPOCH: String(made.seconds) },
  });
  return file;
};
