import type { Finding } from '../findings.ts';
import { programOf, type ShellCommand, shellCommands } from './shell-words.ts';

/** What package managers run around a package of modules, and what the hooks of dkms and kmodsort do anyway. Pure. */

/** A scriptlet. */
export interface Scriptlet {
  /** As it is shown. */
  readonly file: string;
  /** The line before its first, from 0. */
  readonly before: number;
  /** `preinst`, `prerm`, `%preun`, `.install`, … */
  readonly name: string;
  readonly text: string;
  /** Of another package of the same source, which has no dkms.conf. */
  readonly isOthers?: true;
}

/** A package, or what one is made from. */
export interface Packaging {
  readonly kind: 'deb' | 'rpm' | 'pacman';
  /** As it is shown; line 1 is meant. */
  readonly shown: string;
  readonly scriptlets: readonly Scriptlet[];
  /** It brings a dkms.conf. */
  readonly hasConf: boolean;
  /** Of Debian's: dh_dkms writes the maintainer scripts. */
  readonly usesHelper: boolean;
}

interface Called {
  readonly command: ShellCommand;
  readonly words: readonly string[];
  readonly place: { readonly file: string; readonly line: number };
  readonly before: readonly ShellCommand[];
}

const calls = ({ scriptlets }: Packaging, program: RegExp): Called[] =>
  scriptlets.flatMap(({ file, before, text, isOthers }) => {
    if (isOthers) return [];
    const commands = shellCommands(text);
    return commands.flatMap((command, index) => {
      const words = programOf(command);
      if (!program.test(words[0] ?? '')) return [];
      const place = { file, line: before + command.line + 1 };
      return [{ command, words, place, before: commands.slice(0, index) }];
    });
  });

const said = (words: readonly string[]): string => words.slice(0, 4).join(' ');

const depmod = (packaging: Packaging): Finding[] =>
  packaging.hasConf
    ? calls(packaging, /^(?:\S*\/)?depmod$/).map(({ words, place }) => ({
        rule: 'depmod-in-scriptlet',
        ...place,
        command: said(words),
      }))
    : [];

const archDkms = (packaging: Packaging): Finding[] =>
  packaging.kind === 'pacman'
    ? calls(packaging, /^(?:\S*\/)?dkms$/)
        .filter(({ words }) => /^(?:add|build|install|autoinstall|uninstall|unbuild|remove)$/.test(words[1] ?? ''))
        .map(({ words, place }) => ({ rule: 'arch-dkms-in-install', ...place, command: said(words) }))
    : [];

const removes = /\b(?:dkms|kmodsort)\b[^\n]*\bremove\b/;

const noRemoval = ({ kind, hasConf, usesHelper, scriptlets, shown }: Packaging): Finding[] => {
  if (kind !== 'deb' || !hasConf || usesHelper) return [];
  const isDone = scriptlets.some(({ name, text }) => name === 'prerm' && removes.test(text));
  return isDone ? [] : [{ rule: 'debian-no-removal', file: shown, line: 1, package: shown }];
};

/** `[ "$1" = 0 ]` stands above it: in an upgrade it does not run. */
const isOnlyAtErase = ({ command, before }: Called): boolean => {
  const asks = (one: ShellCommand): boolean => one.words.some((word) => /\$\{?1\b/.test(word));
  const near = before.slice(-1).some((one) => one.line === command.line && asks(one));
  return near || (command.depth > 0 && before.some(asks));
};

const unsafeRemove = (packaging: Packaging): Finding[] =>
  packaging.kind === 'rpm'
    ? calls(packaging, /^(?:\S*\/)?dkms$/)
        .filter(({ words }) => words.includes('remove') && !words.includes('--rpm_safe_upgrade'))
        .filter((called) => !isOnlyAtErase(called))
        .map(({ words, place }) => ({ rule: 'rpm-remove-on-upgrade', ...place, command: said(words) }))
    : [];

const rules: readonly ((packaging: Packaging) => Finding[])[] = [depmod, archDkms, noRemoval, unsafeRemove];

/** What is found in a package's own scripts. */
export const packagingFindings = (packaging: Packaging): Finding[] => rules.flatMap((rule) => rule(packaging));

const section = /^%(pre|post|preun|postun|pretrans|posttrans)\b(?:(?!\n).)*$/;
const anySection =
  /^%(?:description|prep|build|install|check|clean|files|changelog|package|trigger\w*|filetrigger\w*|verifyscript|pre|post|preun|postun|pretrans|posttrans|preamble|generate_buildrequires)\b/;

/** The scriptlets of a .spec. Source: rpm's spec file format. */
export const specScriptlets = (file: string, text: string): Scriptlet[] => {
  const found: { name: string; before: number; lines: string[] }[] = [];
  let isOpen = false;
  for (const [index, line] of text.split('\n').entries()) {
    const [, name] = section.exec(line) ?? [];
    if (anySection.test(line)) isOpen = name !== undefined;
    if (name !== undefined) found.push({ name, before: index + 1, lines: [] });
    else if (isOpen) found.at(-1)?.lines.push(line);
  }
  return found.map(({ name, before, lines }) => ({ file, name, before, text: lines.join('\n') }));
};

/** The scriptlets in what `rpm -qp --scripts` prints. */
export const rpmScriptlets = (shown: string, output: string): Scriptlet[] => {
  const found: { name: string; lines: string[] }[] = [];
  for (const line of output.split('\n')) {
    const [, name] = /^(\w+) (?:scriptlet|program)(?: \(using .*\))?:/.exec(line) ?? [];
    if (name !== undefined) found.push({ name, lines: [] });
    else found.at(-1)?.lines.push(line);
  }
  return found.map(({ name, lines }) => ({ file: `${shown}:${name}`, before: 0, name, text: lines.join('\n') }));
};
