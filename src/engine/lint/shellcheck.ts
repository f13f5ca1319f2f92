import { join } from 'node:path';
import { scriptNames } from '../conf/directives.ts';
import { first } from '../conf/values.ts';
import type { Finding } from '../findings.ts';
import type { Run } from '../run/run.ts';
import { staysBelow } from '../system/names.ts';
import { type LintSource, textIn } from './source.ts';
import { isGenerated } from './steps.ts';

/** What shellcheck(1) says of a conf and its scripts, where it is installed. */

/** Set while dkms reads a conf. */
const given = new Set([
  ...['kernelver', 'arch', 'kernel_source_dir', 'dkms_tree', 'source_tree', 'install_tree', 'module', 'module_version'],
]);

/**
 * Of a conf: directives are assigned and not used (SC2034), files of the kernel's are sourced (SC1090, SC1091), and values
 * go over many lines (SC1078, SC1079).
 */
const confWords = ['--shell=bash', '--exclude=SC2034,SC1078,SC1079,SC1090,SC1091'];

/**
 * Every sh that runs such scripts (dash, bash, busybox) knows `local` (SC3043); Debian Policy 10.4 asks for it. Of a word
 * that is also a command's name (SC2209) and of options that are taken and not used (SC2034) nothing goes wrong.
 */
const scriptWords = ['--exclude=SC1090,SC1091,SC2034,SC2209,SC3043'];

interface Comment {
  readonly line: number;
  readonly level: string;
  readonly code: number;
  readonly message: string;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

const commentsIn = (output: string): Comment[] => {
  try {
    const document: unknown = JSON.parse(output);
    const comments = isObject(document) && Array.isArray(document.comments) ? document.comments : [];
    return comments.filter(isObject).map(({ line, level, code, message }) => ({
      line: Number(line),
      level: String(level),
      code: Number(code),
      message: String(message),
    }));
  } catch {
    return [];
  }
};

/** `echo -n` is known to all of them too, and `$BASH_SOURCE` means the file itself. */
const isIdiom = ({ code }: Comment, line: string): boolean =>
  (code === 3037 && !/\becho\s+-\w*[eE]/.test(line)) || (code === 2128 && line.includes('BASH_SOURCE'));

/** What dkms or a sourced file sets. */
const isKnownVariable = ({ code, message }: Comment, sources: boolean): boolean =>
  code === 2154 && (sources || given.has(/^(\w+)/.exec(message)?.[1] ?? ''));

const findingOf = (file: string, { line, level, code, message }: Comment): Finding => ({
  rule: level === 'error' ? 'shellcheck-error' : 'shellcheck-warning',
  file,
  line,
  number: code,
  text: message.replaceAll(/\s+/g, ' ').replace(/\.$/, ''),
});

/** The scripts of a conf that a shell runs. */
const shellScripts = ({ raw, directory }: LintSource): string[] => {
  const named = raw ? scriptNames.map((name) => first(raw, name).split(/\s+/).filter(Boolean)[0] ?? '') : [];
  return [...new Set(named)].filter((file) => {
    const text = file !== '' && staysBelow(file) ? textIn(directory, file) : undefined;
    return text !== undefined && !isGenerated(text) && /^#!\s*\S*\b(?:env\s+)?(?:ba|da|k)?sh\b/.test(text);
  });
};

/**
 * Ask shellcheck.
 *
 * @returns undefined where it is not installed
 */
export const askShellcheck = async (run: Run, source: LintSource): Promise<readonly Finding[] | undefined> => {
  const found: Finding[] = [];
  const sources = source.confLines.some((line) => /^\s*(?:\.|source)\s/.test(line));
  const asked: [string, readonly string[]][] = [
    ['dkms.conf', confWords],
    ...shellScripts(source).map((file): [string, readonly string[]] => [file, scriptWords]),
  ];
  for (const [file, words] of asked) {
    const argv = ['shellcheck', '--norc', '--format=json1', '--severity=warning', ...words] as const;
    const ended = await run.processes.ask([...argv, '--', join(source.directory, file)], { limit: 60 });
    if (ended.unstartable !== undefined) return undefined;
    const lines = (textIn(source.directory, file) ?? '').split('\n');
    const comments = commentsIn(ended.output)
      .filter((one) => file !== 'dkms.conf' || !isKnownVariable(one, sources))
      .filter((one) => !isIdiom(one, lines[one.line - 1] ?? ''));
    found.push(...comments.map((one) => findingOf(source.shown(file.replace(/^(?:\.\/)+/, '')), one)));
  }
  return found;
};
