import { basename, join } from 'node:path';
import { FailureError } from '../errors.ts';
import type { Run } from '../run/run.ts';
import { pathOf } from '../system/environment.ts';
import type { Argv } from '../system/exec.ts';
import { isExecutable, readDirectory, readText, stat } from '../system/files.ts';
import { makeDirectory } from '../system/publish.ts';
import { unpackPackages } from '../trial/unpack.ts';
import { type Packaging, rpmScriptlets, type Scriptlet, specScriptlets } from './scriptlets.ts';

/** Packages and what they are made from, read by the system's own tools. */

/** A package taken apart. */
export interface OpenPackage {
  readonly packaging: Packaging;
  /** The directory that stands for `/`. */
  readonly root: string;
  /** Names below usr/src with a dkms.conf. */
  readonly sources: readonly string[];
}

const kinds = [
  { pattern: /\.deb$/, kind: 'deb', tools: ['dpkg-deb', 'tar'] },
  { pattern: /\.rpm$/, kind: 'rpm', tools: ['rpm', 'rpm2archive', 'tar'] },
  { pattern: /\.pkg\.tar(?:\.\w+)?$/, kind: 'pacman', tools: ['tar'] },
] as const;

/** Whether a path is named as packages are. */
export const isPackage = (path: string): boolean => kinds.some(({ pattern }) => pattern.test(path));

const isHere = (run: Run, tool: string): boolean =>
  pathOf(run.environment)
    .split(':')
    .some((directory) => isExecutable(join(directory, tool)));

const ask = async (run: Run, argv: Argv, at: string): Promise<string> => {
  const { code, output, problem } = await run.processes.ask(argv, { limit: 300 });
  if (code !== 0) throw new FailureError({ kind: 'archive-malformed', at, detail: problem });
  return output;
};

const debScriptlets = async (run: Run, path: string, shown: string, place: string): Promise<Scriptlet[]> => {
  await ask(run, ['dpkg-deb', '--control', path, place], path);
  return ['preinst', 'postinst', 'prerm', 'postrm'].flatMap((name) => {
    const text = readText(join(place, name));
    return text === undefined ? [] : [{ file: `${shown}:${name}`, before: 0, name, text }];
  });
};

const pacmanScriptlets = (root: string, shown: string): Scriptlet[] => {
  const text = readText(join(root, '.INSTALL'));
  return text === undefined ? [] : [{ file: `${shown}:.INSTALL`, before: 0, name: '.install', text }];
};

/**
 * Take a package apart.
 *
 * @param place a directory for it that is not there yet
 * Throws tool-missing, archive-missing, archive-malformed, archive-without-conf (FailureError).
 */
export const openPackage = async (run: Run, path: string, shown: string, place: string): Promise<OpenPackage> => {
  const known = kinds.find(({ pattern }) => pattern.test(path));
  const missing = known?.tools.find((tool) => !isHere(run, tool));
  if (!known || missing !== undefined)
    throw new FailureError({ kind: 'tool-missing', at: missing ?? '', detail: `${missing} reads ${shown}` });
  const root = join(place, 'root');
  makeDirectory(place);
  const { sources } = await unpackPackages(run, [path], root);
  if (sources.length === 0) throw new FailureError({ kind: 'archive-without-conf', at: shown });
  const scriptlets = {
    deb: () => debScriptlets(run, path, shown, join(place, 'control')),
    rpm: async () => rpmScriptlets(shown, await ask(run, ['rpm', '-qp', '--nosignature', '--scripts', path], path)),
    pacman: async () => pacmanScriptlets(root, shown),
  };
  const packaging = { kind: known.kind, shown, scriptlets: await scriptlets[known.kind](), hasConf: true };
  return { packaging: { ...packaging, usesHelper: false }, root, sources };
};

const helper = /\bdh_dkms\b|\bdh-sequence-dkms\b|--with[= ]\S*\bdkms\b/;

/** A debian/ directory. */
const debianPackaging = (directory: string, shown: (path: string) => string): Packaging => {
  const names = readDirectory(directory).filter((name) => stat(join(directory, name))?.kind === 'file');
  const text = (name: string): string => readText(join(directory, name)) ?? '';
  const made = ['rules', 'control'].map(text).join('\n');
  const hasConfIn = (name: string): boolean => /dkms\.conf/.test(text(name));
  // A source makes many packages: what runs around those without a conf is another matter.
  const isOwn = (owner: string): boolean =>
    /^$|dkms/.test(owner) || names.includes(`${owner}.dkms`) || [`${owner}.install`, 'install'].some(hasConfIn);
  const scriptlets = names.flatMap((name): Scriptlet[] => {
    const [, owner = '', kind] = /^(?:(.*)\.)?(preinst|postinst|prerm|postrm)(?:\.in)?$/.exec(name) ?? [];
    if (kind === undefined) return [];
    const scriptlet = { file: shown(name), before: 0, name: kind, text: text(name) };
    return [isOwn(owner) ? scriptlet : { ...scriptlet, isOthers: true }];
  });
  const brings = names.some((name) => /\.dkms$/.test(name) || (/install$/.test(name) && hasConfIn(name)));
  return {
    kind: 'deb',
    shown: shown('rules'),
    scriptlets,
    hasConf: brings || /dkms\.conf/.test(text('rules')),
    usesHelper: helper.test(made),
  };
};

const installFile = (path: string, shown: string): Packaging => {
  const scriptlets = [{ file: shown, before: 0, name: '.install', text: readText(path) ?? '' }];
  return { kind: 'pacman', shown, scriptlets, hasConf: true, usesHelper: false };
};

const specFile = (path: string, shown: string): Packaging => {
  const text = readText(path) ?? '';
  const hasConf = /dkms/.test(text);
  return { kind: 'rpm', shown, scriptlets: specScriptlets(shown, text), hasConf, usesHelper: false };
};

/** What packages are made from, in a directory or as a file of its own. */
export const packagingIn = (path: string, shown: (path: string) => string): Packaging[] => {
  if (stat(path)?.kind === 'file') {
    if (path.endsWith('.install')) return [installFile(path, shown(''))];
    return path.endsWith('.spec') ? [specFile(path, shown(''))] : [];
  }
  const isDebian = (directory: string): boolean => stat(join(directory, 'control'))?.kind === 'file';
  if (basename(path) === 'debian' && isDebian(path)) return [debianPackaging(path, shown)];
  const names = readDirectory(path);
  const isArch = names.includes('PKGBUILD');
  return [
    ...(isDebian(join(path, 'debian'))
      ? [debianPackaging(join(path, 'debian'), (name) => shown(join('debian', name)))]
      : []),
    ...names
      .filter((name) => isArch && name.endsWith('.install'))
      .map((name) => installFile(join(path, name), shown(name))),
    ...names.filter((name) => name.endsWith('.spec')).map((name) => specFile(join(path, name), shown(name))),
  ];
};
