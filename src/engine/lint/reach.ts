import { isAbsolute } from 'node:path';
import type { Finding } from '../findings.ts';
import type { LintSource, SourceRule } from './source.ts';
import type { Step } from './steps.ts';

/** Builds that reach out of their directory: the network, privileges, other files. They run confined, or not at all. */

/** Programs that fetch, with the words that make them do so. */
const fetching: Readonly<Record<string, RegExp>> = {
  curl: /./,
  wget: /./,
  aria2c: /./,
  ftp: /./,
  scp: /./,
  ssh: /./,
  git: /^(?:clone|fetch|pull|submodule|ls-remote)$/,
  svn: /^(?:checkout|co|update|up|export)$/,
  hg: /^(?:clone|pull)$/,
  pip: /^(?:install|download)$/,
  pip3: /^(?:install|download)$/,
  npm: /^(?:install|ci|i)$/,
  cargo: /^(?:fetch|install|update)$/,
  go: /^(?:get|install|mod)$/,
  'apt-get': /^(?:install|update|upgrade|source|download|build-dep)$/,
  apt: /^(?:install|update|upgrade|source|download|build-dep)$/,
  dnf: /^(?:install|update|upgrade|download|builddep)$/,
  yum: /^(?:install|update|upgrade)$/,
  zypper: /^(?:install|in|update|up)$/,
  pacman: /^-S/,
};

/** A program without its directory, and without one that only gets it more rights. */
const programIn = (words: readonly string[]): readonly string[] => {
  const [first = '', ...rest] = words;
  return isPrivilege(words)
    ? programIn(rest.filter((word) => !word.startsWith('-')))
    : [first.replace(/^.*\//, ''), ...rest];
};

const isPrivilege = ([first = '', second = '']: readonly string[]): boolean =>
  /^(?:\S*\/)?(?:sudo|doas|pkexec)$/.test(first) || (/^(?:\S*\/)?su$/.test(first) && second !== '');

const commandOf = (words: readonly string[]): string => words.slice(0, 3).join(' ');

const network: SourceRule = ({ steps, shown }) =>
  steps.flatMap(({ words, file, line }): Finding[] => {
    const [program = '', ...rest] = programIn(words);
    const pattern = Object.hasOwn(fetching, program) ? fetching[program] : undefined;
    if (!pattern || !rest.some((word) => pattern.test(word)) || /^--?(?:version|help|V)$/.test(rest[0] ?? ''))
      return [];
    return [{ rule: 'network-in-build', file: shown(file), line, command: commandOf(words) }];
  });

const privileges: SourceRule = ({ steps, shown }) =>
  steps
    .filter(({ words }) => isPrivilege(words))
    .map(
      ({ words, file, line }): Finding => ({
        rule: 'sudo-in-build',
        file: shown(file),
        line,
        command: commandOf(words),
      }),
    );

/** Programs that change the machine, whatever they are given. */
const changing = /^(?:depmod|modprobe|insmod|rmmod|ldconfig|update-initramfs|dracut|mkinitcpio|systemctl)$/;

const plainWords = (words: readonly string[]): string[] => words.filter((word) => !word.startsWith('-'));

/** What a program writes to: its last word, or each. */
const targetsOf = (words: readonly string[]): string[] => {
  const [program = '', ...rest] = words;
  if (/^(?:cp|mv|install|ln)$/.test(program)) {
    const moved = program === 'mv' ? plainWords(rest) : plainWords(rest).slice(-1);
    const into = rest.flatMap((word, index) => {
      if (word === '-t') return rest[index + 1] ?? [];
      return word.startsWith('--target-directory=') ? word.replace(/^.*?=/, '') : [];
    });
    return [...moved, ...into];
  }
  if (/^(?:mkdir|rm|rmdir|touch|tee|chmod|chown|truncate)$/.test(program)) return plainWords(rest);
  if (program === 'sed' && rest.some((word) => /^(?:-\w*i|--in-place)/.test(word))) return plainWords(rest).slice(1);
  if (program === 'make' || program === '$(MAKE)')
    return rest.flatMap((word) => /^(?:M|SUBDIRS)=(.*)$/.exec(word)?.[1] ?? []);
  return [];
};

const isBelow = (path: string, directory: string): boolean => path === directory || path.startsWith(`${directory}/`);

/** Devices and temporary directories are for everybody. */
const isFree = (path: string): boolean =>
  ['/dev', '/tmp', '/var/tmp', '/proc/self'].some((directory) => isBelow(path, directory));

const isOutside = ({ places }: LintSource, path: string): boolean =>
  isAbsolute(path) && !isFree(path) && ![...places.build, ...places.headers].some((own) => isBelow(path, own));

/** Of the other scripts it is the work. */
const isBuild = ({ by, directive }: Step): boolean =>
  by !== 'script' || directive === 'MAKE' || directive === 'PRE_BUILD' || directive === 'POST_BUILD';

const writes: SourceRule = (source) =>
  source.steps.filter(isBuild).flatMap((step): Finding[] => {
    const words = programIn(step.words);
    const at = { rule: 'writes-outside', file: source.shown(step.file), line: step.line } as const;
    if (changing.test(words[0] ?? '')) return [{ ...at, command: commandOf(words) }];
    const path = [...targetsOf(words), ...step.outputs].find((one) => isOutside(source, one));
    return path === undefined ? [] : [{ ...at, command: words[0] ?? '', path }];
  });

export const reachRules: readonly SourceRule[] = [network, privileges, writes];
