import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { repository } from '../kernels.ts';

/** What packages of every format hold, and the sources of modules among it. */

/** All by a path without a leading slash. */
export interface Contents {
  /** Text. */
  readonly files?: Readonly<Record<string, string>>;
  /** Targets of symbolic links. */
  readonly links?: Readonly<Record<string, string>>;
  /** Files or directories of ours, with their modes. */
  readonly trees?: Readonly<Record<string, string>>;
}

/** Where a file goes; its directory is made. */
export const place = (root: string, path: string): string => {
  const target = join(root, path);
  mkdirSync(dirname(target), { recursive: true });
  return target;
};

/** Put contents below a directory; a file's text goes over what a tree brought. */
export const fill = (root: string, { files, links, trees }: Contents): void => {
  mkdirSync(root, { recursive: true });
  for (const [path, target] of Object.entries(links ?? {})) symlinkSync(target, place(root, path));
  for (const [path, from] of Object.entries(trees ?? {})) cpSync(from, place(root, path), { recursive: true });
  for (const [path, text] of Object.entries(files ?? {})) writeFileSync(place(root, path), text);
};

export interface SourceOptions {
  readonly version?: string;
  /** Lines at the end of its dkms.conf. */
  readonly conf?: string;
  /** Text of its files by name, over the fixture's. */
  readonly edits?: Readonly<Record<string, (text: string) => string>>;
}

export interface ModuleSource {
  readonly version: string;
  readonly contents: Contents;
}

/** A fixture as the source of a module in /usr/src. */
export const moduleSource = (fixture: string, options: SourceOptions = {}): ModuleSource => {
  const source = join(repository, 'test', 'fixtures', fixture);
  const conf = readFileSync(join(source, 'dkms.conf'), 'utf8');
  const written = /^PACKAGE_VERSION="([^"]+)"$/m.exec(conf)?.[1] ?? '';
  const version = options.version ?? written;
  const directory = `usr/src/${fixture}-${version}`;
  const edited = Object.entries(options.edits ?? {}).map(([file, edit]) => [
    `${directory}/${file}`,
    edit(readFileSync(join(source, file), 'utf8')),
  ]);
  const versioned = conf.replace(`PACKAGE_VERSION="${written}"`, `PACKAGE_VERSION="${version}"`);
  return {
    version,
    contents: {
      trees: { [directory]: source },
      files: { ...Object.fromEntries(edited), [`${directory}/dkms.conf`]: `${versioned}${options.conf ?? ''}` },
    },
  };
};

/** Shell: the names of the out-of-tree modules of kernel $K, each followed by a space. */
export const modulesOfK = `$(cd /lib/modules/$K && find . -name '*.ko*' ! -path './kernel/*' | sed 's|.*/||; s|[.]ko.*||' | sort | tr '\\n' ' ')`;
